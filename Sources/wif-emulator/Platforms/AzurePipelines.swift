import Crypto
import Federation
import Serving
internal import Text

extension PlayedPlatform {
    static let azurePipelines = PlayedPlatform(
        issuerURL: "https://vstoken.dev.azure.com/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
        tokenLifetime: 600,
        claims: [
            "sub": "p://acme/app/scan", "aud": "api://AzureADTokenExchange", "rpo_ref": "main",
        ],
        parts: [Part(name: .azurePipelines) { AzurePipelines(world: $0) }]
    )
}

extension RoleName {
    static let azurePipelines = RoleName(.azurePipelines)
}

/// The token service of an Azure Pipelines job.
struct AzurePipelines: Role {
    private static let path = "/acme/_apis/distributedtask/hubs/build/plans/1/jobs/2/oidctoken"

    let world: World
    private let accessToken = randomHex(bytes: 24)

    init(world: World) {
        self.world = world
        world.note("request-token", from: "azure-pipelines", accessToken)
    }

    var environment: [Variable] {
        [
            Variable("TF_BUILD", "True"),
            Variable("SYSTEM_OIDCREQUESTURI", (world.urls[.azurePipelines] ?? "") + Self.path),
            Variable("SYSTEM_ACCESSTOKEN", accessToken),
        ]
    }

    func owns(_ request: HTTPServerRequest) -> Bool { request.path == Self.path }

    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse {
        guard request.method == "POST" else { return failure(405, "only POST is allowed") }
        guard request.authorization("bearer") == accessToken else {
            guard request.header("x-tfs-fedauthredirect") == "Suppress" else {
                return HTTPServerResponse(
                    status: 302,
                    headers: [HTTPField("Location", "https://signin.invalid/")],
                    body: []
                )
            }
            return failure(401, "the access token is missing or wrong")
        }
        guard request.query["api-version"]?.hasPrefix("7.1") == true else {
            return failure(400, "the parameter api-version is missing")
        }
        let token = try world.jobToken(of: .azurePipelines, audience: .null)
        return .json(["oidcToken": .string(token)])
    }

    private func failure(_ status: Int, _ text: String) -> HTTPServerResponse {
        .json(["message": .string(text)], status: status)
    }
}
