internal import Federation

/// The token of a Vercel build.
struct Vercel: TokenFetcher {
    static let name = TokenPlatform.vercel.rawValue

    private static let variable = "VERCEL_OIDC_TOKEN"

    func subjectToken(_ context: SourceContext) throws(SourceError) -> SubjectToken {
        try JobToken(
            source: Self.name,
            variables: [Self.variable],
            hint: "turn on OIDC federation in the project's settings"
        ).subjectToken(context)
    }
}
