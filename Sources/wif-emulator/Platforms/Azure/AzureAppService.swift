import Crypto
import Federation
import Serving
import Text

/// The endpoint that an app of App Service, Functions or Container Apps has in its environment.
struct AzureAppService: Role {
    private static let path = "/msi/token"

    let world: World
    let secret: String

    var environment: [Variable] {
        [
            Variable("IDENTITY_ENDPOINT", world.url(of: .azureAppService) + Self.path),
            Variable("IDENTITY_HEADER", secret),
        ]
    }

    func owns(_ request: HTTPServerRequest) -> Bool { request.path == Self.path }

    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse {
        guard request.header("x-identity-header") == secret else {
            return failure(401, "the header is missing or wrong")
        }
        guard request.method == "GET", request.query["api-version"] == "2019-08-01" else {
            return failure(400, "GET with api-version 2019-08-01 is answered")
        }
        guard request.query["msi_res_id"] == nil else {
            return failure(400, "msi_res_id is not known here")
        }
        // It says little: a resource that nobody knows is an error of its own.
        switch try world.azureTokens.result(request.query, from: .azureAppService, in: world) {
        case .success(let reply): return .json(reply)
        case .failure(.resource): return failure(500, "An error")
        case .failure(.request): return failure(400, "No Managed Identity found")
        }
    }

    private func failure(_ status: Int, _ text: String) -> HTTPServerResponse {
        .json(
            [
                "statusCode": .integer(Int64(status)), "message": .string(text),
                "correlationId": .string(randomHex(bytes: 16)),
            ],
            status: status
        )
    }
}
