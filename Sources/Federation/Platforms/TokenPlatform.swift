package import Kernel

/// The platforms that give workloads an identity. All that is known of one stands in its own file
/// beside this one, here are only the lists; what else the program says of platforms (words,
/// variables, candidates of `auto`, known issuers) is derived from them.
///
/// To add a platform: a case here, in the order in which `auto` prefers them, and what the compiler
/// then asks for, in this room, in `TokenSources` and in the emulator.
package enum TokenPlatform: String, CaseIterable, Sendable {
    case gcp
    case azure
    case github
    case azurePipelines = "azure-pipelines"
    case gitlab
    case circleci
    case bitbucket
    case terraform
    case buildkite
    case fly
    case vercel
    case spacelift
    case codefresh
    case kubernetes
    case aws
    case spiffe

    /// What is known of the platform.
    package var facts: PlatformFacts {
        switch self {
        case .gcp: .gcp
        case .azure: .azure
        case .github: .github
        case .azurePipelines: .azurePipelines
        case .gitlab: .gitlab
        case .circleci: .circleci
        case .bitbucket: .bitbucket
        case .terraform: .terraform
        case .buildkite: .buildkite
        case .fly: .fly
        case .vercel: .vercel
        case .spacelift: .spacelift
        case .codefresh: .codefresh
        case .kubernetes: .kubernetes
        case .aws: .aws
        case .spiffe: .spiffe
        }
    }
}

/// Where a subject token comes from: a platform with its options, or what needs no platform.
package enum TokenSource: Sendable {
    /// The platforms in their order of preference; the matching issuer wins.
    case automatic
    /// A token in the account file itself.
    case literal(Secret)
    case file(path: String, TokenFormat)
    case environment(name: String)
    case url(URLSource)
    case executable(ExecutableSource)
    /// The credential of another account of the same agent.
    case account(name: String)

    case gcp(serviceAccount: String)
    case azure(AzureSource)
    case github
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
    case fly(socket: String)
    case vercel
    case spacelift(path: String)
    case codefresh
    case kubernetes(KubernetesSource)
    case aws(AWSSource)
    case spiffe(SPIFFESource)

    /// What a source is apart from its options.
    package enum Kind: Sendable {
        case platform(TokenPlatform)
        /// The word for a source that belongs to no platform.
        case other(String)
    }

    /// Which platform it is, or the word for what belongs to none.
    package var kind: Kind {
        switch self {
        case .automatic: .other(Self.automaticWord)
        case .literal: .other("jwtToken")
        case .file: .other("file")
        case .environment: .other("environment")
        case .url: .other("url")
        case .executable: .other("executable")
        case .account: .other("account")
        case .gcp: .platform(.gcp)
        case .azure: .platform(.azure)
        case .github: .platform(.github)
        case .azurePipelines: .platform(.azurePipelines)
        case .gitlab: .platform(.gitlab)
        case .circleci: .platform(.circleci)
        case .bitbucket: .platform(.bitbucket)
        case .terraform: .platform(.terraform)
        case .buildkite: .platform(.buildkite)
        case .fly: .platform(.fly)
        case .vercel: .platform(.vercel)
        case .spacelift: .platform(.spacelift)
        case .codefresh: .platform(.codefresh)
        case .kubernetes: .platform(.kubernetes)
        case .aws: .platform(.aws)
        case .spiffe: .platform(.spiffe)
        }
    }
}
