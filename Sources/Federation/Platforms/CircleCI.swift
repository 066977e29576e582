extension PlatformFacts {
    /// A CircleCI job: the `circleci` program, or the job's own token.
    static let circleci = PlatformFacts(
        signs: [.variable("CIRCLE_OIDC_TOKEN_V2", "CIRCLE_OIDC_TOKEN", "CIRCLECI")],
        otherVariables: ["CIRCLE_*"],
        parse: { (options) throws(AccountError) in
            .circleci(variable: try options.variableName("variable"))
        },
        namedVariable: { source in
            if case .circleci(let variable) = source { variable } else { nil }
        },
        startsPrograms: { source, _ in
            if case .circleci(variable: nil) = source { true } else { false }
        }
    )
}
