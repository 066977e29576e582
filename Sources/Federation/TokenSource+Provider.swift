extension TokenSource {
    /// The source that a provider's word names, without options; `nil` for a word that names none, and
    /// for one that needs an option (`spiffe`).
    package init?(provider: String) {
        switch provider {
        case "auto": self = .automatic
        case "gcp": self = .gcp(serviceAccount: "default")
        case "azure": self = .azure(.unspecific)
        case "github": self = .github
        case "aws": self = .aws(AWSSource())
        case "azure-pipelines": self = .azurePipelines(serviceConnection: nil)
        case "gitlab": self = .gitlab(variable: Self.gitlabVariable)
        case "circleci": self = .circleci(variable: nil)
        case "bitbucket": self = .bitbucket
        case "terraform": self = .terraform(tag: nil)
        case "buildkite": self = .buildkite(lifetime: Self.mintedLifetime)
        case "kubernetes": self = .kubernetes(.unspecific)
        case "fly": self = .fly(socket: Self.flySocket)
        case "vercel": self = .vercel
        case "spacelift": self = .spacelift(path: Self.spaceliftPath)
        default: return nil
        }
    }
}

extension AzureSource {
    /// The token audience as the resource, and whichever identity the machine has.
    package static let unspecific = AzureSource(resource: nil, identity: nil)
}

extension KubernetesSource {
    /// A new token for the wanted audience, asked for with the pod's own.
    package static let unspecific = KubernetesSource.request(
        directory: directory,
        lifetime: TokenSource.mintedLifetime
    )
}
