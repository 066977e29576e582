import Kernel
import Text

extension PlatformFacts {
    /// AWS, by whichever credentials its own tools would find.
    static let aws = PlatformFacts(
        signs: [.override(["AWS_EC2_METADATA_SERVICE_ENDPOINT"]), .firmware(.amazon)],
        isMachine: true,
        // By variables alone, which give a pod, a task or a function its identity. An instance's own is
        // not looked for: where its issuer is wanted, AWS alone is asked.
        automatic: .whereFound(
            [
                .variable(
                    "AWS_WEB_IDENTITY_TOKEN_FILE",
                    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                    "AWS_ACCESS_KEY_ID"
                )
            ],
            name: "aws web-identity",
            source: .aws(AWSSource(token: .webIdentity))
        ),
        soleSource: { issuer in
            if AWSSource.isAccountIssuer(issuer) { return .aws(AWSSource(token: .webIdentity)) }
            return AWSSource.isIssuer(issuer) ? .aws(AWSSource()) : nil
        },
        otherVariables: [
            "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE",
            "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION",
            "AWS_DEFAULT_REGION", "AWS_STS_REGIONAL_ENDPOINTS", "AWS_ROLE_ARN",
            "AWS_ROLE_SESSION_NAME", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_EC2_METADATA_DISABLED",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "AWS_IMDS_USE_IPV6", "AWS_ENDPOINT_URL_STS",
            "AWS_ENDPOINT_URL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_CA_BUNDLE",
            "ECS_CONTAINER_METADATA_URI_V4", "ECS_CONTAINER_METADATA_URI",
        ],
        parse: { (options) throws(AccountError) in .aws(try AWSSource(parsing: &options)) },
        startsPrograms: { _, environment in AWSSource.filesNameProgram(in: environment) },
        readsFiles: { _ in true },
        homeFiles: [
            (".aws/credentials", "AWS_SHARED_CREDENTIALS_FILE"), (".aws/config", "AWS_CONFIG_FILE"),
        ],
        otherWords: ["ec2", "ecs", "eks", "lambda", "fargate", "iam", "amazon", "irsa"],
        machineTitle: "AWS",
        metadataRule: MetadataRule(path: "/latest/", header: nil),
        podFile: podFile,
        remark: { $0.foreignFile(podFile) },
        issuers: KnownIssuers(of: "AWS", "*.tokens.sts.global.api.aws"),
        otherTokens: OtherTokens(
            marks: ["AKIA", "ASIA"],
            text: "it is the id of an AWS access key, not a token",
            hint: "use provider aws, which signs a request with the key"
        ),
        tokens: TokenFacts(
            name: "AWS IAM outbound federation",
            claims: [
                ["https://sts.amazonaws.com/", "aws_account"],
                ["https://sts.amazonaws.com/", "org_id"],
            ]
        )
    )
}

/// An AWS identity: whose credentials, and in which form they prove it.
package struct AWSSource: Equatable, Sendable {
    /// What stands for the identity.
    package enum Token: String, CaseIterable, Sendable {
        /// A signed `GetCallerIdentity` request, which the service executes itself.
        case callerIdentity = "caller-identity"
        /// A JWT of the account's own issuer, from `GetWebIdentityToken`.
        case webIdentity = "web-identity"
        /// The signed request in the form that Google's token service takes, bound to the audience.
        case google
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
    fileprivate init(parsing source: inout KeyedValues) throws(AccountError) {
        let names = Token.allCases.map(\.rawValue)
        self.init(
            region: try source.text("region"),
            profile: try source.text("profile"),
            token: try source.choice("token", Token.self, among: names) ?? .callerIdentity
        )
    }
}

extension AWSSource {
    /// What a file of Google's says of AWS: `environment_id` `aws1`, and where its own libraries would ask.
    /// The places are AWS's own, which are known here; the variables of AWS's tools change them.
    init(ofGoogle source: inout KeyedValues) throws(AccountError) {
        let version = try source.text("environmentId") ?? ""
        guard version == "aws1" else {
            throw source.unknown("environmentId", version, ["aws1"])
        }
        for key in ["url", "regionUrl", "imdsv2SessionTokenUrl"] {
            guard let endpoint = try source.endpoint(key, plainHTTP: .metadata) else { continue }
            guard !endpoint.isSecure else {
                throw source.error(key, "is not AWS's metadata service")
            }
        }
        if let url = try source.text("regionalCredVerificationUrl") {
            guard url.hasPrefix("https://sts."), url.contains(".amazonaws.com"),
                url.hasSuffix("?Action=GetCallerIdentity&Version=2011-06-15")
            else {
                throw source.error(
                    "regionalCredVerificationUrl",
                    "is not a GetCallerIdentity of AWS's token service"
                )
            }
        }
        self.init(token: .google)
    }

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
    fileprivate static func filesNameProgram(in environment: [String: String]) -> Bool {
        let files = [
            ("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        ]
        return files.contains { variable, name in
            let home = environment["HOME"] ?? ""
            var path = environment[variable]?.trimmed ?? ""
            if path.isEmpty { path = "~/.aws/\(name)" }
            if path.hasPrefix("~/") { path = home + path.dropFirst() }
            // The worker reports what is wrong with one that cannot be read.
            return readText(ifAt: path)?.lowercased().contains("credential_process") ?? false
        }
    }
}

extension PlatformFacts {
    fileprivate static let podFile = (
        variable: "AWS_WEB_IDENTITY_TOKEN_FILE", others: ["AWS_ROLE_ARN"]
    )
}
