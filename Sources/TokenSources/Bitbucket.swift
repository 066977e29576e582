internal import Federation

/// A Bitbucket pipeline step's token.
struct Bitbucket {
    static let name = "bitbucket"

    private static let variable = "BITBUCKET_STEP_OIDC_TOKEN"

    func subjectToken(_ context: SourceContext) throws(SourceError) -> SubjectToken {
        try JobToken(
            source: Self.name,
            variables: [Self.variable],
            hint: "in bitbucket-pipelines.yml, give the step oidc: true,"
                + " or oidc: {audiences: [...]}"
        ).subjectToken(context)
    }

    static func evidence(_ context: SourceContext) -> Evidence {
        context.has(variable, "BITBUCKET_BUILD_NUMBER") ? .platform : .none
    }
}
