import Diagnosis
import Exchanges
package import Federation
package import HTTP
package import Kernel
import Text
package import TokenSources

/// One job, from its account file's bytes to its result.
package struct JobRunner: Sendable {
    private let job: Job
    private var deadline: BootInstant
    private let transport: any HTTPTransport
    private let timekeeper: any Timekeeper
    private let machine: Machine
    private let allowance: Sandbox.Allowance
    private let tell: @Sendable (StepReport) async -> Void
    /// Whether a token that comes too late is fetched once more; not where it is told what was found.
    private var replacesTokens = true
    /// What must not leave in a text.
    private let secrets = KnownSecrets()

    /// - Parameters:
    ///   - deadline: the instant at which it ends itself.
    ///   - machine: what the firmware says of this machine.
    ///   - allowance: what this worker may do.
    ///   - tell: is told of each step of a probe when it has ended, without the secrets in its texts.
    package init(
        job: Job,
        deadline: BootInstant,
        transport: any HTTPTransport,
        timekeeper: any Timekeeper,
        machine: Machine = .reading(),
        allowance: Sandbox.Allowance = [],
        telling tell: @escaping @Sendable (StepReport) async -> Void = { _ in }
    ) {
        self.job = job
        self.deadline = deadline
        self.transport = transport
        self.timekeeper = timekeeper
        self.machine = machine
        self.allowance = allowance
        self.tell = tell
    }

    /// Never later than the deadline, and at once when the task is cancelled. It is the only way out: no
    /// text of the result holds a secret that the job has met.
    package func result() async -> JobResult {
        secrets.addInputs(of: job)
        let result = await before(deadline, on: timekeeper) { await work() } ?? overdue
        if Task.isCancelled, case .failure = result.outcome { return failed(Self.givenUp) }
        return secrets.cleaned(result.tellingPatience())
    }

    private var overdue: JobResult {
        let limit = Int(job.timeout.rounded())
        return failed(Failure(.transient, at: .worker, "the job took longer than its \(limit) s"))
    }

    private static let givenUp = Failure(.transient, at: .worker, "the job was cancelled")

    private func work() async -> JobResult {
        do throws(Failure) {
            let account = try self.account()
            switch job.kind {
            case .exchange:
                return JobResult(id: job.id, try await exchange(account)) { .credential($0) }
            case .subjectToken: return try await subjectToken(account)
            case .claims: return try await claims(account)
            case .revoke(let credential):
                try await network.revoke(credential, for: account)
                return JobResult(id: job.id, outcome: .revoked)
            case .graphQL(let call):
                let data = try await network.data(of: call, for: account)
                return JobResult(id: job.id, outcome: .data(data))
            case .secret(let change):
                let delivery = try SecretDelivery(change, sourceContext(account))
                let outcome = JobResult.Outcome.data(["secret": .string(change.secret.place)])
                return JobResult(id: job.id, outcome: outcome, warnings: try await delivery.run())
            case .probe(let trust): return try await probe(account, against: trust)
            }
        } catch {
            return failed(error)
        }
    }

    private func subjectToken(_ account: Account) async throws(Failure) -> JobResult {
        let source = try self.source(of: account)
        let found = try await sourceContext(account).subjectToken(from: source)
        return told(.subjectToken(found.token.value), by: found)
    }

    private func claims(_ account: Account) async throws(Failure) -> JobResult {
        let source = try self.source(of: account)
        let context = sourceContext(account)
        let found = try await context.subjectToken(from: source)
        let claims: JSON
        if let stated = found.token.claims {
            claims = stated.all
        } else if SignedRequestSummary(decoding: found.token.value) != nil {
            claims = try await context.callerIdentity(from: source)
        } else {
            throw .noJWT
        }
        return told(.data(claims), by: found)
    }

    /// What a token told, with how it was found.
    private func told(_ outcome: JobResult.Outcome, by found: FoundToken) -> JobResult {
        JobResult(
            id: job.id,
            outcome: outcome,
            proof: JobResult.Proof(found.token),
            warnings: found.warnings
        )
    }

    private func exchange(_ account: Account) async throws(Failure) -> JobAnswer<Credential> {
        let source = try self.source(of: account)
        let context = sourceContext(account)
        let found = try await context.subjectToken(from: source)
        return try await datedExchange(found, source, account, context)
    }

    private func datedExchange(
        _ found: FoundToken,
        _ source: TokenSource,
        _ account: Account,
        _ context: SourceContext
    ) async throws(Failure) -> JobAnswer<Credential> {
        let result = await exchange(found, source, account, context)
        guard let skew = result.clockSkew, isRefused(result, forDateOf: found.token, skew) else {
            return result
        }
        // The reply has told the right time: a proof dated by it, once.
        let corrected = context.correctingClock(by: -skew)
        let other = try await corrected.subjectToken(from: source)
        return await exchange(other, source, account, corrected)
    }

    /// Whether a proof that bears the date of a wrong clock may be why.
    private func isRefused(
        _ result: JobAnswer<Credential>,
        forDateOf token: SubjectToken,
        _ skew: Double
    ) -> Bool {
        guard case .failure(let failure) = result.outcome else { return false }
        let isSignedHere = token.source == "aws" && token.claims == nil
        return failure.class == .refused && isSignedHere && abs(skew) > ClockTolerance.seconds
    }

    private func exchange(
        _ found: FoundToken,
        _ source: TokenSource,
        _ account: Account,
        _ sources: SourceContext
    ) async -> JobAnswer<Credential> {
        let token = await timely(found.token, source, account, sources)
        let context = network
        let findings = findings(of: token, for: account, at: timekeeper.wallClock)
        let actor: SubjectToken?
        do throws(Failure) { actor = try await actorToken(account) } catch {
            return .failure(error)
        }
        let exchange = await context.exchange(
            token,
            actor: actor,
            for: account,
            findings: findings
        )
        // Where an account says itself where a reply has its credential, the name tells nothing.
        if case .success(let credential) = exchange.outcome { secrets.add(credential.value) }
        let said = findings.filter { $0.kind != .issuer || !found.isKnownMismatch }
        return JobAnswer(
            exchange.outcome,
            proof: JobResult.Proof(token),
            warnings: found.warnings + said.map { "the token \($0.text)" } + exchange.warnings,
            clockSkew: exchange.clockSkew
        )
    }

    /// The token of who acts for the subject; `nil` where nobody does.
    private func actorToken(_ account: Account) async throws(Failure) -> SubjectToken? {
        guard let actor = account.actor else { return nil }
        do throws(Failure) {
            return try await sourceContext(account, .actor).subjectToken(from: actor.source).token
        } catch {
            var failure = error
            failure.message = "\(TokenRole.actor.key): \(failure.message)"
            throw failure
        }
    }

    private var network: RequestContext {
        RequestContext(
            transport: watchedNetwork,
            environment: job.environment,
            timekeeper: timekeeper,
            deadline: lastRequestEnd
        )
    }

    /// The token, or a younger one where the service would refuse this one for its age.
    private func timely(
        _ token: SubjectToken,
        _ source: TokenSource,
        _ account: Account,
        _ sources: SourceContext
    ) async -> SubjectToken {
        let isTimely: @Sendable (SubjectToken) -> Bool = { token in
            let findings = findings(of: token, for: account, at: timekeeper.wallClock)
            return !findings.contains { $0.kind == .time }
        }
        if !replacesTokens || isTimely(token) { return token }
        return await sources.replacement(for: token, from: source, isAcceptable: isTimely) ?? token
    }

    private func account() throws(Failure) -> Account {
        do throws(AccountError) {
            return try Account(
                parsing: job.document,
                path: job.path,
                environment: job.environment
            )
        } catch {
            throw error.failure
        }
    }

    private func source(of account: Account) throws(Failure) -> TokenSource {
        guard let provider = job.kind.provider, provider != account.tokenSource.name
        else { return account.effectiveSource(in: job.environment) }
        guard let source = TokenSource(provider: provider) else {
            if TokenSource.providers.contains(provider) {
                throw Failure(
                    .misconfigured,
                    at: .subjectToken,
                    "the source \(provider) needs options; name it in the account file"
                )
            }
            let known = TokenSource.providers.joined(separator: ", ")
            throw Failure(
                .misconfigured,
                at: .subjectToken,
                "the source \"\(provider.printable)\" is not known; one of \(known)"
            )
        }
        return source
    }

    /// Somewhat before the job's end, so that the request that took too long is what is told of.
    private var lastRequestEnd: BootInstant {
        deadline.advanced(bySeconds: -min(0.5, job.timeout * 0.1))
    }

    private var watchedNetwork: WatchedTransport {
        WatchedTransport(network: transport, secrets: secrets)
    }

    private func sourceContext(
        _ account: Account,
        _ role: TokenRole = .subject
    ) -> SourceContext {
        SourceContext(
            network,
            audience: account.tokenAudience,
            issuer: account.issuer,
            machine: machine,
            runsPrograms: allowance.contains(.programs),
            secrets: secrets,
            connectsUnixSockets: !allowance.isDisjoint(with: [.unixSockets, .programs]),
            prefersJobs: account.prefersJobs,
            handedOver: job.handedOver[role]
        )
    }

    private func probe(_ account: Account, against trust: String?) async throws(Failure)
        -> JobResult
    {
        var runner = self
        // Each step ends itself in time for the others' reports to be sent.
        runner.deadline = deadline.advanced(bySeconds: -1)
        runner.replacesTokens = false
        let source = try runner.source(of: account)
        let exchange: AccountProbe.Exchange = { [runner] (found, sources) throws(Failure) in
            try await runner.datedExchange(found, source, account, sources)
        }
        let probe = AccountProbe(
            of: account,
            from: source,
            against: trust,
            sources: runner.sourceContext(account),
            services: runner.network,
            exchangeToken: exchange
        )
        let steps = await probe.steps { step in await tell(secrets.cleaned(step)) }
        return JobResult(id: job.id, outcome: .steps(steps))
    }

    private func failed(_ failure: Failure) -> JobResult {
        JobResult(id: job.id, outcome: .failure(failure))
    }
}

extension JobResult {
    /// A failure's message with how long the peer wants to be left alone, where it says so.
    fileprivate func tellingPatience() -> JobResult {
        guard case .failure(var failure) = outcome, let seconds = failure.retryAfter, seconds >= 1
        else { return self }
        failure.message += "; it asks to be left alone for \(Int(seconds.rounded(.up))) s"
        return JobResult(
            id: id,
            outcome: .failure(failure),
            proof: proof,
            warnings: warnings,
            clockSkew: clockSkew
        )
    }
}
