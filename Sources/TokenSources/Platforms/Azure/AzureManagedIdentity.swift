internal import Federation
internal import HTTP
internal import Kernel

/// Azure's instance metadata service (IMDS), on the machine's own link.
struct AzureManagedIdentity {
    let demand: AzureDemand

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        try await demand.token(
            asking: try request(context),
            from: "azure imds",
            context.evidence(AzureSource.metadataSigns),
            context
        )
    }

    private static let override = "AZURE_POD_IDENTITY_AUTHORITY_HOST"

    private func request(_ context: SourceContext) throws(SourceError) -> HTTPRequest {
        let override = try context.override(
            Self.override,
            scheme: "http://",
            plainHTTP: .metadata
        )
        let base = override?.url ?? "http://169.254.169.254"
        return HTTPRequest(
            "GET",
            "\(base)/metadata/identity/oauth2/token?api-version=2018-02-01&\(demand.parameters)",
            headers: [HTTPHeader("Metadata", "true")],
            trust: context.trust,
            connectTimeout: ConnectTimeout.near
        )
    }
}
