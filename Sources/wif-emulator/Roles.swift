import Crypto
import Serving

/// One part of the outside world. To add one: a file with its type, a case in ``RoleName`` and a line
/// in ``role(_:in:)``.
protocol Role: Sendable {
    /// The environment variables through which a workload reaches it.
    var environment: [Variable] { get }

    /// Whether the request is for one of its paths.
    func owns(_ request: HTTPServerRequest) -> Bool

    /// The answer to a request that it owns.
    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse
}

extension Role {
    var environment: [Variable] { [] }
}

/// An environment variable.
struct Variable: Equatable, Sendable {
    let name: String
    let value: String

    init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// The parts that can be played, as `--listen` names them.
enum RoleName: String, CaseIterable, Sendable {
    case gcp, azure
    case azureLegacy = "azure-legacy"
    case awsMetadata = "aws-imds"
    case awsContainer = "aws-container"
    case awsSTS = "aws-sts"
    case github, issuers, mondoo, conductorone, bright, oauth, google

    /// Where it is reached unless told otherwise.
    enum Placement {
        /// Plain HTTP, with the other metadata services.
        case metadata
        /// With the other services, in TLS where that is asked for.
        case service
        /// Plain HTTP on a port of its own.
        case own
    }

    var placement: Placement {
        switch self {
        case .gcp, .azure: .metadata
        case .azureLegacy: .own
        case .awsMetadata, .awsContainer: .metadata
        case .awsSTS: .own
        case .github, .issuers, .mondoo, .conductorone, .bright, .oauth, .google: .service
        }
    }

    /// The platform it belongs to; `nil` for what is always there.
    var platform: IdentityPlatform? {
        switch self {
        case .gcp: .gcp
        case .azure, .azureLegacy: .azure
        case .awsMetadata, .awsContainer, .awsSTS: .aws
        case .github: .github
        case .issuers, .mondoo, .conductorone, .bright, .oauth, .google: nil
        }
    }

    /// What keeps a workload from the real thing where the role is not played. Nothing listens on
    /// port 1, so that connections are refused.
    var absence: [Variable] {
        switch self {
        case .gcp: [Variable("GCE_METADATA_HOST", "127.0.0.1:1")]
        case .azure: [Variable("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1")]
        case .azureLegacy:
            [Variable("MSI_ENDPOINT", "http://127.0.0.1:1/oauth2/token")]
        case .awsMetadata: [Variable("AWS_EC2_METADATA_DISABLED", "true")]
        case .awsContainer, .awsSTS: []
        case .github, .issuers, .mondoo, .conductorone, .bright, .oauth, .google: []
        }
    }
}

/// The player of a part.
func role(_ name: RoleName, in world: World) throws(CryptoError) -> any Role {
    switch name {
    case .gcp: GCPMetadata(world: world)
    case .azure: AzureMetadata(world: world)
    case .azureLegacy: AzureLegacy(world: world)
    case .awsMetadata: AWSMetadata(world: world)
    case .awsContainer: try AWSContainer(world: world)
    case .awsSTS: AWSSTS(world: world)
    case .github: try GitHubActions(world: world)
    case .issuers: Issuers(world: world)
    case .mondoo: try Mondoo(world: world)
    case .conductorone: try ConductorOne(world: world)
    case .bright: Bright(world: world)
    case .oauth: GenericOAuth(world: world)
    case .google: GoogleSTS(world: world)
    }
}
