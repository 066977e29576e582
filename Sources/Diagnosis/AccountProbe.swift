package import Exchanges
package import Federation
import Kernel
import Policy
import Text
package import TokenSources

/// Runs each step that leads to a credential, and reports each; the credential is delivered nowhere, and
/// revoked where the service can.
package struct AccountProbe: Sendable {
    /// Exchanges a token that was found; nothing where the service refused or was not reached.
    package typealias Exchange =
        @Sendable (FoundToken, SourceContext) async throws(Failure) -> JobAnswer<Credential>

    private let account: Account
    private let source: TokenSource
    /// The text of a trust file; what it refuses is not exchanged.
    private let trust: String?
    private let sources: SourceContext
    private let services: ExchangeContext
    private let exchangeToken: Exchange

    package init(
        of account: Account,
        from source: TokenSource,
        against trust: String?,
        sources: SourceContext,
        services: ExchangeContext,
        exchangeToken: @escaping Exchange
    ) {
        self.account = account
        self.source = source
        self.trust = trust
        self.sources = sources
        self.services = services
        self.exchangeToken = exchangeToken
    }

    private static let last: [StepReport.Name] = [.exchange, .reply, .credential]

    /// What each step found, in the order in which they follow from each other.
    ///
    /// - Parameter tell: is told of each step as soon as it has ended.
    package func steps(
        _ tell: @escaping @Sendable (StepReport) async -> Void = { _ in }
    ) async -> [StepReport] {
        var report = ProbeReport(telling: tell)
        async let way = services.probeService(of: account)
        async let answers = sources.probe(source)
        var service = await way
        // When a token was made tells whose clock is wrong.
        if let lapse = service.lapse { service.steps = lapse.judged(service.steps, await answers) }
        await report.add(service.steps)
        let probed = await answers
        await report.add(sourceSteps(probed))
        guard case .success(let found) = probed.found else {
            await report.add(Self.last.map { .skipped($0, "no token") })
            return report.steps
        }
        await judge(found, service, &report)
        return report.steps
    }

    /// Looks at a token, holds it against the trust, and has the service judge it.
    private func judge(
        _ found: FoundToken,
        _ service: ServiceProbe,
        _ report: inout ProbeReport
    ) async {
        let date = sources.timekeeper.wallClock.advanced(bySeconds: -(service.clockSkew ?? 0))
        var predictions = tokenSteps(
            on: found.token,
            for: account,
            at: date,
            isServicesTime: service.clockSkew != nil,
            warnings: found.warnings
        )
        let identity = await identity(of: found.token, sources, &predictions)
        await report.predict(predictions)
        await report.predict(await services.checkIssuer(of: found.token, for: account))
        let verdict = trustSteps(trust, on: identity, of: account, at: date)
        await report.add(verdict)
        let isRefused = verdict.contains { $0.state == .failed }
        guard !isRefused, service.isReached else {
            await report.settle(isAccepted: false)
            let reason =
                isRefused
                ? "not tried, because the trust refuses the token"
                : "the service is not reached"
            return await report.add(Self.last.map { .skipped($0, reason) })
        }
        let end = await exchange(found, sources).map {
            $0.naming(identity, sources.precedenceHint(of: source)).fillingIn(
                account.service.kind == .bright ? identity : nil
            )
        }
        let isAccepted = end.contains { $0.name == .exchange && $0.state == .ok }
        let hasReason = end.contains { $0.name == .exchange && $0.namesReason }
        await report.settle(isAccepted: isAccepted, hasReason: hasReason)
        await report.add(end)
    }

    // MARK: Sources

    private func sourceSteps(_ probe: SourceProbe) -> [StepReport] {
        var steps = probe.answers.map { answer -> StepReport in
            switch answer.token {
            case .success(let token):
                let issuer = token.claims?.issuer.map { ", issued by \($0.printable)" } ?? ""
                let found = "\(answer.evidence); gave a token\(issuer)"
                return .ok(.source, found, about: answer.name)
            case .failure(var failure):
                failure.hint =
                    movedHint(answer, probe) ?? account.clientHint(failure) ?? failure.hint
                let name = "\(answer.name): "
                if failure.message.hasPrefix(name) { failure.message.removeFirst(name.count) }
                failure.message = "\(answer.evidence); \(failure.message)"
                // One source is enough; that the others have nothing is as it should be, unless the
                // issuer of another is wanted.
                let isWanted =
                    probe.isMismatch
                    && account.issuer.flatMap(TokenPlatform.ofIssuer)?.rawValue
                        == answer.name
                let isMissed = isWanted || (answer.isHere && !probe.hasToken)
                return isMissed
                    ? .failed(.source, failure, about: answer.name)
                    : .skipped(.source, failure.message, about: answer.name)
            }
        }
        let isTold = steps.contains { $0.state == .failed }
        if !isTold, case .failure(let failure) = probe.found {
            let hint =
                failure.hint
                ?? "if the workload runs on one of the platforms above, see why that one does"
                + " not answer; else name a credentialSource in the account file"
            let cause =
                probe.answers.count > 1
                ? "no token source gave a token; the lines above have the answer of each"
                : failure.message
            steps.append(.failed(.token, failure.class, cause, hint: hint))
        }
        return steps
    }

    /// What to do where the account wants a platform's identity, and another platform answers on this machine.
    private func movedHint(_ answer: SourceAnswer, _ probe: SourceProbe) -> String? {
        guard !answer.isHere, let issuer = account.issuer,
            TokenPlatform.ofIssuer(issuer)?.rawValue == answer.name,
            let here = probe.answers.first(where: { $0.isHere && $0.name != answer.name })
        else { return nil }
        return
            "this machine is one of \(here.name), not of \(answer.name), and the account wants a token of"
            + " \(issuer.printable), which is not to be had here: make an identity provider for"
            + " \(here.name)'s issuer at \(account.service.name) (wif-agent claims shows what to enter) and an"
            + " account file for it; or run this account on a machine of \(answer.name)"
    }

    /// What a trust looks at: the token's claims, or whose signature a request to AWS bears.
    private func identity(
        of token: SubjectToken,
        _ sources: SourceContext,
        _ steps: inout [StepReport]
    ) async -> JSON? {
        if let claims = token.claims { return claims.all }
        guard SignedRequestSummary(decoding: token.value) != nil else { return nil }
        steps.removeAll { $0.name == .subject }
        do throws(Failure) {
            let identity = try await sources.callerIdentity(from: source)
            let name = identity["Arn"]?.string?.printable ?? "an identity without ARN"
            steps.append(.ok(.subject, "AWS answers that the signer is \(name)"))
            return identity
        } catch {
            steps.append(.failed(.subject, error))
            return nil
        }
    }

    // MARK: Exchange

    private func exchange(_ found: FoundToken, _ sources: SourceContext) async -> [StepReport] {
        let result: JobAnswer<Credential>
        do throws(Failure) {
            result = try await exchangeToken(found, sources)
        } catch {
            return [.failed(.exchange, error)] + skipped(.reply, .credential)
        }
        switch result.outcome {
        case .success(let credential):
            let service = account.service.name
            let usable: [StepReport] = [
                .ok(
                    .exchange,
                    account.service.endpoint == nil
                        ? "none: the token is the credential" : "\(service) took the token"
                ),
                .ok(.reply, "a credential of \(Int(credential.lifetime)) s"),
            ]
            return usable + (await use(credential, result.clockSkew ?? 0))
        case .failure(let failure) where failure.step == .reply:
            return [.ok(.exchange, "\(account.service.name) answered with status 200")]
                + [.failed(.reply, failure)] + skipped(.credential)
        case .failure(let failure):
            return [.failed(.exchange, failure)] + skipped(.reply, .credential)
        }
    }

    private func use(_ credential: Credential, _ clockSkew: Double) async -> [StepReport] {
        let context = services
        let steps = [await context.test(credential, for: account, clockSkew: clockSkew)]
        guard account.service.canRevoke else { return steps }
        do throws(Failure) {
            try await context.revoke(credential.value, for: account)
            return steps + [.ok(.revocation, "this credential is revoked again")]
        } catch {
            return steps + [.failed(.revocation, error)]
        }
    }

    private func skipped(_ names: StepReport.Name...) -> [StepReport] {
        names.map { .skipped($0, "no credential") }
    }
}

extension StepReport {
    /// The same, with the form of Bright's that fits the token, where the service refuses it.
    fileprivate func fillingIn(_ claims: JSON?) -> StepReport {
        guard isRefusal, let hint, let form = claims.flatMap({ BrightPreset(for: $0) }) else {
            return self
        }
        let fields = form.list.map { "\($0.title.printable) \($0.value.printable)" }
        let fitting =
            "in Bright's form for \(form.provider.name) the fields that fit this token are"
            + " \(fields.joined(separator: ", "))"
        let isLacking = claims.map { TokenFacts.of($0).lack($0) != nil } ?? false
        return advising(isLacking || namesReason ? "\(hint): \(fitting)" : "\(fitting); \(hint)")
    }

    /// The same, with what AWS has told of who signs: for a role's session the pattern that fits all of them.
    ///
    /// - Parameter other: what to do where another identity was to sign.
    fileprivate func naming(_ identity: JSON?, _ other: String?) -> StepReport {
        guard isRefusal, let hint, let arn = identity?["Arn"]?.string else { return self }
        let parts = arn.split(separator: "/")
        let isSession = parts.count == 3 && parts[0].hasSuffix(":assumed-role")
        let pattern =
            isSession
            ? ", which as a provider's subject is \(String(parts[0]).printable)/\(String(parts[1]).printable)/* for every"
                + " session of the role" : ""
        let account = identity?["Account"]?.string.map { ", of the account \($0.printable)" } ?? ""
        let stated = "\(hint); AWS states \(arn.printable)\(account)\(pattern)"
        return advising(other.map { "\($0); else \(stated)" } ?? stated)
    }

    private var isRefusal: Bool {
        name == .exchange && state == .failed && `class` == .refused
    }
}

extension SourceProbe {
    /// Whether there is no token of the issuer that is wanted.
    fileprivate var isMismatch: Bool {
        if case .success(let found) = found { found.isKnownMismatch } else { true }
    }

    fileprivate var hasToken: Bool {
        if case .success = found { true } else { false }
    }
}

extension Account {
    /// What to write where a source has no audience to ask for, in an account with a client id that tells
    /// none.
    fileprivate func clientHint(_ failure: Failure) -> String? {
        guard failure.class == .misconfigured, tokenAudience.isEmpty,
            case .tokenExchange(let service) = service, let client = service.clientID
        else { return nil }
        return
            "set tokenAudience to what the service allows; where the service is ConductorOne, write"
            + " clientId, which is \(client.printable), as NAME@TENANT.conductor.one/wfe"
    }
}
