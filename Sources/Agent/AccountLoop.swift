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
        /// Called after each change of the account's state.
        package var onChange: @Sendable () -> Void

        package init(
            worker: any ExchangeWorker,
            timekeeper: any Timekeeper,
            chance: @escaping @Sendable () -> Double,
            log: Log,
            environment: [String: String] = [:],
            onChange: @escaping @Sendable () -> Void
        ) {
            self.worker = worker
            self.timekeeper = timekeeper
            self.chance = chance
            self.log = log
            self.environment = environment
            self.onChange = onChange
        }
    }

    package let account: Account
    private let outputs: any CredentialOutputs
    private let keeper: CredentialKeeper?
    private let around: Surroundings
    /// A credential of this account that another loop obtained; delivered until a newer one is there.
    private let inherited: Credential?
    private let state: Mutex<AccountState>
    private let refreshBell = Wakeup()
    private let expiryBell = Wakeup()
    private let stopBell = Wakeup()
    private let stopped = Wakeup()
    /// Held while outputs are written to, so that an expiry never takes a newer credential away.
    private let outputsLock = AsyncLock()

    package init(
        account: Account,
        outputs: any CredentialOutputs,
        keeper: CredentialKeeper?,
        inheriting credential: Credential? = nil,
        in surroundings: Surroundings
    ) {
        inherited = credential
        self.account = account
        self.outputs = outputs
        self.keeper = keeper
        around = surroundings
        state = Mutex(AccountState(start: surroundings.timekeeper.now))
    }

    /// The state at this moment.
    package var snapshot: AccountState { state.withLock(\.self) }

    /// Keeps the account's credential fresh until ``stop()`` or cancellation; then its sockets are gone.
    package func run() async {
        await adopt()
        await withTaskGroup { group in
            group.addTask { await self.outputs.run() }
            group.addTask { await self.keepFresh() }
            group.addTask { await self.tellExpiry() }
            await stopBell.wait()
            group.cancelAll()
        }
        await outputs.close(removing: false)
        stopped.ring()
    }

    /// Returns when ``run()`` has ended; for one waiter.
    package func waitUntilStopped() async {
        await stopped.wait()
    }

    /// Ends ``run()``.
    package func stop() {
        stopBell.ring()
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
                let next = state.withLock(\.nextEvent)
                await refreshBell.wait(until: next, on: around.timekeeper)
            }
        }
    }

    private func exchange() async {
        around.onChange()
        let result = await around.worker.run(.exchange, for: account)
        if Task.isCancelled { return }
        for warning in result.warnings { log(.warning, "warning", message: warning) }
        switch result.outcome {
        case .credential(let credential):
            let chance = around.chance()
            state.withLock { $0.succeed(with: credential, result, chance: chance) }
            logRefreshed(credential, result)
            if result.proof?.isRenewable == false {
                let message = "the token source cannot give another token; the account will expire"
                log(.warning, "will-expire", message: message, expiresAt: credential.expiresAt)
            }
            await keep(credential)
            await deliver(credential)
        case .failure(let failure): fail(failure)
        case .subjectToken, .revoked:
            fail(Failure(.transient, at: .worker, "the worker sent no credential"))
        }
    }

    private func deliver(_ credential: Credential) async {
        let reports = await outputsLock.withLock { await outputs.deliver(credential) }
        let chance = around.chance()
        state.withLock { $0.record(reports, at: around.timekeeper.now, chance: chance) }
        for report in reports {
            for warning in report.warnings {
                log(.warning, "warning", message: warning, path: report.output.path)
            }
            if let failure = report.failure {
                log(.error, "output-failed", message: failure.message, path: report.output.path)
            } else {
                log(.debug, "delivered", message: nil, path: report.output.path)
            }
        }
        expiryBell.ring()
        around.onChange()
        if reports.allSatisfy({ $0.failure == nil }) { await runHooks(credential) }
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
            for failure in failures { log(.error, "hook-failed", message: failure.message) }
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
            "refresh-failed",
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
                    "expired",
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
                log(.error, "output-failed", message: failure.message, path: report.output.path)
            }
        }
    }

    /// Takes over the credential that an earlier run kept, if there is a fitting one.
    private func adopt() async {
        if let inherited, around.timekeeper.now < inherited.expiry {
            state.withLock { $0.inherit(inherited) }
            return await deliver(inherited)
        }
        guard let keeper else { return }
        guard let credential = keeper.adopt(for: account, at: around.timekeeper.now) else { return }
        let chance = around.chance()
        state.withLock { $0.adopt(credential, chance: chance) }
        log(.info, "adopted", message: nil, expiresAt: credential.expiresAt)
        await deliver(credential)
    }

    private func keep(_ credential: Credential) async {
        guard let keeper else { return }
        let account = account
        do {
            // A state directory that was asked for may be on a disk, which takes its time.
            try await offPool { try keeper.keep(credential, for: account) }
        } catch {
            log(.warning, "not-kept", message: "\(error)")
        }
    }

    private func logRefreshed(_ credential: Credential, _ result: JobResult) {
        around.log(
            .info,
            "refreshed",
            [
                "account": account.name, "service": account.service.name,
                "source": result.proof?.source, "issuer": result.proof?.issuer,
                "expires_at": rfc3339(credential.expiresAt),
            ]
        )
    }

    private func log(
        _ level: Log.Level,
        _ event: String,
        message: String?,
        path: String? = nil,
        expiresAt: Date? = nil
    ) {
        around.log(
            level,
            event,
            [
                "account": account.name, "path": path, "expires_at": expiresAt.map(rfc3339),
                level <= .warning ? "error" : "message": message,
            ]
        )
    }
}
