import Crypto
import Federation
import Serving
import Text

extension PlayedPlatform {
    static let azurePipelines = PlayedPlatform(
        issuerURL: "https://vstoken.dev.azure.com/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
        tokenLifetime: 600,
        claims: [
            "sub": "p://acme/app/scan", "aud": "api://AzureADTokenExchange", "rpo_ref": "main",
        ],
        parts: [
            .service(
                JobTokenService.Rules(
                    platform: .azurePipelines,
                    path: tokenPath,
                    method: "POST",
                    environment: { url, secret in
                        [
                            Variable("TF_BUILD", "True"),
                            Variable("SYSTEM_OIDCREQUESTURI", url + tokenPath),
                            Variable("SYSTEM_ACCESSTOKEN", secret),
                        ]
                    },
                    proof: { $0.authorization("bearer") },
                    refusal: { request in
                        guard request.header("x-tfs-fedauthredirect") != "Suppress" else {
                            return nil
                        }
                        let page = HTTPField("Location", "https://signin.invalid/")
                        return HTTPServerResponse(status: 302, headers: [page], body: [])
                    },
                    answer: { (request, world) throws(CryptoError) in
                        guard request.query["api-version"]?.hasPrefix("7.1") == true else {
                            return .message(400, "the parameter api-version is missing")
                        }
                        let token = try world.jobToken(of: .azurePipelines, audience: .null)
                        return .json(["oidcToken": .string(token)])
                    }
                )
            )
        ]
    )

    private static let tokenPath =
        "/acme/_apis/distributedtask/hubs/build/plans/1/jobs/2/oidctoken"
}
