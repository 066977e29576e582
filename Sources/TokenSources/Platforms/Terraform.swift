import Federation

/// The token of an HCP Terraform run's plan or apply phase.
struct Terraform: TokenFetcher {
    private static let variable = "TFC_WORKLOAD_IDENTITY_TOKEN"

    /// Which of several tokens.
    let tag: String?

    func subjectToken(_ context: SourceContext) throws(SourceError) -> SubjectToken {
        let suffix = tag.map { "_\($0)" } ?? ""
        return try context.jobToken(
            in: [Self.variable + suffix],
            hint: "set TFC_WORKLOAD_IDENTITY_AUDIENCE\(suffix) in the workspace;"
                + " several tokens are told apart by credentialSource.tag"
        )
    }
}
