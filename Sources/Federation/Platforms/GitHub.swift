extension PlatformFacts {
    /// A job of GitHub Actions, by the token service that its variables name.
    static let github = PlatformFacts(
        signs: [
            .value("GITHUB_ACTIONS", "true"),
            .variables(["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"]),
        ],
        automatic: .always(),
        parse: { _ in .github }
    )
}
