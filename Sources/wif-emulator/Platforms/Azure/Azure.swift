import Crypto
import Federation
import Text

extension PlayedPlatform {
    static let azure = PlayedPlatform(
        issuerURL: "https://sts.windows.net/\(tenant)/",
        tokenLifetime: 86_400,
        claims: [
            "sub": .string(principal), "oid": .string(principal), "tid": .string(tenant),
            "idp": .string("https://sts.windows.net/\(tenant)/"),
            "appid": "5c6b7a89-1d2e-4f30-a1b2-c3d4e5f60718", "appidacr": "2", "ver": "1.0",
            "xms_mirid":
                "/subscriptions/9e8d7c6b-5a49-4382-b716-05f4e3d2c1b0/resourcegroups/acme/providers/Microsoft.ManagedIdentity/userAssignedIdentities/workload",
        ],
        isUsual: true,
        parts: [
            Part(
                of: .azure,
                placement: .metadata,
                absence: [Variable("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1")]
            ) { AzureMetadata(world: $0) },
            Part(
                name: .azureLegacy,
                placement: .own,
                absence: [Variable("MSI_ENDPOINT", "http://127.0.0.1:1/oauth2/token")],
                player: { AzureLegacy(world: $0) }
            ),
            Part(
                name: .azureAppService,
                placement: .metadata,
                isPlayed: { $0.azureEndpoint == .appService },
                player: {
                    AzureAppService(
                        world: $0,
                        secret: $0.requestSecret(of: .azureAppService, bytes: 16)
                    )
                }
            ),
            Part(
                name: .azureArc,
                placement: .own,
                isPlayed: { $0.azureEndpoint == .arc },
                player: { AzureArc(world: $0) }
            ),
            Part(
                name: .azureEntra,
                isPlayed: { $0.azureEndpoint == .workload },
                player: { AzureEntra(world: $0) }
            ),
        ]
    )

    private static let tenant = "7d0a3c1e-5b2f-4a6d-9c8e-0123456789ab"
    private static let principal = "2f9d1c4b-8e7a-4d3c-b6a5-89abcdef0123"
}

extension RoleName {
    static let azureLegacy = RoleName("azure-legacy")
    static let azureAppService = RoleName("azure-app-service")
    static let azureArc = RoleName("azure-arc")
    static let azureEntra = RoleName("azure-entra")
}
