package import Platform

/// A token that a plain GET answers with, as Google's `external_account` files describe it.
package struct URLSource: Sendable {
    /// https, or plain http to this machine or a metadata address.
    package let url: String
    package let headers: [(name: String, value: Secret)]
    package let format: TokenFormat
}

/// A program that prints a token, or Google's executable response.
package struct ExecutableSource: Sendable {
    /// The argument vector; first the program's absolute path.
    package let command: [String]
    /// Seconds, 5 to 120.
    package let timeLimit: Double
    /// Where the program keeps its last response; looked at before it is run.
    package let outputFile: String?
    /// The type of token that the account asks for, told to the program.
    package let tokenType: String
    /// Google's account that the token will be used for, told to the program.
    package let impersonatedEmail: String?
}

/// A pod's token: from a projected file, or minted by the API server.
package enum KubernetesSource: Sendable {
    /// A projected volume's file, which the kubelet keeps fresh.
    case file(path: String)
    /// TokenRequest for the wanted audience, by the credentials in the directory.
    case request(directory: String, lifetime: Int)

    /// Where every pod finds its own token, the cluster's CA and its namespace.
    package static let directory = "/var/run/secrets/kubernetes.io/serviceaccount"
}

extension TokenSource {
    /// Whether getting a token from it starts a program, given the requester's environment. Such jobs
    /// need a worker of their own (`wif-exchange --programs`).
    package func runsPrograms(in environment: [String: String]) -> Bool {
        switch self {
        case .executable: true
        case .circleci(let variable): variable == nil
        case .buildkite: (environment["BUILDKITE_AGENT_ACCESS_TOKEN"] ?? "").isEmpty
        case .aws: AWSSource.filesNameProgram(in: environment)
        default: false
        }
    }

    /// The variable that the account file names, which is on no list of allowed ones.
    package var namedVariable: String? {
        switch self {
        case .environment(let name), .gitlab(let name): name
        case .circleci(let name): name
        default: nil
        }
    }

    /// Where a GitLab job's token is looked for unless the account file says otherwise.
    package static let gitlabVariable = "GITLAB_OIDC_TOKEN"
    /// Where a Fly.io machine's own API is.
    package static let flySocket = "/.fly/api"
    /// Where a Spacelift run finds its token beside the variable.
    package static let spaceliftPath = "/mnt/workspace/spacelift.oidc"
    /// Seconds: enough for every service's checks, the shortest that Kubernetes mints.
    package static let mintedLifetime = 600
}

extension Job.Kind {
    /// Whether a job of this kind for the account starts a program.
    package func runsPrograms(for account: Account, in environment: [String: String]) -> Bool {
        if case .graphQL = self { return false }
        var source = account.tokenSource
        if let provider, provider != source.name {
            source = TokenSource(provider: provider) ?? source
        }
        if case .automatic = source, let issuer = account.issuer,
            AWSSource.isIssuer(issuer) || AWSSource.isAccountIssuer(issuer)
        {
            source = .aws(AWSSource())
        }
        return source.runsPrograms(in: environment)
    }
}
