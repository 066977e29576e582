import Text

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
        },
        otherWords: ["circle"],
        jobTokenAdvice: PlatformFacts.jobToken,
        issuers: KnownIssuers(of: "CircleCI", "oidc.circleci.com"),
        tokens: TokenFacts(
            name: "CircleCI",
            stableUpTo: ["/user/"],
            claims: [
                ["oidc.circleci.com/project-id"], ["oidc.circleci.com/vcs-origin"],
                ["oidc.circleci.com/vcs-ref"],
            ],
            advice: "VCS origin and ref are in CIRCLE_OIDC_TOKEN_V2 alone",
            lack: { claims in
                guard claims["oidc.circleci.com/vcs-origin"] == nil else { return nil }
                return
                    "this token has no VCS origin and VCS ref, as the one in CIRCLE_OIDC_TOKEN has none, and a form with"
                    + " these fields refuses it: write \"variable\": \"CIRCLE_OIDC_TOKEN_V2\" in credentialSource, or"
                    + " leave variable out, for the token that has them"
            },
            audienceAdvice:
                "CircleCI's own tokens (CIRCLE_OIDC_TOKEN_V2) have the organization's id as aud, whatever"
                + " is asked for: put the circleci program along PATH, by which (circleci run oidc get) one for"
                + " AUDIENCE is made; or allow the id in the trust, where the service can"
        )
    )
}
