import Federation
import HTTP
import Kernel
import Text

/// An Azure Pipelines job's token, from the service that its variables name. Its audience is fixed.
struct AzurePipelines: TokenFetcher {
    private static let url = "SYSTEM_OIDCREQUESTURI"
    private static let bearer = "SYSTEM_ACCESSTOKEN"

    /// Whose token it is to be; the pipeline's own where `nil`.
    let serviceConnection: String?

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        guard let endpoint = try context.override(Self.url, plainHTTP: .loopback),
            let bearer = try context.bearer(Self.bearer, scheme: "Bearer")
        else {
            if context.variable(Self.url) == nil, let partly = context.partly(Self.url, Self.bearer)
            {
                throw SourceError(.noSource, partly.cause, hint: partly.hint, isAbsent: true)
            }
            throw SourceError(
                .noSource,
                context.partly(Self.url, Self.bearer)?.cause
                    ?? "\(Self.url) and \(Self.bearer) are not both set",
                hint: "the pipeline must map the token:"
                    + " env: { \(Self.bearer): $(System.AccessToken) }",
                isAbsent: true
            )
        }
        let connection = serviceConnection.map { "&serviceConnectionId=\(percentEncoded($0))" }
        let separator = endpoint.url.contains("?") ? "&" : "?"
        return try await TokenService(
            request: HTTPRequest(
                "POST",
                "\(endpoint.url)\(separator)api-version=7.1\(connection ?? "")",
                headers: [
                    bearer, HTTPHeader("Content-Type", "application/json"),
                    // Else a bad token is answered with a redirect to a page to sign in.
                    HTTPHeader("X-TFS-FedAuthRedirect", "Suppress"),
                ],
                body: Secret(""),
                trust: context.trust
            ),
            members: ["oidcToken"],
            hints: [
                401:
                    "the job's access token ends with the job: take SYSTEM_ACCESSTOKEN from this job",
                404: "is credentialSource.serviceConnectionId one that the pipeline may use?",
            ]
        ).subjectToken(context)
    }
}
