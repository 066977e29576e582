internal import Federation
internal import HTTP
internal import Kernel

/// The endpoint of Azure's managed-identity VM extension, which IMDS has replaced.
struct AzureLegacyEndpoint {
    let demand: AzureDemand

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        try await demand.token(
            asking: try request(context),
            from: "azure legacy endpoint",
            context.evidence([.override([Self.override])]),
            context
        )
    }

    private static let override = "MSI_ENDPOINT"

    private func request(_ context: SourceContext) throws(SourceError) -> HTTPRequest {
        let override = try context.override(
            Self.override,
            scheme: "http://",
            plainHTTP: .metadata
        )
        return HTTPRequest(
            "POST",
            // It answers to exactly this host and path.
            override?.url ?? "http://localhost:50342/oauth2/token",
            headers: [
                HTTPHeader("Metadata", "true"),
                HTTPHeader("Content-Type", "application/x-www-form-urlencoded"),
            ],
            body: Secret(demand.parameters),
            trust: context.trust,
            connectTimeout: ConnectTimeout.near
        )
    }
}
