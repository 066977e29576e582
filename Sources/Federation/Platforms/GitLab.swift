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
        }
    )

    private static let usualVariable = "GITLAB_OIDC_TOKEN"
}
