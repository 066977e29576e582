extension TokenSource {
    /// The source that a provider's word names, without options; `nil` for a word that names none.
    package init?(provider: String) {
        switch provider {
        case "auto": self = .automatic
        case "gcp": self = .gcp(serviceAccount: "default")
        case "azure": self = .azure(.unspecific)
        case "github": self = .github
        case "aws": self = .aws(AWSSource())
        default: return nil
        }
    }
}

extension AzureSource {
    /// The token audience as the resource, and whichever identity the machine has.
    package static let unspecific = AzureSource(resource: nil, identity: nil)
}
