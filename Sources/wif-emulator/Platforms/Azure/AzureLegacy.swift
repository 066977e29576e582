import Crypto
import Serving

/// The endpoint of Azure's old virtual machine extension, by convention on localhost:50342.
struct AzureLegacy: Role {
    let world: World

    var environment: [Variable] {
        let url = world.url(of: .azureLegacy)
        return [Variable("MSI_ENDPOINT", url + "/oauth2/token")]
    }

    func owns(_ request: HTTPServerRequest) -> Bool {
        true
    }

    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse {
        guard request.path == "/oauth2/token" else {
            return .oauthError(401, "unknown_source", "only /oauth2/token is answered")
        }
        guard request.header("metadata") == "true" else {
            return .oauthError(400, "bad_request_102", "the header Metadata: true is missing")
        }
        switch request.method {
        case "GET":
            return try world.azureTokens.answer(request.query, from: .azureLegacy, in: world)
        case "POST":
            let text = String(decoding: request.body, as: UTF8.self)
            guard request.mediaType == "application/x-www-form-urlencoded",
                let fields = formFields(text)
            else { return .oauthError(400, "invalid_request", "the body is not a form") }
            return try world.azureTokens.answer(fields, from: .azureLegacy, in: world)
        default: return .oauthError(405, "method_not_allowed", "only GET and POST are allowed")
        }
    }
}
