extension PlatformFacts {
    /// A step of a Codefresh build, by the token service that its variables name. "OIDC in pipelines"
    /// in Codefresh's documentation
    static let codefresh = PlatformFacts(
        signs: [.variable("CF_OIDC_REQUEST_URL", "CF_BUILD_ID")],
        otherVariables: ["CF_OIDC_REQUEST_TOKEN"],
        parse: { _ in .codefresh },
        issuers: KnownIssuers(of: "Codefresh", "oidc.codefresh.io"),
        tokens: TokenFacts(
            name: "Codefresh",
            stableUpTo: [":scm_user_name:", ":initiator:"],
            claims: [
                ["account_id"], ["pipeline_id"], ["pipeline_name"], ["scm_repo_url"], ["scm_ref"],
            ]
        )
    )
}
