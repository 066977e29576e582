import Federation
import HTTP
import Kernel
import Text

/// The token of a Codefresh build's step, as Codefresh's own step `obtain-oidc-id-token` asks for it. It
/// lives for five minutes.
struct Codefresh: TokenFetcher {
    private static let url = "CF_OIDC_REQUEST_URL"
    private static let proof = "CF_OIDC_REQUEST_TOKEN"

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        guard let endpoint = try context.override(Self.url, plainHTTP: .loopback),
            let proof = context.variable(Self.proof)
        else {
            throw SourceError(
                .noSource,
                "\(Self.url) and \(Self.proof) are not both set",
                hint: "run it in a step of a Codefresh build, and pass both on to a container",
                isAbsent: true
            )
        }
        // The value is the whole header, whatever its scheme.
        guard proof.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw SourceError(
                .misconfigured,
                "\(Self.proof) holds characters that a token cannot have"
            )
        }
        var url = endpoint.url
        if !context.audience.isEmpty {
            url += "\(url.contains("?") ? "&" : "?")audience=\(percentEncoded(context.audience))"
        }
        let ended = "the request token ends with the build: take it from this build"
        return try await TokenService(
            request: HTTPRequest(
                "GET",
                url,
                headers: [
                    HTTPHeader("Authorization", value: Secret(proof)),
                    HTTPHeader("Accept", "application/json"),
                ],
                trust: context.trust,
                connectTimeout: ConnectTimeout.far
            ),
            members: ["id_token"],
            hints: [401: ended, 403: ended]
        ).subjectToken(context)
    }
}
