import Federation
import Text

extension PlayedPlatform {
    static let circleci = PlayedPlatform(
        issuerURL: "https://oidc.circleci.com/org/\(organisation)",
        claims: [
            "sub": .string("org/\(organisation)/project/77aa/user/88bb"),
            "aud": .string(organisation), "oidc.circleci.com/project-id": "77aa",
            "oidc.circleci.com/vcs-origin": "github.com/acme/app",
            "oidc.circleci.com/vcs-ref": "refs/heads/main", "oidc.circleci.com/ssh-rerun": false,
        ],
        parts: [
            .variables(
                of: .circleci,
                mark: Variable("CIRCLECI", "true"),
                tokens: ["CIRCLE_OIDC_TOKEN_V2", "CIRCLE_OIDC_TOKEN"],
                lacking: [
                    "CIRCLE_OIDC_TOKEN": [
                        "oidc.circleci.com/vcs-origin", "oidc.circleci.com/vcs-ref",
                    ]
                ]
            )
        ]
    )

    private static let organisation = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
}
