import CLinux
import Glibc
import Synchronization

/// Wakes tasks at instants of the boot-time clock: one kernel timer, armed for the earliest of them,
/// and nothing periodic. (`Task.sleep` would start libdispatch, whose thread monitor wakes up each
/// second for as long as the process lives.) `timerfd_create(2)`
final class Alarms: Sendable {
    static let shared = Alarms()

    private struct Sleeper {
        let id: UInt64
        let instant: BootInstant
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var nextID: UInt64 = 1
        /// The earliest last.
        var sleepers: [Sleeper] = []
        var cancelled: Set<UInt64> = []
    }

    private let timer: Int32
    private let state = Mutex(State())
    /// Why there is nothing to keep time with.
    private let failure = Mutex<Errno?>(nil)

    private init() {
        timer = wif_boot_timer()
        do throws(Errno) {
            if timer < 0 { throw Errno(errno) }
            _ = try Poller.shared.watch(timer) { [unowned self] in wake() }
        } catch {
            failure.withLock { $0 = error }
        }
    }

    /// - Throws: ``Errno`` where the kernel has given no timer; every sleep fails then.
    func check() throws(Errno) {
        if let failure = failure.withLock(\.self) { throw failure }
    }

    /// Returns at the instant, at once if that is past.
    /// - Throws: `CancellationError` when the task is cancelled.
    func sleep(until instant: BootInstant) async throws {
        try check()
        try Task.checkCancellation()
        guard instant > .now else { return }
        let id = state.withLock { state in
            defer { state.nextID += 1 }
            return state.nextID
        }
        defer { state.withLock { _ = $0.cancelled.remove(id) } }
        let isOver = await withTaskCancellationHandler {
            await withCheckedContinuation {
                add(Sleeper(id: id, instant: instant, continuation: $0))
            }
        } onCancel: {
            cancel(id)
        }
        if !isOver { throw CancellationError() }
    }

    private func add(_ sleeper: Sleeper) {
        let isCancelled = state.withLock { state in
            if state.cancelled.contains(sleeper.id) { return true }
            let index = state.sleepers.partitioningIndex { $0.instant <= sleeper.instant }
            state.sleepers.insert(sleeper, at: index)
            if index == state.sleepers.count - 1 { arm(sleeper.instant) }
            return false
        }
        if isCancelled { sleeper.continuation.resume(returning: false) }
    }

    private func cancel(_ id: UInt64) {
        let sleeper = state.withLock { state -> Sleeper? in
            guard let index = state.sleepers.lastIndex(where: { $0.id == id }) else {
                state.cancelled.insert(id)
                return nil
            }
            let sleeper = state.sleepers.remove(at: index)
            // The earliest goes: the timer must not wake the process up for nobody.
            if index == state.sleepers.count { arm(state.sleepers.last?.instant ?? .distantFuture) }
            return sleeper
        }
        sleeper?.continuation.resume(returning: false)
    }

    private func wake() {
        let now = BootInstant.now
        let due = state.withLock { state in
            let index = state.sleepers.partitioningIndex { $0.instant <= now }
            let due = state.sleepers[index...]
            state.sleepers.removeSubrange(index...)
            // Arming also makes the timer quiet; with nobody asleep it is armed for ever.
            arm(state.sleepers.last?.instant ?? .distantFuture)
            return due
        }
        for sleeper in due.reversed() { sleeper.continuation.resume(returning: true) }
    }

    private func arm(_ instant: BootInstant) {
        // Fails only for an instant before the boot, for which nobody sleeps (timerfd_settime(2)). Whatever
        // else comes in its way, as a tracer can, must not leave a task asleep for ever.
        let nanoseconds = max(0, instant.nanoseconds)
        if wif_boot_timer_arm(timer, nanoseconds) != 0 {
            _ = wif_boot_timer_arm(timer, nanoseconds)
        }
    }
}

extension Array {
    /// The first index whose element fulfils the condition, in an array where all those after it do.
    fileprivate func partitioningIndex(where condition: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if condition(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
