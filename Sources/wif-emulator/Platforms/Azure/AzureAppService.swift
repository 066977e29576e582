import Crypto
import Federation
import Serving
internal import Text

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
        let response = try world.azureTokens.answer(
            request.query,
            from: .azureAppService,
            in: world
        )
        guard response.status == 200 else {
            // It says little: a resource that nobody knows is an error of its own.
            let isResource = String(decoding: response.body, as: UTF8.self).contains("AADSTS")
            return failure(
                isResource ? 500 : 400,
                isResource ? "An error" : "No Managed Identity found"
            )
        }
        return response
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
