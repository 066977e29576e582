extension PlatformFacts {
    /// A step of Bitbucket Pipelines, by a variable.
    static let bitbucket = PlatformFacts(
        signs: [.variable("BITBUCKET_STEP_OIDC_TOKEN", "BITBUCKET_BUILD_NUMBER")],
        parse: { _ in .bitbucket },
        otherWords: ["bitbucketpipelines"],
        jobTokenAdvice: PlatformFacts.jobToken,
        issuers: KnownIssuers(of: "Bitbucket", "api.bitbucket.org"),
        tokens: TokenFacts(
            name: "Bitbucket Pipelines",
            stableUpTo: [":"],
            claims: [
                ["repositoryUuid"], ["workspaceUuid"], ["deploymentEnvironmentUuid"],
                ["branchName"],
            ],
            advice: "the step needs oidc: true",
            audienceAdvice: "Bitbucket chooses the audience itself: allow the token's in the trust"
        )
    )
}
