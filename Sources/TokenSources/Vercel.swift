internal import Federation

/// The token of a Vercel build.
struct Vercel {
    static let name = "vercel"

    private static let variable = "VERCEL_OIDC_TOKEN"

    func subjectToken(_ context: SourceContext) throws(SourceError) -> SubjectToken {
        try JobToken(
            source: Self.name,
            variables: [Self.variable],
            hint: "turn on OIDC federation in the project's settings"
        ).subjectToken(context)
    }

    static func evidence(_ context: SourceContext) -> Evidence {
        context.has(variable, "VERCEL") ? .platform : .none
    }
}
