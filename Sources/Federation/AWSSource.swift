/// An AWS identity: whose credentials, and in which form they prove it.
package struct AWSSource: Equatable, Sendable {
    /// What stands for the identity.
    package enum Token: String, CaseIterable, Sendable {
        /// A signed `GetCallerIdentity` request, which the service executes itself.
        case callerIdentity = "caller-identity"
        /// A JWT of the account's own issuer, from `GetWebIdentityToken`.
        case webIdentity = "web-identity"
    }

    /// The region whose STS is used, where the environment is not to decide.
    package let region: String?
    /// The profile of the shared files, where the environment is not to decide.
    package let profile: String?
    package let token: Token

    package init(
        region: String? = nil,
        profile: String? = nil,
        token: Token = .callerIdentity
    ) {
        self.region = region
        self.profile = profile
        self.token = token
    }
}

extension AWSSource {
    /// Takes the provider's options.
    init(parsing source: inout KeyedValues) throws(AccountError) {
        let names = Token.allCases.map(\.rawValue)
        self.init(
            region: try source.text("region"),
            profile: try source.text("profile"),
            token: try source.choice("token", Token.self, among: names) ?? .callerIdentity
        )
    }
}
