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
        }
    )
}
