internal import Platform

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

extension AWSSource {
    /// Whether an account's issuer is the one that stands for AWS's signed requests.
    package static func isIssuer(_ issuer: String?) -> Bool {
        issuer == "https://sts.amazonaws.com" || issuer == "https://sts.amazonaws.com/"
    }

    /// Whether an issuer is that of an AWS account's web identity tokens.
    package static func isAccountIssuer(_ issuer: String) -> Bool {
        let host = issuer.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" }
        return issuer.hasPrefix("https://") && host.hasSuffix(".tokens.sts.global.api.aws")
    }

    /// Whether a shared file names a program anywhere (`credential_process`). Which profile will be used
    /// is for the worker to find out, who parses them; by then it is too late to allow it programs.
    static func filesNameProgram(in environment: [String: String]) -> Bool {
        let files = [
            ("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        ]
        return files.contains { variable, name in
            let home = environment["HOME"] ?? ""
            var path = environment[variable]?.trimmed ?? ""
            if path.isEmpty { path = "~/.aws/\(name)" }
            if path.hasPrefix("~/") { path = home + path.dropFirst() }
            do throws(ReadFileError) {
                let text = try readFile(path, limit: 1 << 20).text
                return text.lowercased().contains("credential_process")
            } catch {
                return false  // The worker reports what is wrong with it.
            }
        }
    }
}
