package import Federation
package import Kernel
import Synchronization

/// What the agent knows at this moment: its accounts, the files it could not use, what the workers
/// did; and a place to wait for changes.
package final class Board: Sendable {
    /// An account file that cannot be used, and why.
    package struct Rejection: Equatable, Sendable {
        package let path: String
        package let failure: Failure
    }

    /// Counts that belong to no account.
    package struct Counts: Sendable {
        package var workersStarted = 0
        package var workersDied = 0
    }

    private struct State {
        var loops: [AccountLoop] = []
        var rejections: [Rejection] = []
        var counts = Counts()
        var observers: [Int: Wakeup] = [:]
        var nextObserver = 0
        var revision: Int64 = 0
    }

    private let state = Mutex(State())
    package let timekeeper: any Timekeeper

    package init(timekeeper: any Timekeeper) {
        self.timekeeper = timekeeper
    }

    /// By name.
    package var loops: [AccountLoop] {
        state.withLock(\.loops)
    }

    package var rejections: [Rejection] {
        state.withLock(\.rejections)
    }

    package var counts: Counts {
        state.withLock(\.counts)
    }

    /// Takes the accounts as they are now; no two have the same name.
    package func set(_ loops: [AccountLoop], _ rejections: [Rejection]) {
        let sorted = loops.sorted { $0.name < $1.name }
        state.withLock { state in
            state.loops = sorted
            state.rejections = rejections
        }
        changed()
    }

    /// Counts the changes so far; two equal numbers mean that nothing has changed in between.
    package var revision: Int64 { state.withLock(\.revision) }

    /// Changes the counts.
    package func count(_ change: (inout Counts) -> Void) {
        state.withLock { change(&$0.counts) }
    }

    /// Whether there is an account, every file is usable, and every account has a valid credential in
    /// all its outputs.
    package var isReady: Bool {
        let now = timekeeper.now
        let (loops, rejections) = state.withLock { ($0.loops, $0.rejections) }
        return !loops.isEmpty && rejections.isEmpty
            && loops.allSatisfy { $0.ask { $0.isReady(at: now) } }
    }

    /// Whether waiting longer for readiness makes no sense.
    package var isSettled: Bool {
        let now = timekeeper.now
        return loops.allSatisfy { $0.ask { $0.isSettled(at: now) } }
    }

    /// The accounts that are past their own deadlines, by name.
    package var stuckAccounts: [String] {
        let (now, loops) = (timekeeper.now, loops)
        return loops.filter { loop in
            loop.ask { life in
                let patience = life.account.longestTurn(among: loops.count)
                return life.isStuck(at: now, patience: patience)
            }
        }.map(\.name)
    }

    /// Tells those who wait that something is different.
    package func changed() {
        let observers = state.withLock { state in
            state.revision += 1
            return Array(state.observers.values)
        }
        for observer in observers { observer.ring() }
    }

    /// Waits until the condition holds, the deadline passes or the task is cancelled; answers whether
    /// it holds. The condition is looked at after each change.
    package func wait(
        until deadline: BootInstant,
        for condition: () -> Bool
    ) async -> Bool {
        let wakeup = Wakeup()
        let id = addObserver(wakeup)
        defer { removeObserver(id) }
        while true {
            if condition() { return true }
            if timekeeper.now >= deadline || Task.isCancelled { return false }
            await wakeup.wait(until: deadline, on: timekeeper)
        }
    }

    /// Calls `look` now and soon after changes, until cancelled. A look at all accounts costs the more
    /// the more there are, and the more change: between two a millisecond passes for each account.
    package func watch(_ look: () -> Void) async {
        let wakeup = Wakeup()
        let id = addObserver(wakeup)
        defer { removeObserver(id) }
        do {
            while true {
                look()
                await wakeup.wait()
                let pause = Double(loops.count) / 1000
                try await timekeeper.sleep(until: timekeeper.now.advanced(bySeconds: pause))
            }
        } catch {}
    }

    private func addObserver(_ wakeup: Wakeup) -> Int {
        state.withLock { state in
            state.nextObserver += 1
            state.observers[state.nextObserver] = wakeup
            return state.nextObserver
        }
    }

    private func removeObserver(_ id: Int) {
        state.withLock { _ = $0.observers.removeValue(forKey: id) }
    }
}
