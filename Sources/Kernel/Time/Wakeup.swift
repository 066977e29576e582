import Synchronization

/// Wakes a task: one waits, others ring. A ring before the wait is not lost; many count as one.
package final class Wakeup: Sendable {
    private enum State {
        case quiet
        case rung
        case waiting(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex(State.quiet)

    package init() {}

    /// Wakes the waiter, now or at its next wait.
    package func ring() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if case .waiting(let continuation) = state {
                state = .quiet
                return continuation
            }
            state = .rung
            return nil
        }
        waiter?.resume()
    }

    /// Returns when somebody has rung, or when the task is cancelled. One waiter at a time.
    package func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isRung = state.withLock { state in
                    if case .rung = state {
                        state = .quiet
                        return true
                    }
                    state = .waiting(continuation)
                    return false
                }
                if isRung { continuation.resume() }
            }
        } onCancel: {
            ring()
        }
    }

    /// Returns when somebody has rung, at `deadline`, or when the task is cancelled; now and then earlier,
    /// where an earlier wait's deadline comes while that ends.
    package func wait(until deadline: BootInstant?, on timekeeper: any Timekeeper) async {
        guard let deadline else { return await wait() }
        guard timekeeper.now < deadline else { return }
        // An alarm, and not a race of two tasks, which would be two more for each account that waits.
        let alarm = timekeeper.alarm(at: deadline) { [self] in ring() }
        defer { alarm.cancel() }
        await wait()
    }
}
