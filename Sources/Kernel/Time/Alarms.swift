import CLinux
import Glibc
import Synchronization

/// Wakes tasks, and makes calls, at instants of the boot-time clock: one kernel timer, armed for the earliest,
/// and nothing periodic. (`Task.sleep` would start libdispatch, whose thread monitor wakes up each
/// second for as long as the process lives.) `timerfd_create(2)`
final class Alarms: Sendable {
    static let shared = Alarms()

    private struct Sleeper {
        let id: UInt64
        let instant: BootInstant
        /// Told whether the instant has come; called once.
        let end: @Sendable (Bool) -> Void
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
        let id = nextID()
        defer { state.withLock { _ = $0.cancelled.remove(id) } }
        let isOver = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
                add(Sleeper(id: id, instant: instant) { continuation.resume(returning: $0) })
            }
        } onCancel: {
            cancel(id)
        }
        if !isOver { throw CancellationError() }
    }

    /// See ``Timekeeper/alarm(at:_:)``. ``MainLoop`` runs no program without a timer.
    func alarm(at instant: BootInstant, _ ring: @escaping @Sendable () -> Void) -> Alarm {
        let id = nextID()
        add(Sleeper(id: id, instant: instant) { if $0 { ring() } })
        return Alarm { [self] in _ = take(id) }
    }

    private func nextID() -> UInt64 {
        state.withLock { state in
            defer { state.nextID += 1 }
            return state.nextID
        }
    }

    private func add(_ sleeper: Sleeper) {
        let isCancelled = state.withLock { state in
            if state.cancelled.contains(sleeper.id) { return true }
            let index = state.sleepers.partitioningIndex { $0.instant <= sleeper.instant }
            state.sleepers.insert(sleeper, at: index)
            if index == state.sleepers.count - 1 { arm(sleeper.instant) }
            return false
        }
        if isCancelled { sleeper.end(false) }
    }

    private func cancel(_ id: UInt64) {
        take(id, orElse: { $0.cancelled.insert(id) })?.end(false)
    }

    /// Takes a sleeper away that has not been woken; where there is none, `otherwise` notes that.
    private func take(_ id: UInt64, orElse otherwise: (inout State) -> Void = { _ in }) -> Sleeper?
    {
        state.withLock { state in
            guard let index = state.sleepers.lastIndex(where: { $0.id == id }) else {
                otherwise(&state)
                return nil
            }
            let sleeper = state.sleepers.remove(at: index)
            // The earliest goes: the timer must not wake the process up for nobody.
            if index == state.sleepers.count { arm(state.sleepers.last?.instant ?? .distantFuture) }
            return sleeper
        }
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
        for sleeper in due.reversed() { sleeper.end(true) }
    }

    private func arm(_ instant: BootInstant) {
        // Zero would disarm it, and an instant before the boot fails (timerfd_settime(2)). Whatever else
        // comes in its way, as a tracer can, must not leave a task asleep for ever.
        let nanoseconds = max(1, instant.nanoseconds)
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
