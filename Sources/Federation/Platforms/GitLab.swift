import Text

extension PlatformFacts {
    /// A GitLab job: the variable that its `id_tokens` names.
    static let gitlab = PlatformFacts(
        signs: [.variable("GITLAB_CI")],
        otherVariables: [usualVariable],
        parse: { (options) throws(AccountError) in
            .gitlab(variable: try options.variableName("variable") ?? usualVariable)
        },
        namedVariable: { source in
            if case .gitlab(let variable) = source { variable } else { nil }
        },
        otherWords: ["gitlabci", "gitlabcicd", "gitlaboidc"],
        jobTokenAdvice:
            "the job's token was made when the job began, and lives as long as the job's timeout: (5 minutes without"
            + " one): get the credential at the job's beginning (wif-agent exec around all that needs it), or set"
            + " timeout: in the job",
        issuers: KnownIssuers(of: "GitLab", "gitlab.com"),
        otherTokens: OtherTokens(
            marks: ["glpat-", "glcbt-", "gldt-"],
            text: "it is a token for GitLab's API, not an OIDC token",
            hint: "use provider gitlab, and id_tokens: in the job"
        ),
        tokens: TokenFacts(
            name: "GitLab CI/CD",
            areIts: { _, claims in claims["project_path"] != nil && claims["ref_type"] != nil },
            identityRemark: { claims in
                guard claims["ref_type"]?.string == "tag", let tag = claims["ref"]?.string else {
                    return nil
                }
                return "this pipeline is for the tag \(tag.printable), and not for a branch"
            },
            claims: [
                ["project_path"], ["environment"], ["ref_type"], ["ref"], ["ref_protected"],
                ["project_id"],
            ],
            advice: "the job's id_tokens sets aud",
            audienceAdvice: "write aud: AUDIENCE below the token's name in id_tokens: of "
                + ".gitlab-ci.yml"
        )
    )

    private static let usualVariable = "GITLAB_OIDC_TOKEN"
}
