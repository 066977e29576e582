import Crypto
import Federation
import Serving
import Text

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
        parts: [
            .service(
                JobTokenService.Rules(
                    platform: .codefresh,
                    path: "/codefresh/oidc/token",
                    method: "GET",
                    environment: { url, secret in
                        [
                            Variable("CF_BUILD_ID", "64f447c0"),
                            Variable("CF_OIDC_REQUEST_URL", url + "/codefresh/oidc/token"),
                            Variable("CF_OIDC_REQUEST_TOKEN", secret),
                        ]
                    },
                    proof: { $0.header("authorization") },
                    answer: { (request, world) throws(CryptoError) in
                        let audiences = (request.query["audience"] ?? "https://g.codefresh.io")
                            .split(separator: ",").map { JSON.string(String($0)) }
                        let audience = audiences.count == 1 ? audiences[0] : .array(audiences)
                        let token = try world.jobToken(of: .codefresh, audience: audience)
                        return .json(["id_token": .string(token)])
                    }
                )
            )
        ]
    )
}
