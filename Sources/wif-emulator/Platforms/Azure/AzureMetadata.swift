import Crypto
import Federation
import Serving
import Text

/// Azure's instance metadata service, for tokens of managed identities.
struct AzureMetadata: Role {
    let world: World

    var environment: [Variable] {
        [Variable("AZURE_POD_IDENTITY_AUTHORITY_HOST", world.url(of: .azure))]
    }

    func owns(_ request: HTTPServerRequest) -> Bool {
        request.path.hasPrefix("/metadata/")
    }

    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse {
        guard request.header("metadata") == "true" else {
            return .oauthError(400, "bad_request_102", "the header Metadata: true is missing")
        }
        guard request.header("x-forwarded-for") == nil else {
            return .oauthError(400, "bad_request", "forwarded requests are not answered")
        }
        guard request.path == "/metadata/identity/oauth2/token" else {
            return .oauthError(404, "not_found", "there is nothing here")
        }
        guard request.method == "GET" else {
            return .oauthError(405, "method_not_allowed", "only GET is allowed")
        }
        guard let version = request.query["api-version"], isVersion(version) else {
            return .json(
                [
                    "error": "the parameter api-version is missing or not supported",
                    "newest-versions": ["2021-02-01", "2019-08-01", "2018-02-01"],
                ],
                status: 400
            )
        }
        return try world.azureTokens.answer(request.query, from: RoleName(.azure), in: world)
    }

    private func isVersion(_ text: String) -> Bool {
        text.count == 10 && text >= "2018-02-01" && text <= "2026-12-31"
    }
}
