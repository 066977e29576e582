internal import Federation
internal import HTTP
internal import Kernel
internal import Text

/// The token exchange of RFC 8693, at ConductorOne, Bright, Google or any other endpoint.
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

    private static let grantType = "urn:ietf:params:oauth:grant-type:token-exchange"

    private func request(_ token: SubjectToken) throws(Failure) -> HTTPRequest {
        try post(parameters(token), to: service.tokenURL)
    }

    /// RFC 8693 section 2.1, with `client_id` as RFC 6749 section 2.3.1 has it for public clients.
    private func parameters(_ token: SubjectToken) -> RequestParameters {
        var parameters = RequestParameters()
        parameters.add("grant_type", Self.grantType)
        for audience in service.audiences { parameters.add("audience", audience) }
        for resource in service.resources { parameters.add("resource", resource) }
        if !service.scopes.isEmpty {
            parameters.add("scope", service.scopes.joined(separator: " "))
        }
        if let type = service.requestedTokenType { parameters.add("requested_token_type", type) }
        parameters.add("subject_token", token.value.text)
        parameters.add("subject_token_type", service.subjectTokenType)
        if let clientID = service.clientID {
            parameters.add("client_id", clientID)
        } else if let project = service.userProject {
            let options = JSON.object(["userProject": .string(project)]).serialized()
            // Percent-encoded JSON, which the form encodes once more: so Google's libraries send it.
            parameters.add("options", percentEncoded(String(decoding: options, as: UTF8.self)))
        }
        return parameters
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
        var headers = [HTTPHeader("Content-Type", type), HTTPHeader("Accept", "application/json")]
        if let token = authorization {
            headers.append(HTTPHeader("Authorization", value: Secret("Bearer \(token.text)")))
        }
        return HTTPRequest(
            "POST",
            endpoint.url,
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
        return explained(failure, token, findings)
    }

    /// A refusal together with what is known of the token.
    private func explained(
        _ failure: Failure,
        _ token: SubjectToken,
        _ findings: [Finding]
    ) -> Failure {
        guard failure.class == .refused else { return failure }
        var failure = failure
        let likely = findings.map { "likely because the token \($0.text)" }
        let claims = "the token: \(token.claimsForMessage(at: context.timekeeper.wallClock))"
        failure.message = ([failure.message] + likely + [claims]).joined(separator: "; ")
        return failure
    }

    private func explaining<Value>(
        _ token: SubjectToken,
        _ findings: [Finding],
        _ work: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        do throws(Failure) {
            return try await work()
        } catch {
            throw explained(error, token, findings)
        }
    }
}

/// The parameters of a request, in order; a name may be there several times.
struct RequestParameters {
    private var list: [(name: String, value: String)] = []

    mutating func add(_ name: String, _ value: String) {
        list.append((name, value))
    }

    /// The media type and the body.
    func encoded(as format: TokenExchangeService.RequestFormat) -> (type: String, body: Secret) {
        switch format {
        case .form:
            let pairs = list.map { "\($0.name)=\(percentEncoded($0.value))" }
            return ("application/x-www-form-urlencoded", Secret(pairs.joined(separator: "&")))
        case .json:
            let values = Dictionary(grouping: list, by: \.name).mapValues { same in
                same.count > 1 ? JSON.array(same.map { .string($0.value) }) : .string(same[0].value)
            }
            return ("application/json", Secret(JSON.object(values).serialized()))
        }
    }
}
