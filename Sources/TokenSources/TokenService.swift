import Federation
import HTTP
import Kernel
import Text

/// A service that mints a token when asked: what is sent, and where the token stands in the reply.
struct TokenService {
    let request: HTTPRequest
    var success = 200
    /// The members that lead to the token; none where the reply is the token.
    var members: [String] = []
    /// What a reader can do about a status.
    var hints: [Int: String] = [:]
    /// Words, in lower case, with which a 403 says that it is only too early.
    var passing: [String] = []

    private func isTooEarly(_ response: HTTPResponse) -> Bool {
        guard response.status == 403, !passing.isEmpty else { return false }
        let text = String(decoding: response.body.bytes.prefix(2048), as: UTF8.self).lowercased()
        return passing.contains { text.contains($0) }
    }

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        try await context.retrying(.platform) { () async throws(SourceError) in
            let response = try await context.ask(request)
            guard response.status == success else {
                var error = context.unexpected(
                    response,
                    to: request,
                    hint: hints[response.status]
                )
                if isTooEarly(response) {
                    (error.class, error.retry, error.hint) = (.transient, .growing(from: 1), nil)
                }
                throw error
            }
            return try SubjectToken(
                jws: try text(response),
                from: context.source,
                at: request.place
            )
        }
    }

    private func text(_ response: HTTPResponse) throws(SourceError) -> String {
        guard !members.isEmpty else { return response.body.text }
        var value: JSON? = try JSON(response.body.bytes, of: "the reply", at: request.place)
        for member in members { value = value?[member] }
        guard let token = value?.string, !token.isEmpty else {
            throw SourceError(
                .noSource,
                "the reply has no \(members.joined(separator: "."))",
                at: request.place
            )
        }
        return token
    }
}

extension SourceContext {
    /// The wanted audience, which this source cannot do without.
    func requiredAudience() throws(SourceError) -> String {
        guard audience.isEmpty else { return audience }
        throw SourceError(
            .misconfigured,
            "no audience to ask for",
            hint: "set tokenAudience to the audience that the service's trust allows"
        )
    }

    /// A variable's value as the credentials of an Authorization header.
    func bearer(_ variable: String, scheme: String) throws(SourceError) -> HTTPHeader? {
        guard let value = self.variable(variable) else { return nil }
        try checkExpanded(value, in: "the variable \(variable)")
        guard value.utf8.isVisibleASCII else {
            throw SourceError(
                .misconfigured,
                "\(variable) holds characters that a token cannot have",
                hint: "set \(variable) again, without spaces, quotes and line breaks"
            )
        }
        return HTTPHeader("Authorization", value: Secret("\(scheme) \(value)"))
    }
}

extension HTTPRequest {
    /// A POST of a JSON object.
    init(
        posting body: JSON,
        to url: String,
        headers: [HTTPHeader],
        trust: Trust,
        connectTimeout: Double = ConnectTimeout.far
    ) {
        self.init(
            "POST",
            url,
            headers: headers + [
                HTTPHeader("Content-Type", "application/json"),
                HTTPHeader("Accept", "application/json"),
            ],
            body: Secret(body.serialized()),
            trust: trust,
            connectTimeout: connectTimeout
        )
    }
}
