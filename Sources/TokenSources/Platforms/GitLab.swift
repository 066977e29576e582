internal import Federation
internal import Text

/// A GitLab job's ID token, in the variable that its `id_tokens` names.
struct GitLab: TokenFetcher {
    static let name = TokenPlatform.gitlab.rawValue

    let variable: String

    func subjectToken(_ context: SourceContext) throws(SourceError) -> SubjectToken {
        let audience = context.audience.isEmpty ? "AUDIENCE" : context.audience.printable
        return try JobToken(
            source: Self.name,
            variables: [variable],
            hint: "in .gitlab-ci.yml, give the job"
                + " id_tokens: { \(variable): { aud: \"\(audience)\" } }; another variable is named by credentialSource.variable"
        ).subjectToken(context)
    }
}
