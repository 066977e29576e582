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
                    hint: metadataHint(response)
                        ?? (isForbidden
                            ? "that address wants to know who asks: write the header that it expects into"
                                + " credentialSource.headers, such as {\"Authorization\": \"Bearer TOKEN\"}"
                            : hint(for: response.status))
                )
            }
            return try token(response.body.bytes, at: request.place, context)
        }
    }

    /// For a metadata service that is asked without what it wants in each request.
    private func metadataHint(_ response: HTTPResponse) -> String? {
        let rest = source.url.withoutScheme
        let host = rest.prefix { !"/:?#".contains($0) }.lowercased()
        guard ["169.254.169.254", "metadata.google.internal", "metadata"].contains(host),
            (400..<500).contains(response.status)
        else { return nil }
        let path = rest.drop { $0 != "/" }
        let platform = TokenPlatform.allCases.first { platform in
            platform.facts.metadataRule.map { path.hasPrefix($0.path) } ?? false
        }
        guard let platform, let rule = platform.facts.metadataRule else { return nil }
        let cloud = platform.facts.machineTitle ?? platform.rawValue
        let instead = "{\"provider\": \"\(platform.rawValue)\"}"
        guard let header = rule.header else {
            guard response.status == 401 else { return nil }
            return
                "the metadata service of \(cloud) wants a token of its own first (IMDSv2), which a source url does not ask"
                + " for: write \"credentialSource\": \(instead) in place of url"
        }
        guard !source.headers.contains(where: { $0.name.lowercased() == header.name.lowercased() })
        else { return nil }
        return
            "the metadata service of \(cloud) answers only requests with the header \(header.name): \(header.value): write"
            + " \"headers\": {\"\(header.name)\": \"\(header.value)\"} beside url in credentialSource; or \(instead) in place"
            + " of url, which sends it by itself"
    }

    private func hint(for status: Int) -> String {
        switch status {
        case 404, 410:
            "correct credentialSource.url, at whose path there is nothing, to the one that answers a GET with the token (curl -i"
                + " shows what it says)"
        case 405:
            "credentialSource.url takes no GET, which alone is sent: name the address that answers one, or a program that asks"
                + " as it wants (credentialSource.executable)"
        case 400, 422:
            "correct credentialSource.url and its headers: it wants something that the request lacks, as the text says (a"
                + " parameter of the URL's query, or a header in credentialSource.headers)"
        case 429: "that address was asked too often: the agent waits and tries again"
        case 500...599:
            "what answers at credentialSource.url fails by itself: see its own log; the agent tries again"
        default:
            "credentialSource.url must answer a GET with the token: see what curl -i says, and correct the address or its"
                + " headers"
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
