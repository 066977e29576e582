internal import Federation
internal import HTTP
internal import Kernel
internal import Text

/// The exchange of a token at ConductorOne, Bright, Google or any other token endpoint, by the token
/// exchange of RFC 8693 or another grant.
struct TokenExchange {
    let service: TokenExchangeService
    let account: Account
    let context: ExchangeContext

    func exchange(_ token: SubjectToken, _ findings: [Finding]) async -> Exchange {
        var clockSkew: Double?
        do throws(Failure) {
            let reply = try await context.send(request(token), to: name)
            clockSkew = reply.clockSkew
            guard let content = try content(of: reply) else {
                throw refusal(reply, token, findings)
            }
            guard let impersonation = service.impersonation else {
                let credential = credential(content, reply)
                let notes = content.lifetime.notes
                return Exchange(outcome: .success(credential), clockSkew: clockSkew, notes: notes)
            }
            let (credential, notes) = try await explaining(token, findings) {
                () throws(Failure) in
                try await impersonate(impersonation, with: content.accessToken)
            }
            return Exchange(outcome: .success(credential), clockSkew: clockSkew, notes: notes)
        } catch {
            return Exchange(outcome: .failure(error), clockSkew: clockSkew)
        }
    }

    /// For messages: which service, and which of its endpoints.
    var name: String { "\(service.name.rawValue) at \(service.tokenURL.host)" }

    // MARK: Request

    private func request(_ token: SubjectToken) throws(Failure) -> HTTPRequest {
        guard service.grant == .bearer else {
            return try post(service.requestParameters(with: token), to: service.tokenURL)
        }
        let query = service.requestParameters(with: token).encoded(as: .form).body.text
        let mark = service.tokenURL.url.contains("?") ? "&" : "?"
        return try composed(
            "GET",
            service.tokenURL.url + (query.isEmpty ? "" : mark + query),
            to: service.tokenURL,
            authorization: token.value
        )
    }

    /// A request of the service's format, by the way and with the trust that the account asks for.
    func post(
        _ parameters: RequestParameters,
        to endpoint: Endpoint,
        authorization: Secret? = nil
    ) throws(Failure) -> HTTPRequest {
        let (type, body) = parameters.encoded(as: service.format)
        return try post(body, type, to: endpoint, authorization: authorization)
    }

    /// Sends a body of that media type, with a bearer token where there is one.
    func post(
        _ body: Secret,
        _ type: String,
        to endpoint: Endpoint,
        authorization: Secret? = nil
    ) throws(Failure) -> HTTPRequest {
        try composed(
            "POST",
            endpoint.url,
            to: endpoint,
            headers: [HTTPHeader("Content-Type", type)],
            body: body,
            authorization: authorization
        )
    }

    private func composed(
        _ method: String,
        _ url: String,
        to endpoint: Endpoint,
        headers: [HTTPHeader] = [],
        body: Secret? = nil,
        authorization: Secret?
    ) throws(Failure) -> HTTPRequest {
        var headers = headers + [HTTPHeader("Accept", "application/json")]
        if let token = authorization {
            headers.append(HTTPHeader("Authorization", value: Secret("Bearer \(token.text)")))
        }
        return HTTPRequest(
            method,
            url,
            headers: headers,
            body: body,
            route: context.route(for: account, to: endpoint, serviceVariable: nil),
            trust: try context.trust(for: account)
        )
    }

    // MARK: Reply

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
                "\(name): \(error.reason)",
                hint: reply.isPage
                    ? "does a proxy answer in the service's place?"
                    : "is \(account.service.kind.facts.addressKey) the token endpoint, with its path?"
                        + " \(service.tokenURL.description.printable) answers something else"
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
        var failure = answer.failure(of: name, doing: "the exchange")
        guard failure.class == .refused else { return failure }
        failure.hint =
            findings.compactMap { $0.hint }.first
            ?? Refusal(answer: answer, service: service, claims: token.claims).hint
            ?? failure.hint
        return context.explained(failure, token, findings)
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
