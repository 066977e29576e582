package import Federation
package import Kernel
package import Outputs
import Synchronization

/// Drives one account's life: does the effects that ``AccountLife`` asks for as child tasks, and feeds what
/// came of them back. The order of things is the life's alone.
package final class AccountLoop: Sendable {
    /// What the loop needs from outside.
    package struct Dependencies: Sendable {
        package var worker: any ExchangeWorker
        package var timekeeper: any Timekeeper
        /// A number in 0..<1, drawn anew at each call.
        package var chance: @Sendable () -> Double
        package var log: Log
        /// The agent's own, of which hooks are given a little.
        package var environment: [String: String]
        /// Whether a credential is revoked once its successor has been delivered. Not for whoever only
        /// borrows credentials.
        package var revokesSuperseded: Bool
        /// Called after each change of the account's state.
        package var onChange: @Sendable () -> Void

        package init(
            worker: any ExchangeWorker,
            timekeeper: any Timekeeper,
            chance: @escaping @Sendable () -> Double,
            log: Log,
            environment: [String: String] = [:],
            revokesSuperseded: Bool = false,
            onChange: @escaping @Sendable () -> Void
        ) {
            self.worker = worker
            self.timekeeper = timekeeper
            self.chance = chance
            self.log = log
            self.environment = environment
            self.revokesSuperseded = revokesSuperseded
            self.onChange = onChange
        }
    }

    /// Opens the outputs of a version of the account.
    package typealias OpenOutputs =
        @Sendable (Account) throws(OutputError) -> any CredentialOutputs

    package let name: String
    let dependencies: Dependencies
    let keeper: CredentialKeeper?
    let outputs: ServedOutputs
    private struct State {
        var life: AccountLife
        /// What the life has asked for and nobody has begun.
        var effects: [AccountLife.Effect] = []
    }

    private let state: Mutex<State>
    private let wakeup = Wakeup()
    let requests = RequestTable<AccountLife.Answer>()
    private let stopped = Wakeup()

    /// Opens the account's outputs.
    ///
    /// - Parameter openOutputs: opens those of a version of the account.
    /// - Throws: `OutputError` of an output that cannot be opened.
    package init(
        account: Account,
        openOutputs: @escaping OpenOutputs,
        keeper: CredentialKeeper?,
        dependencies: Dependencies
    ) throws(OutputError) {
        name = account.name
        outputs = try ServedOutputs(of: account, open: openOutputs, wakeup: wakeup)
        self.keeper = keeper
        self.dependencies = dependencies
        let life = AccountLife(
            account: account,
            revokesSuperseded: dependencies.revokesSuperseded,
            start: dependencies.timekeeper.now
        )
        state = Mutex(State(life: life))
    }

    // MARK: Questions and requests

    /// The account's life at this moment.
    package var snapshot: AccountLife { state.withLock(\.life) }

    /// The version of the account file that is in force.
    package var account: Account { state.withLock(\.life.account) }

    /// Answers a question about the life without a copy of it.
    func ask<Result>(_ question: (AccountLife) -> Result) -> Result {
        state.withLock { question($0.life) }
    }

    /// What the sockets have done so far, by path.
    var socketCounts: [String: SocketCounts] { outputs.present.socketCounts }

    /// Has a refresh start at once, or `delay` seconds later, though never within a second of the
    /// last attempt.
    package func refresh(after delay: Double = 0) { tell(.refreshRequested(delay: delay)) }

    /// After a resume or a step of the wall clock: what is overdue starts, spread over 30 s.
    package func lookAgain() { tell(.clockChanged) }

    /// The account file holds this now: it comes into force, or is tried beside the version in force
    /// until it has a credential of its own.
    ///
    /// - Returns: why it cannot be used, if so; the version in force stays then.
    package func change(to account: Account) async -> Failure? {
        let answer = await requests.answer { tell(.fileChanged(account, .init(id: $0))) }
        guard case .changed(let failure)? = answer else { return nil }
        return failure
    }

    /// The account file holds no usable account any more: the version in force stays alone.
    package func fileIsBroken() { tell(.fileBroken) }

    /// Something else has changed a file that the source reads the subject token from.
    package func tokenFileChanged() { tell(.tokenFileChanged) }

    /// Revokes the present credential, outputs emptied first, and has a new one obtained.
    package func revoke() async -> AccountLife.Revocation {
        let answer = await requests.answer { tell(.revocationRequested(.init(id: $0))) }
        guard case .revocation(let revocation)? = answer else { return .failed(.ended) }
        return revocation
    }

    /// Ends ``run()``; with `forGood`, no other loop of the account follows, and the credential is
    /// revoked where the account asks for that.
    package func stop(forGood: Bool = false) { tell(.stopRequested(forGood: forGood)) }

    /// Returns when ``run()`` has ended; for one waiter.
    package func waitUntilStopped() async { await stopped.wait() }

    // MARK: The loop

    /// Keeps the account's credential fresh until ``stop(forGood:)`` or cancellation; then its sockets
    /// are gone.
    package func run() async {
        await withDiscardingTaskGroup { group in
            begin()
            while !Task.isCancelled, !isStopping {
                beginEffects(in: &group)
                let deadline = nextDeadline
                await wakeup.wait(until: deadline, on: dependencies.timekeeper)
                if let deadline, deadline <= dependencies.timekeeper.now { tell(.timePassed) }
            }
            group.cancelAll()
        }
        await finish()
        requests.close()
        stopped.ring()
    }

    /// Takes an event in; what follows from it is known at once and done by ``run()``.
    func tell(_ event: AccountLife.Event) {
        let clock = dependencies.timekeeper
        let chance = dependencies.chance()
        state.withLock { state in
            state.effects += state.life.handle(
                event,
                at: clock.now,
                date: clock.wallClock,
                chance: chance
            )
        }
        wakeup.ring()
        dependencies.onChange()
    }

    // These are not inlined: what they hold would stand in the frame of a task that lives as long as the
    // account.

    @inline(never)
    private func begin() {
        outputs.listen()
        tell(.started(adopt()))
    }

    private var isStopping: Bool {
        @inline(never) get { state.withLock { $0.life.isStopping } }
    }

    private var nextDeadline: BootInstant? {
        @inline(never) get { state.withLock { $0.life.deadline } }
    }

    @inline(never)
    private func beginEffects(in group: inout DiscardingTaskGroup) {
        for effect in takeEffects() { begin(effect, in: &group) }
        if outputs.takeTouch() { group.addTask { await self.lookAtOutputs() } }
    }

    private func takeEffects() -> [AccountLife.Effect] {
        state.withLock { state in
            defer { state.effects = [] }
            return state.effects
        }
    }

    private func begin(_ effect: AccountLife.Effect, in group: inout DiscardingTaskGroup) {
        switch effect {
        case .log, .answer: note(effect)
        // By itself: of those that wait for a worker there may be as many as accounts, each in frames of its own.
        case .exchange(let attempt): group.addTask { await self.exchange(attempt).map(self.tell) }
        case .deliver, .expire, .withdraw, .open, .keep, .runHooks, .revoke, .close:
            group.addTask { await self.answer(effect).map(self.tell) }
        }
    }

    /// The last things, after everything else has ended; no longer than jobs may take. What was asked
    /// for before and not begun is not done any more.
    private func finish() async {
        for effect in takeEffects() { note(effect) }
        tell(.stopped)
        while case let effects = takeEffects(), !effects.isEmpty {
            await withDiscardingTaskGroup { group in
                for effect in effects { begin(effect, in: &group) }
            }
        }
    }

    private func adopt() -> CredentialKeeper.Kept {
        let kept =
            keeper?.adopt(
                for: account,
                environment: dependencies.environment,
                at: dependencies.timekeeper.now
            ) ?? CredentialKeeper.Kept()
        if let problem = kept.problem {
            dependencies.log(.warning, .warning, ["account": name, "error": problem])
        }
        return kept
    }
}

extension Failure {
    fileprivate static var ended: Failure {
        Failure(.transient, at: .worker, "the agent no longer serves the account")
    }
}
