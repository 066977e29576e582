extension PlatformFacts {
    /// A Vercel build, by a variable.
    static let vercel = PlatformFacts(
        signs: [.variable("VERCEL_OIDC_TOKEN", "VERCEL")],
        parse: { _ in .vercel },
        jobTokenAdvice: PlatformFacts.jobToken,
        issuers: KnownIssuers(of: "Vercel", "oidc.vercel.com")
    )
}
