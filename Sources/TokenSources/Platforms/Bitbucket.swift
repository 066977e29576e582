internal import Federation

/// A Bitbucket pipeline step's token.
struct Bitbucket: TokenFetcher {
    static let name = TokenPlatform.bitbucket.rawValue

    private static let variable = "BITBUCKET_STEP_OIDC_TOKEN"

    func subjectToken(_ context: SourceContext) throws(SourceError) -> SubjectToken {
        try JobToken(
            source: Self.name,
            variables: [Self.variable],
            hint: "in bitbucket-pipelines.yml, give the step oidc: true,"
                + " or oidc: {audiences: [...]}"
        ).subjectToken(context)
    }
}
