import Federation
import Text

extension PlayedPlatform {
    static let bitbucket = PlayedPlatform(
        issuerURL: "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
        claims: [
            "sub": "{3b1e}:{9c0d}", "aud": "ari:cloud:bitbucket::workspace/7f2a",
            "workspaceUuid": "{7f2a}", "repositoryUuid": "{3b1e}", "stepUuid": "{9c0d}",
            "branchName": "main",
        ],
        parts: [
            .variables(
                of: .bitbucket,
                mark: Variable("BITBUCKET_BUILD_NUMBER", "7"),
                tokens: ["BITBUCKET_STEP_OIDC_TOKEN"]
            )
        ]
    )
}
