import Crypto
import Federation
import Serving
internal import Text

extension PlayedPlatform {
    static let codefresh = PlayedPlatform(
        issuerURL: "https://oidc.codefresh.io",
        tokenLifetime: 300,
        claims: [
            "sub": .string(
                "account:5f30ebd3:pipeline:64f0c408:scm_repo_url:https://git.example/acme/app"
                    + ":scm_user_name:octo:scm_ref:main"
            ),
            "account_id": "5f30ebd3", "account_name": "acme", "pipeline_id": "64f0c408",
            "pipeline_name": "app/scan", "workflow_id": "64f447c0", "scm_user_name": "octo",
            "scm_repo_url": "https://git.example/acme/app", "scm_ref": "main",
        ],
        parts: [Part(name: .codefresh) { Codefresh(world: $0) }]
    )
}

extension RoleName {
    static let codefresh = RoleName(.codefresh)
}

/// The token service of a Codefresh build.
struct Codefresh: Role {
    private static let path = "/codefresh/oidc/token"

    let world: World
    private let requestToken = randomHex(bytes: 24)

    init(world: World) {
        self.world = world
        world.note("request-token", from: RoleName.codefresh.rawValue, requestToken)
    }

    var environment: [Variable] {
        [
            Variable("CF_BUILD_ID", "64f447c0"),
            Variable("CF_OIDC_REQUEST_URL", (world.urls[.codefresh] ?? "") + Self.path),
            Variable("CF_OIDC_REQUEST_TOKEN", requestToken),
        ]
    }

    func owns(_ request: HTTPServerRequest) -> Bool { request.path == Self.path }

    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse {
        guard request.method == "GET" else { return failure(405, "only GET is allowed") }
        guard request.header("authorization") == requestToken else {
            return failure(401, "the request token is missing or wrong")
        }
        let audiences = (request.query["audience"] ?? "https://g.codefresh.io")
            .split(separator: ",").map { JSON.string(String($0)) }
        let audience = audiences.count == 1 ? audiences[0] : .array(audiences)
        let token = try world.jobToken(of: .codefresh, audience: audience)
        return .json(["id_token": .string(token)])
    }

    private func failure(_ status: Int, _ text: String) -> HTTPServerResponse {
        .json(["message": .string(text)], status: status)
    }
}
