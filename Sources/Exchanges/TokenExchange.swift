import Federation
import HTTP
import Kernel
import Text

/// The exchange of a token at ConductorOne, Bright, Google or any other token endpoint, by the token
/// exchange of RFC 8693 or another grant.
struct TokenExchange: ExchangeProtocol {
    let service: TokenExchangeService
    let account: Account
    let context: ExchangeContext
    /// Of who acts for the subject.
    var actor: SubjectToken?

    // MARK: Request

    func request(_ token: SubjectToken) throws(Failure) -> HTTPRequest {
        var parameters = service.requestParameters(with: token)
        if let actor, let type = account.actor?.type { parameters.add(actor, ofType: type) }
        guard service.grant == .bearer else { return try post(parameters, to: service.tokenURL) }
        let query = parameters.encoded(as: .form).body.text
        let mark = service.tokenURL.url.contains("?") ? "&" : "?"
        return try context.request(
            service.tokenURL.url + (query.isEmpty ? "" : mark + query),
            method: "GET",
            to: service.tokenURL,
            for: account,
            authorization: token.value
        )
    }

    /// A request of the service's format.
    func post(
        _ parameters: RequestParameters,
        to endpoint: Endpoint
    ) throws(Failure) -> HTTPRequest {
        try context.request(
            endpoint.url,
            to: endpoint,
            for: account,
            sending: parameters.encoded(as: service.format)
        )
    }

    // MARK: Reply

    func credential(
        in reply: Reply,
        for token: SubjectToken,
        _ findings: [Finding]
    ) async throws(Failure) -> (credential: Credential, notes: [String]) {
        guard let content = try content(of: reply) else { throw refusal(reply, token, findings) }
        guard let impersonation = service.impersonation else {
            return (credential(content, reply), content.lifetime.notes)
        }
        return try await explaining(token, findings) { () throws(Failure) in
            try await impersonate(impersonation, with: content.accessToken, for: token)
        }
    }

    /// What a reply with a token says; `nil` for one that is none.
    private func content(of reply: Reply) throws(Failure) -> TokenExchangeReply? {
        guard reply.response.status == 200, OAuthError(parsing: reply.response.body) == nil else {
            return nil
        }
        do throws(ReplyError) {
            return try TokenExchangeReply(parsing: reply, of: service, lifetime: account.lifetime)
        } catch {
            throw Failure(
                .transient,
                at: .reply,
                "\(account.place): \(error.reason)",
                hint: reply.isPage
                    ? Reply.pageHint
                    : ResponseShape.hint(in: reply, for: service)
                        ?? "\(service.tokenURL.description.printable) answered, and not with a credential: correct"
                        + " \(account.service.kind.facts.addressKey) where that is not the token endpoint, with"
                        + " its path; else set response.credential to the member that holds the credential"
            )
        }
    }

    private func credential(_ content: TokenExchangeReply, _ reply: Reply) -> Credential {
        Credential(
            kind: .accessToken(type: content.tokenType, scheme: service.scheme),
            value: content.accessToken,
            issuedAt: reply.serverTime,
            lifetime: content.lifetime.seconds,
            receivedAt: reply.requestedAt
        )
    }

    private func refusal(
        _ reply: Reply,
        _ token: SubjectToken,
        _ findings: [Finding]
    ) -> Failure {
        let answer = Answer(reply)
        var failure = answer.failure(of: account.place, doing: "the exchange")
        let refusal = Refusal(
            answer: answer,
            service: service,
            claims: token.claims,
            asked: account.tokenAudience,
            variable: context.variable
        )
        guard failure.class == .refused else {
            failure.hint = refusal.passingHint ?? failure.hint
            return failure
        }
        let found = findings.compactMap { $0.hint }.first
        let reason = refusal.certainReason
        failure.hint =
            addressHint(reply) ?? reason ?? found ?? refusal.hint ?? failure.hint
            ?? "the service's own words are all that is known: show them, with the time, to whoever runs"
            + " \(refusal.place); sent were \(refusal.sent)"
        failure.namesReason =
            refusal.isOfClaims || refusal.brightReason != nil
            || (reason != nil && !refusal.isOfIssuer)
        return context.explained(failure, token, findings)
    }

    /// What to do where the answer says that the address is not the token endpoint's.
    private func addressHint(_ reply: Reply) -> String? {
        let key = account.service.kind.facts.addressKey
        if let hint = reply.gatewayHint(of: service.tokenURL.host, key)
            ?? reply.movedHint(from: service.tokenURL, key)
        {
            return hint
        }
        let status = reply.response.status
        let method = service.grant == .bearer ? "GET" : "POST"
        guard service.name == .oauth, OAuthError(parsing: reply.response.body) == nil,
            status == 405 || status == 501 || (status == 404 && !reply.isPage)
        else { return nil }
        if status == 404, service.tokenURL.url.contains("/auth/"), service.grant == .login {
            return
                "nothing is mounted at \(service.tokenURL.description.printable): where it is Vault, the path is"
                + " /v1/auth/MOUNT/login, and vault auth list shows the mount of the JWT method (in a namespace"
                + " /v1/NAMESPACE/auth/MOUNT/login): correct \(key)"
        }
        let allowed = reply.response.header("allow").map { " (it allows \($0.printable))" } ?? ""
        let what =
            status == 404
            ? "is not there" : "takes no \(method)\(allowed), as a page to log in does not"
        return
            "\(service.tokenURL.description.printable) \(what): it is not the token endpoint. Set \(key) to the"
            + " token_endpoint in \(service.tokenURL.origin.printable)/.well-known/openid-configuration"
    }

    private func explaining<Value>(
        _ token: SubjectToken,
        _ findings: [Finding],
        _ work: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        do throws(Failure) {
            return try await work()
        } catch {
            throw context.explained(error, token, findings)
        }
    }
}
