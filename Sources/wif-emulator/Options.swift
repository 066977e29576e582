import Federation
import Text

/// What the command line asks for.
struct Options: Sendable {
    /// The identities that exist.
    var platforms: [TokenPlatform] = TokenPlatform.usual
    var listeners: [ListenOption] = []
    var directory: String?
    var servesTLS = false
    var tlsHosts = ["localhost", "127.0.0.1", "::1"]
    var tlsFault: TLSFault?
    /// Base URLs by role, where others than the listeners' addresses are to be told.
    var urls: [String: String] = [:]
    /// `iss` by issuer; `self` stands for the emulator's own URL.
    var issuers: [String: String] = [:]
    var claims: [String: [String: JSON]] = [:]
    var tokenLifetimes: [String: Int64] = [:]
    /// The form of GitHub's subjects.
    var gitHubSubject = GitHubSubjectForm.plain
    /// Which of Azure's endpoints the variables show.
    var azureEndpoint = AzureEndpoint.machine
    /// Where Arc's agent puts the files that it asks for.
    var arcDirectory = "/var/opt/azcmagent/tokens"
    var azureTokenAge: Int64 = 6 * 3600
    var azureResources: [String] = []
    /// Which of the ways to a key the variables show.
    var awsCredentials = AWSCredentialKind.metadata
    var awsRegion = "eu-central-1"
    /// How many hops the metadata service's answers to a request for a token travel; at 1 they are lost.
    var awsHopLimit: Int64 = 2
    var scope = "//captain.api.mondoo.app/spaces/demo"
    var credentialLifetime: Int64 = 3600
    var certificateLifetime: Int64?
    var trusts = ServiceTrusts()
    /// Whether the services take what their pages leave open, such as a claim that is a list.
    var takesUndocumented = true
    var clockOffset: Double = 0
    var faults: [Fault] = []

    /// `repo:OWNER/NAME:…`, or with ids that a rename does not change, as in newer repositories.
    enum GitHubSubjectForm: String, CaseIterable, Sendable {
        case plain, immutable
    }

    /// Where a workload on Azure gets its token.
    enum AzureEndpoint: String, CaseIterable, Sendable {
        case machine, arc, workload
        case appService = "app-service"
    }

    /// A TLS server that clients must refuse.
    enum TLSFault: String, CaseIterable, Sendable {
        case expired
        case wrongHost = "wrong-host"
        case unknownCA = "unknown-ca"
    }

    /// Where a workload finds its AWS key.
    enum AWSCredentialKind: String, CaseIterable, Sendable {
        case metadata, container, environment
    }

    /// The issuer's URL as the user wants it; `nil` for the real one.
    func issuerURL(of name: String, base: String?) -> String? {
        guard let url = issuers[name] else { return nil }
        return url == "self" ? "\(base ?? "")/issuers/\(name)" : url
    }

    /// Whether Azure's tenant knows the resource: what was named, else the usual ones.
    func isAzureResource(_ resource: String) -> Bool {
        if !azureResources.isEmpty { return azureResources.contains(resource) }
        let usual = [
            "https://management.azure.com/", "https://management.azure.com",
            "https://vault.azure.net", "https://graph.microsoft.com",
        ]
        return usual.contains(resource) || resource.hasPrefix("api://")
    }
}

/// Something the user did wrong on the command line or at the control endpoint.
struct UsageError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
