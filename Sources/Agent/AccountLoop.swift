package import Federation
internal import FoundationEssentials
internal import Outputs
package import Platform
import Synchronization

/// One account's life in the agent: the path of a credential, again and again.
///
/// job → credential → delivered bytes → date of the next refresh. This is the only place that knows
/// the order; what follows from what is ``AccountState``'s.
package final class AccountLoop: Sendable {
    /// What the loop needs from outside.
    package struct Surroundings: Sendable {
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

    /// What a loop that has ended leaves to the next one of the same account.
    package struct Legacy: Sendable {
        /// Under which everything was issued.
        package let account: Account
        package let credential: Credential?
        package let revocations: RevocationQueue
    }

    package let account: Account
    let outputs: any CredentialOutputs
    private let keeper: CredentialKeeper?
    let around: Surroundings
    /// What another loop of this account obtained; delivered until something newer is there.
    private let inherited: Legacy?
    let state: Mutex<AccountState>
    private let isEndForGood = Mutex(false)
    private let refreshBell = Wakeup()
    private let expiryBell = Wakeup()
    let revocationBell = Wakeup()
    private let stopBell = Wakeup()
    private let stopped = Wakeup()
    /// Held while outputs are written to, so that an expiry never takes a newer credential away.
    let outputsLock = AsyncLock()
    private let keeperLock = AsyncLock()

    package init(
        account: Account,
        outputs: any CredentialOutputs,
        keeper: CredentialKeeper?,
        inheriting legacy: Legacy? = nil,
        in surroundings: Surroundings
    ) {
        inherited = legacy
        self.account = account
        self.outputs = outputs
        self.keeper = keeper
        around = surroundings
        state = Mutex(AccountState(start: surroundings.timekeeper.now))
    }

    /// The state at this moment.
    package var snapshot: AccountState { state.withLock(\.self) }

    /// As the snapshot would say, which is not taken for it.
    func isReady(at now: BootInstant) -> Bool { state.withLock { $0.isReady(at: now) } }

    /// Keeps the account's credential fresh until ``stop()`` or cancellation; then its sockets are gone.
    package func run() async {
        await adopt()
        await withTaskGroup { group in
            group.addTask { await self.outputs.run() }
            group.addTask { await self.keepFresh() }
            group.addTask { await self.tellExpiry() }
            group.addTask { await self.revokeSuperseded() }
            await stopBell.wait()
            group.cancelAll()
        }
        await finish()
        stopped.ring()
    }

    /// Returns when ``run()`` has ended; for one waiter.
    package func waitUntilStopped() async {
        await stopped.wait()
    }

    /// Ends ``run()``; with `forGood`, no other loop of the account follows, and the credential is
    /// revoked where the account asks for that.
    package func stop(forGood: Bool = false) {
        isEndForGood.withLock { $0 = forGood }
        stopBell.ring()
    }

    var endsForGood: Bool { isEndForGood.withLock(\.self) }

    /// For the loop that takes this one's place, once it has ended.
    package var legacy: Legacy {
        let state = snapshot
        return Legacy(
            account: state.owner ?? account,
            credential: state.credential,
            revocations: state.revocations
        )
    }

    /// Has a refresh start at once, or `spread` seconds later, though never within a second of the
    /// last attempt.
    package func refresh(after spread: Double = 0) {
        state.withLock { $0.hasten(at: around.timekeeper.now, delay: spread) }
        refreshBell.ring()
    }

    /// After a resume or a step of the wall clock: what is overdue starts, spread over 30 s.
    package func lookAgain() {
        let now = around.timekeeper.now
        let chance = around.chance()
        state.withLock { state in
            guard state.nextAttempt <= now, !state.isAttempting else { return }
            state.hasten(at: now, delay: state.phase(at: now) == .valid ? 30 * chance : 0)
        }
        refreshBell.ring()
        expiryBell.ring()
    }

    private func keepFresh() async {
        while !Task.isCancelled {
            let now = around.timekeeper.now
            if state.withLock({ $0.beginsAttempt(at: now) }) {
                await exchange()
            } else if let credential = state.withLock({ $0.beginsRedelivery(at: now) }) {
                await deliver(credential)
            } else {
                let next = state.withLock { $0.rests() }
                await refreshBell.wait(until: next, on: around.timekeeper)
            }
        }
    }

    private func exchange() async {
        around.onChange()
        let result = await around.worker.run(.exchange, for: account)
        if Task.isCancelled { return }
        state.withLock { $0.measureAttempt(at: around.timekeeper.now) }
        for warning in result.warnings { log(.warning, .warning, message: warning) }
        switch result.outcome {
        case .credential(let credential):
            let chance = around.chance()
            let now = around.timekeeper.now
            let failures = snapshot.failuresInARow
            state.withLock { state in
                if around.revokesSuperseded, state.phase(at: now) == .valid {
                    state.credential.map { state.revocations.add($0, of: state.owner ?? account) }
                }
                state.succeed(with: credential, result, chance: chance)
            }
            logRefreshed(credential, result, after: failures)
            if result.proof?.isRenewable == false {
                let message = "the token source cannot give another token; the account will expire"
                log(.warning, .willExpire, message: message, expiresAt: credential.expiresAt)
            }
            await persist()
            await deliver(credential)
        case .failure(let failure): fail(failure)
        case .subjectToken, .revoked, .steps, .data:
            fail(Failure(.transient, at: .worker, "the worker sent no credential"))
        }
    }

    private func deliver(_ credential: Credential) async {
        let start = around.timekeeper.now
        let reports = await outputsLock.withLock { await outputs.deliver(credential) }
        let (now, chance) = (around.timekeeper.now, around.chance())
        let duration = now.seconds(since: start)
        state.withLock { $0.record(reports, after: duration, at: now, chance: chance) }
        for report in reports {
            for warning in report.warnings {
                log(.warning, .warning, message: warning, path: report.output.path)
            }
            if let failure = report.failure {
                log(.error, .outputFailed, message: failure.message, path: report.output.path)
            } else {
                logDelivered(to: report.output.path)
            }
        }
        expiryBell.ring()
        around.onChange()
        guard reports.allSatisfy({ $0.failure == nil }) else { return }
        state.withLock { $0.revocations.release(at: around.timekeeper.now) }
        revocationBell.ring()
        await runHooks(credential)
    }

    /// Runs the account's hooks, once for each credential that was obtained.
    private func runHooks(_ credential: Credential) async {
        guard !account.hooks.isEmpty, state.withLock({ $0.beginsHooks() }) else { return }
        let runner = HookRunner(
            account: account.name,
            environment: around.environment,
            timekeeper: around.timekeeper
        )
        do {
            let failures = try await runner.run(account.hooks, expiresAt: credential.expiresAt)
            for failure in failures { log(.error, .hookFailed, message: failure.message) }
            if failures.isEmpty { logHooksDone() }
            state.withLock { $0.endHooks(failures: failures.count) }
        } catch {
            // Cancelled with everything else.
        }
        around.onChange()
    }

    private func fail(_ failure: Failure) {
        let (now, date) = (around.timekeeper.now, around.timekeeper.wallClock)
        let chance = around.chance()
        let next = state.withLock { state in
            state.fail(failure, at: now, date: date, chance: chance)
            return state.nextAttempt
        }
        around.log(
            .error,
            .refreshFailed,
            about: account.name,
            [
                "account": account.name, "class": failure.class.rawValue,
                "step": failure.step.rawValue, "error": failure.message, "hint": failure.hint,
                "retry_in": "\(Int(next.seconds(since: now).rounded(.up)))",
            ]
        )
        around.onChange()
    }

    private func tellExpiry() async {
        while !Task.isCancelled {
            let now = around.timekeeper.now
            if state.withLock({ $0.tellsExpiry(at: now) }) {
                await withdraw()
                log(
                    .error,
                    .expired,
                    message: "the credential has expired and no newer one is there"
                )
                around.onChange()
            }
            let next = state.withLock(\.expiryEvent)
            await expiryBell.wait(until: next, on: around.timekeeper)
        }
    }

    private func withdraw() async {
        await outputsLock.withLock {
            guard state.withLock({ $0.phase(at: around.timekeeper.now) }) == .expired else {
                return
            }
            for report in await outputs.expire() {
                guard let failure = report.failure else { continue }
                log(.error, .outputFailed, message: failure.message, path: report.output.path)
            }
        }
    }

    /// Takes over what the loop before this one, or an earlier run, left.
    private func adopt() async {
        if let inherited { return await inherit(inherited) }
        guard let keeper else { return }
        let kept = keeper.adopt(
            for: account,
            environment: around.environment,
            at: around.timekeeper.now
        )
        if around.revokesSuperseded {
            state.withLock { state in
                for (credential, owner) in kept.superseded {
                    state.revocations.add(credential, of: owner)
                }
            }
        }
        guard let credential = kept.credential else { return }
        let chance = around.chance()
        state.withLock { $0.adopt(credential, chance: chance) }
        log(.info, .adopted, message: nil, expiresAt: credential.expiresAt)
        await deliver(credential)
    }

    /// A credential of another service is of no use any more, but it lives.
    private func inherit(_ legacy: Legacy) async {
        let isSameService = legacy.account.service.name == account.service.name
        let now = around.timekeeper.now
        state.withLock { state in
            state.revocations.inherit(legacy.revocations)
            guard let credential = legacy.credential, now < credential.expiry else { return }
            if isSameService {
                state.inherit(credential, of: legacy.account)
            } else {
                state.revocations.add(credential, of: legacy.account)
            }
        }
        if let credential = state.withLock(\.credential) { await deliver(credential) }
    }

    /// Keeps the present state for the next run.
    func persist() async {
        guard let keeper else { return }
        let account = account
        await keeperLock.withLock {
            let state = snapshot
            do {
                // A state directory that was asked for may be on a disk, which takes its time.
                try await offPool {
                    try keeper.keep(
                        state.credential,
                        revoking: state.revocations.entries,
                        for: account
                    )
                }
                around.log.end(.notKept, about: "\(account.name) ")
            } catch {
                log(.warning, .notKept, message: "\(error)")
            }
        }
    }
}
