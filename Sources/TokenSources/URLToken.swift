import Federation
import HTTP
import Kernel
import Text

/// A token that a plain GET answers with, in text or in JSON.
struct URLToken: TokenFetcher {
    let source: URLSource

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        let request = HTTPRequest(
            "GET",
            source.url,
            headers: source.headers.map { HTTPHeader($0.name, value: $0.value) },
            trust: context.trust,
            connectTimeout: ConnectTimeout.far
        )
        return try await context.retrying(.platform) { () async throws(SourceError) in
            let response = try await context.ask(request)
            guard response.status == 200 else {
                let isForbidden = response.status == 401 || response.status == 403
                throw context.unexpected(
                    response,
                    to: request,
                    hint: isForbidden
                        ? "that address wants to know who asks: write the header that it expects into"
                            + " credentialSource.headers, such as {\"Authorization\": \"Bearer TOKEN\"}"
                        : "does credentialSource.url answer a GET with the token? see what curl -i says;"
                            + " is it allowed to ask there?"
                )
            }
            return try token(response.body.bytes, at: request.place, context)
        }
    }

    private func token(
        _ body: [UInt8],
        at place: String,
        _ context: SourceContext
    ) throws(SourceError) -> SubjectToken {
        let token = try source.format.token(in: body, at: place).trimmed
        guard !token.isEmpty else { throw SourceError(.noSource, "the reply is empty", at: place) }
        return SubjectToken(Secret(token), source: context.source)
    }
}
