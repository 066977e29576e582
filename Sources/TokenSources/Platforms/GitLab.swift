import Federation
import Text

/// A GitLab job's ID token, in the variable that its `id_tokens` names.
struct GitLab: TokenFetcher {
    let variable: String

    func subjectToken(_ context: SourceContext) throws(SourceError) -> SubjectToken {
        let audience = context.audience.isEmpty ? "AUDIENCE" : context.audience.printable
        return try context.jobToken(
            in: [variable],
            hint: "in .gitlab-ci.yml, give the job"
                + " id_tokens: { \(variable): { aud: \"\(audience)\" } }; another variable is named by credentialSource.variable"
        )
    }
}
