extension PlatformFacts {
    /// A Buildkite job: the agent's API where the job has the agent's token, else its program.
    static let buildkite = PlatformFacts(
        signs: [.variable("BUILDKITE")],
        otherVariables: ["BUILDKITE_JOB_ID", "BUILDKITE_AGENT_*"],
        parse: { (options) throws(AccountError) in
            .buildkite(lifetime: try options.mintedLifetime(from: 60))
        },
        startsPrograms: { _, environment in
            (environment["BUILDKITE_AGENT_ACCESS_TOKEN"] ?? "").isEmpty
        },
        issuers: KnownIssuers(of: "Buildkite", "agent.buildkite.com"),
        tokens: TokenFacts(
            name: "Buildkite",
            stableUpTo: [":commit:"],
            claims: [["organization_slug"], ["pipeline_slug"], ["build_branch"]]
        )
    )
}
