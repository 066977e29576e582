internal import Federation

/// A GitLab job's ID token, in the variable that its `id_tokens` names.
struct GitLab {
    static let name = "gitlab"

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

    static func evidence(_ context: SourceContext) -> Evidence {
        context.has("GITLAB_CI") ? .platform : .none
    }
}
