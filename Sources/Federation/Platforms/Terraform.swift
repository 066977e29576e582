import Text

extension PlatformFacts {
    /// A run of HCP Terraform, by a variable; a workspace may have several, told apart by a tag.
    static let terraform = PlatformFacts(
        signs: [.variable("TFC_WORKLOAD_IDENTITY_TOKEN", "TFC_RUN_ID")],
        otherVariables: ["TFC_WORKLOAD_IDENTITY_TOKEN*"],
        parse: { (options) throws(AccountError) in
            guard let tag = try options.text("tag") else { return .terraform(tag: nil) }
            guard isVariableName("_" + tag), tag != "TYPE" else {
                throw options.error("tag", "letters, digits and _ are expected, and not TYPE")
            }
            return .terraform(tag: tag)
        },
        otherWords: ["tfc", "hcp", "hcpterraform", "terraformcloud", "tfe"],
        jobTokenAdvice: PlatformFacts.jobToken,
        issuers: KnownIssuers(of: "HCP Terraform", "app.terraform.io"),
        tokens: TokenFacts(
            name: "HCP Terraform",
            areIts: { _, claims in claims["terraform_workspace_id"] != nil },
            stableUpTo: [":run_phase:"],
            subjectRemark: { subject in
                guard let phase = subject.split(separator: ":").last,
                    subject.contains(":run_phase:")
                else { return nil }
                return
                    "the sub ends in the run's phase, \(String(phase).printable), and plan and apply have different"
                    + " ones: make a trust for each of the two, or one that compares"
                    + " terraform_workspace_id and not the sub"
            },
            claims: [
                ["terraform_organization_name"], ["terraform_project_name"],
                ["terraform_workspace_name"], ["terraform_workspace_id"],
            ],
            audienceAdvice:
                "set the workspace's variable TFC_WORKLOAD_IDENTITY_AUDIENCE to AUDIENCE"
        )
    )
}
