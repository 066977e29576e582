import Federation

/// The token of a Vercel build.
struct Vercel: TokenFetcher {
    private static let variable = "VERCEL_OIDC_TOKEN"

    func subjectToken(_ context: SourceContext) throws(SourceError) -> SubjectToken {
        try context.jobToken(
            in: [Self.variable],
            hint: "turn on OIDC federation in the project's settings (Security), and build again"
        )
    }
}
