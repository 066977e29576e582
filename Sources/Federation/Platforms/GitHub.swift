extension PlatformFacts {
    /// A job of GitHub Actions, by the token service that its variables name.
    static let github = PlatformFacts(
        signs: [
            .value("GITHUB_ACTIONS", "true"),
            .variables(["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"]),
        ],
        automatic: .always(),
        parse: { _ in .github },
        issuers: KnownIssuers(of: "GitHub", "token.actions.githubusercontent.com"),
        tokens: TokenFacts(
            name: "GitHub Actions",
            // Those of GitHub Enterprise have hosts of their own.
            areIts: { issuer, _ in
                issuer.host.hasPrefix("token.actions.") || issuer.text.hasSuffix("/_services/token")
            },
            claims: [["repository"], ["environment"], ["ref"], ["repository_id"]],
            advice: "organisation, repository, ref and environment are compared"
        )
    )
}
