package import Platform

/// One `external_account` file, parsed once into values that need no second look: exclusive options
/// are cases, URLs are checked, paths are absolute.
package struct Account: Sendable {
    /// The file's base name without `.json`.
    package let name: String
    /// The file's absolute path as given.
    package let path: String
    /// The file's bytes, for the worker and to tell whether the file has changed.
    package let document: Secret
    package let service: Service
    package let tokenSource: TokenSource
    /// The audience asked of the token source; empty where none is configured.
    package let tokenAudience: String
    /// The issuer that the service trusts, verbatim.
    package let issuer: String?
    /// Seconds a credential is taken to live where the service does not say it.
    package let lifetime: Double
    /// As configured; ``outputs(in:)`` adds the default.
    package let configuredOutputs: [Output]
    package let hooks: [RefreshHook]
    package let revokeOnExit: Bool?
    /// A proxy for the exchange in place of the environment's.
    package let proxy: Endpoint?
    /// A file of CA certificates in place of the system's, for the exchange.
    package let caFile: String?
    /// The variable that env formats set.
    package let variable: String
    /// What is accepted but should be looked at, each ready to print.
    package let warnings: [String]

    /// Where the credential is delivered: as configured, else one socket in the runtime directory.
    package func outputs(in runtimeDirectory: String) -> [Output] {
        if !configuredOutputs.isEmpty { return configuredOutputs }
        return [
            Output(kind: .socket(.raw, SocketAccess()), path: "\(runtimeDirectory)/\(name).sock")
        ]
    }

    /// The same account with these outputs in place of its own (`--output`), and these hooks.
    package func replacingOutputs(_ outputs: [Output], hooks: [RefreshHook]? = nil) -> Account {
        Account(
            name: name,
            path: path,
            document: document,
            service: service,
            tokenSource: tokenSource,
            tokenAudience: tokenAudience,
            issuer: issuer,
            lifetime: lifetime,
            configuredOutputs: outputs,
            hooks: hooks ?? self.hooks,
            revokeOnExit: revokeOnExit,
            proxy: proxy,
            caFile: caFile,
            variable: variable,
            warnings: warnings
        )
    }
}

/// Where a subject token comes from.
package enum TokenSource: Sendable {
    /// GCP, Azure, GitHub in this order of preference; the matching issuer wins.
    case automatic
    /// A token in the account file itself.
    case literal(Secret)
    case gcp(serviceAccount: String)
    case azure(AzureSource)
    case github
    case aws(AWSSource)
    case file(path: String, TokenFormat)
    case environment(name: String)
    case url(URLSource)
    case executable(ExecutableSource)
    /// The service connection's id where the token is to be its own.
    case azurePipelines(serviceConnection: String?)
    /// A job's token in the variable that the job's author named.
    case gitlab(variable: String)
    /// The variable where no other way to a token is wanted.
    case circleci(variable: String?)
    case bitbucket
    /// The tag of the variable where the workspace has several.
    case terraform(tag: String?)
    /// Seconds that its tokens are to live.
    case buildkite(lifetime: Int)
    case kubernetes(KubernetesSource)
    /// A file that holds a JWT-SVID.
    case spiffe(path: String)
    case fly(socket: String)
    case vercel
    case spacelift(path: String)

    /// The providers this program knows, as the account file names them.
    package static let providers = [
        "auto", "aws", "azure", "azure-pipelines", "bitbucket", "buildkite", "circleci", "fly",
        "gcp", "github", "gitlab", "kubernetes", "spacelift", "spiffe", "terraform", "vercel",
    ]

    /// The word for it in logs and status.
    package var name: String {
        switch self {
        case .automatic: "auto"
        case .literal: "jwtToken"
        case .gcp: "gcp"
        case .azure: "azure"
        case .github: "github"
        case .aws: "aws"
        case .file: "file"
        case .environment: "environment"
        case .url: "url"
        case .executable: "executable"
        case .azurePipelines: "azure-pipelines"
        case .gitlab: "gitlab"
        case .circleci: "circleci"
        case .bitbucket: "bitbucket"
        case .terraform: "terraform"
        case .buildkite: "buildkite"
        case .kubernetes: "kubernetes"
        case .spiffe: "spiffe"
        case .fly: "fly"
        case .vercel: "vercel"
        case .spacelift: "spacelift"
        }
    }
}

/// A managed identity's token: what for, and which identity.
package struct AzureSource: Sendable {
    /// Which of several identities; at most one selector exists.
    package enum Identity: Sendable {
        case clientID(String)
        case objectID(String)
        case resourceID(String)
    }

    /// The resource where it is not the token audience.
    package let resource: String?
    package let identity: Identity?
}

/// How a token stands in a file or a reply.
package enum TokenFormat: Equatable, Sendable {
    case text
    /// The value of a top-level member of a JSON object.
    case json(field: String)
}

/// What happens after every output holds a new credential.
package enum RefreshHook: Sendable {
    /// A program and its arguments, run without a shell for at most `timeout` seconds.
    case command([String], timeout: Double)
    /// A signal to the process whose id is in the file.
    case signal(String, pidFile: String)
}

/// An account file that cannot be used: which key, what was found, what is expected.
package struct AccountError: Error, Equatable, Sendable, CustomStringConvertible {
    package let message: String
    package let hint: String?

    package init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }

    package var description: String {
        if let hint { "\(message)\nhint: \(hint)" } else { message }
    }

    /// The error as the failure that the rest of the program passes on.
    package var failure: Failure {
        Failure(.misconfigured, at: .account, message, hint: hint)
    }
}
