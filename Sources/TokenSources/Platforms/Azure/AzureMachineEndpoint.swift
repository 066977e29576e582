import Federation
import HTTP
import Kernel

/// An endpoint on a virtual machine or its link that gives its managed identities' tokens to whoever asks.
struct AzureMachineEndpoint {
    /// For the token's provenance.
    let name: String
    /// The variable that names it elsewhere.
    let override: String
    /// What says that it is here.
    let signs: [PlatformSign]
    let request: @Sendable (_ override: Endpoint?, AzureDemand, SourceContext) -> HTTPRequest

    /// The instance metadata service (IMDS), on the machine's own link.
    static let metadata = AzureMachineEndpoint(
        name: "azure imds",
        override: "AZURE_POD_IDENTITY_AUTHORITY_HOST",
        signs: AzureSource.metadataSigns
    ) { override, demand, context in
        demand.query(
            at: (override?.url ?? "http://169.254.169.254") + "/metadata/identity/oauth2/token",
            version: "2018-02-01",
            context
        )
    }

    /// That of the managed-identity VM extension, which IMDS has replaced.
    static let legacy = AzureMachineEndpoint(
        name: "azure legacy endpoint",
        override: "MSI_ENDPOINT",
        signs: [.override(["MSI_ENDPOINT"])]
    ) { override, demand, context in
        HTTPRequest(
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

    func subjectToken(
        _ demand: AzureDemand,
        _ context: SourceContext
    ) async throws(SourceError) -> SubjectToken {
        let override = try context.override(
            override,
            scheme: "http://",
            plainHTTP: .metadata
        )
        return try await demand.token(
            asking: request(override, demand, context),
            from: name,
            context.evidence(signs),
            context
        )
    }
}

extension AzureDemand {
    /// A question of IMDS's form.
    func query(at url: String, version: String, _ context: SourceContext) -> HTTPRequest {
        HTTPRequest(
            "GET",
            "\(url)?api-version=\(version)&\(parameters)",
            headers: [HTTPHeader("Metadata", "true")],
            trust: context.trust,
            connectTimeout: ConnectTimeout.near
        )
    }
}
