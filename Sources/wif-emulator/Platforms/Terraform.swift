import Federation
import Text

extension PlayedPlatform {
    static let terraform = PlayedPlatform(
        issuerURL: "https://app.terraform.io",
        claims: [
            "sub": "organization:acme:project:Default Project:workspace:app:run_phase:apply",
            "terraform_organization_name": "acme", "terraform_workspace_name": "app",
            "terraform_run_phase": "apply",
        ],
        parts: [
            .variables(
                of: .terraform,
                mark: Variable("TFC_RUN_ID", "run-1"),
                tokens: ["TFC_WORKLOAD_IDENTITY_TOKEN"]
            )
        ]
    )
}
