import Federation
import HTTP
import Text

/// A Fly.io machine's token, from the API on its own socket.
struct Fly: TokenFetcher {
    let socket: String

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        try context.checkUnixSocket(
            socket,
            hint: "the socket is there on Fly.io's machines only"
        )
        var request = HTTPRequest(
            posting: ["aud": .string(try context.requiredAudience())],
            to: "http://localhost/v1/tokens/oidc",
            headers: [],
            trust: context.trust,
            connectTimeout: ConnectTimeout.near
        )
        request.unixSocket = socket
        return try await TokenService(request: request).subjectToken(context)
    }
}
