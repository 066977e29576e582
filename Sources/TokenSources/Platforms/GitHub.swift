import Federation
import HTTP
import Kernel
import Text

/// The identity token of a GitHub Actions job, from the service that its variables name.
struct GitHubActions: TokenFetcher {
    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        let ended =
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN is valid while its job runs: take it from this job"
        let service = TokenService(
            request: try request(context),
            members: ["value"],
            hints: [401: ended, 403: ended],
            passing: ["pending", "queued", "not started", "not yet", "try again"]
        )
        return try await service.subjectToken(context)
    }

    private static let url = "ACTIONS_ID_TOKEN_REQUEST_URL"
    private static let bearer = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"

    private func request(_ context: SourceContext) throws(SourceError) -> HTTPRequest {
        guard let endpoint = try context.override(Self.url, plainHTTP: .loopback),
            let bearer = try context.bearer(Self.bearer, scheme: "bearer")
        else { throw unset(context) }
        var url = endpoint.url
        if !context.audience.isEmpty {
            url += url.contains("?") ? "&" : "?"
            url += "audience=\(percentEncoded(context.audience))"
        }
        return HTTPRequest(
            "GET",
            url,
            headers: [
                bearer,
                HTTPHeader("Accept", "application/json; api-version=2.0"),
            ],
            trust: context.trust,
            connectTimeout: ConnectTimeout.far
        )
    }

    private func unset(_ context: SourceContext) -> SourceError {
        if let partly = context.partly(Self.url, Self.bearer) {
            return SourceError(.noSource, partly.cause, hint: partly.hint, isAbsent: true)
        }
        let isJob = context.variable("GITHUB_ACTIONS") == "true"
        return SourceError(
            .noSource,
            "\(Self.url) and \(Self.bearer) are not both set",
            hint: isJob
                ? "write permissions: id-token: write (and contents: read) for the job in the workflow's file; pull"
                    + " requests from forks never get it"
                : "in a GitHub Actions job, grant 'permissions: id-token: write' and pass both"
                    + " on to wif-agent (sudo, su and docker run drop them)",
            isAbsent: true
        )
    }
}
