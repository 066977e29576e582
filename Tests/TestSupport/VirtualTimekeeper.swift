import FoundationEssentials
package import Kernel
import Synchronization

/// A clock that only the test moves; whoever sleeps is woken in the order of the instants.
///
/// Moving it is like a machine's suspend: who sleeps again until a moment already past goes on at once.
package final class VirtualTimekeeper: Timekeeper {
    private struct Sleeper {
        let instant: BootInstant
        /// Told whether the instant has come.
        let end: @Sendable (Bool) -> Void
    }

    private struct State {
        var now: BootInstant
        /// What the wall clock shows at boot.
        var wallAtBoot: WallTime
        var nextID = 0
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
        var watchers: [Int: (count: Int, continuation: CheckedContinuation<Void, Never>)] = [:]
        var slept: [Double] = []
    }

    private let state: Mutex<State>
    private let isSkipping: Bool

    /// - Parameters:
    ///   - wallClock: what the wall clock shows at first.
    ///   - isSkipping: every sleep moves the clock itself and returns at once, for a single sleeper.
    package init(
        wallClock: WallTime = WallTime(secondsSinceEpoch: 1_704_164_645),
        isSkipping: Bool = false
    ) {
        let boot = 1000.0
        self.isSkipping = isSkipping
        state = Mutex(
            State(
                now: BootInstant(seconds: boot),
                wallAtBoot: wallClock.advanced(bySeconds: -boot)
            )
        )
    }

    package var now: BootInstant { state.withLock(\.now) }

    package var wallClock: WallTime {
        state.withLock { state in
            state.wallAtBoot.advanced(bySeconds: state.now.seconds(since: BootInstant(seconds: 0)))
        }
    }

    /// How long each sleep was to last, in seconds, in the order they began.
    package var slept: [Double] { state.withLock(\.slept) }

    /// How many are asleep.
    package var sleeperCount: Int { state.withLock(\.sleepers.count) }

    /// Sets the wall clock alone, as an administrator would.
    package func stepWallClock(by seconds: Double) {
        state.withLock { $0.wallAtBoot = $0.wallAtBoot.advanced(bySeconds: seconds) }
    }

    /// Moves both clocks and wakes who is due, earliest first.
    package func advance(by seconds: Double) {
        let due = state.withLock { state in
            state.now = state.now.advanced(bySeconds: seconds)
            return Self.takeDue(&state)
        }
        for sleeper in due { sleeper.end(true) }
    }

    /// Waits until somebody sleeps, moves the clock to the earliest instant slept for, and wakes for it.
    package func advanceToNextSleeper() async {
        await waitForSleepers(1)
        let due = state.withLock { state in
            if let next = state.sleepers.values.map(\.instant).min() {
                state.now = max(state.now, next)
            }
            return Self.takeDue(&state)
        }
        for sleeper in due { sleeper.end(true) }
    }

    /// Returns when at least so many are asleep, or the test's time limit has cancelled it.
    package func waitForSleepers(_ count: Int) async {
        let id = state.withLock { state in
            defer { state.nextID += 1 }
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isThere = state.withLock { state in
                    if state.sleepers.count >= count || Task.isCancelled { return true }
                    state.watchers[id] = (count, continuation)
                    return false
                }
                if isThere { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.watchers.removeValue(forKey: id) }?.continuation.resume()
        }
    }

    package func sleep(until instant: BootInstant) async throws {
        try Task.checkCancellation()
        let id = begin(instant)
        defer { state.withLock { _ = $0.cancelled.remove(id) } }
        let isDue = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let sleeper = Sleeper(instant: instant) { continuation.resume(returning: $0) }
                if let isDue = fallAsleep(id, sleeper) { continuation.resume(returning: isDue) }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                state.cancelled.insert(id)
                return state.sleepers.removeValue(forKey: id)
            }
            sleeper?.end(false)
        }
        if !isDue { throw CancellationError() }
    }

    package func alarm(
        at instant: BootInstant,
        _ ring: @escaping @Sendable () -> Void
    ) -> Alarm {
        let id = begin(instant)
        let sleeper = Sleeper(instant: instant) { if $0 { ring() } }
        // Not within the call.
        if fallAsleep(id, sleeper) != nil { Task.detached { ring() } }
        return Alarm { [self] in _ = state.withLock { $0.sleepers.removeValue(forKey: id) } }
    }

    /// A wait for the instant begins.
    private func begin(_ instant: BootInstant) -> Int {
        state.withLock { state in
            state.slept.append(instant.seconds(since: state.now))
            if isSkipping { state.now = max(state.now, instant) }
            defer { state.nextID += 1 }
            return state.nextID
        }
    }

    /// Whether the instant has come, or the sleep was cancelled; `nil` where it begins.
    private func fallAsleep(_ id: Int, _ sleeper: Sleeper) -> Bool? {
        var watchers: [CheckedContinuation<Void, Never>] = []
        let answer: Bool? = state.withLock { state in
            if state.cancelled.contains(id) { return false }
            if sleeper.instant <= state.now { return true }
            state.sleepers[id] = sleeper
            let count = state.sleepers.count
            let satisfied = state.watchers.filter { $0.value.count <= count }
            for id in satisfied.keys { state.watchers[id] = nil }
            watchers = satisfied.values.map(\.continuation)
            return nil
        }
        for watcher in watchers { watcher.resume() }
        return answer
    }

    private static func takeDue(_ state: inout State) -> [Sleeper] {
        let due = state.sleepers.filter { $0.value.instant <= state.now }
        for id in due.keys { state.sleepers[id] = nil }
        return due.sorted { ($0.value.instant, $0.key) < ($1.value.instant, $1.key) }.map(\.value)
    }
}
