import Crypto
import Federation
import Serving
import Text

extension PlayedPlatform {
    static let fly = PlayedPlatform(
        issuerURL: "https://oidc.fly.io/acme",
        tokenLifetime: 600,
        claims: ["sub": "acme:app:machine-1", "app_name": "app", "org_name": "acme"],
        parts: [Part(of: .fly) { Fly(world: $0) }]
    )
}

/// The API that a Fly.io machine has on a socket of its own (`--listen unix:PATH=fly`).
struct Fly: Role {
    let world: World

    var environment: [Variable] {
        [Variable("FLY_APP_NAME", "app"), Variable("FLY_MACHINE_ID", "machine-1")]
    }

    func owns(_ request: HTTPServerRequest) -> Bool { request.path == "/v1/tokens/oidc" }

    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse {
        guard request.method == "POST" else { return HTTPServerResponse(status: 405) }
        guard let body = request.json else {
            return .json(["error": "the body is not JSON"], status: 400)
        }
        let audience = body["aud"]?.string ?? "https://fly.io/acme"
        let token = try world.jobToken(of: .fly, audience: .string(audience))
        return HTTPServerResponse(status: 200, text: token)
    }
}
