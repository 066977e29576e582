import Federation

/// A Bitbucket pipeline step's token.
struct Bitbucket: TokenFetcher {
    private static let variable = "BITBUCKET_STEP_OIDC_TOKEN"

    func subjectToken(_ context: SourceContext) throws(SourceError) -> SubjectToken {
        try context.jobToken(
            in: [Self.variable],
            hint: "in bitbucket-pipelines.yml, give the step oidc: true,"
                + " or oidc: {audiences: [...]}"
        )
    }
}
