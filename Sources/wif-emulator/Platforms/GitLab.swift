import Federation
import Text

extension PlayedPlatform {
    static let gitlab = PlayedPlatform(
        issuerURL: "https://gitlab.com",
        claims: [
            "sub": "project_path:acme/app:ref_type:branch:ref:main", "project_path": "acme/app",
            "namespace_path": "acme", "ref": "main", "ref_type": "branch", "ref_protected": "true",
            "pipeline_source": "push", "runner_environment": "gitlab-hosted",
        ],
        parts: [
            .variables(
                of: .gitlab,
                mark: Variable("GITLAB_CI", "true"),
                tokens: ["GITLAB_OIDC_TOKEN"]
            )
        ]
    )
}
