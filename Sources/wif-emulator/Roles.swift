import Crypto
import Serving

/// One part of the outside world. To add one: a file with its type, a case in ``RoleName`` and a line
/// in ``role(_:in:)``.
protocol Role: Sendable {
    /// The environment variables through which a workload reaches it.
    var environment: [Variable] { get }

    /// Writes the files that a workload finds, before anybody is told of them.
    func prepare() throws

    /// What it does of its own accord, until cancelled.
    func live() async

    /// Whether the request is for one of its paths.
    func owns(_ request: HTTPServerRequest) -> Bool

    /// The answer to a request that it owns.
    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse
}

extension Role {
    var environment: [Variable] { [] }
    func prepare() throws {}
    func live() async {}
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
    case azureAppService = "azure-app-service"
    case azureArc = "azure-arc"
    case azureEntra = "azure-entra"
    case azurePipelines = "azure-pipelines"
    case gitlab, circleci, bitbucket, terraform, buildkite, kubernetes, fly, vercel, spacelift
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
        case .awsMetadata, .awsContainer: .metadata
        case .awsSTS: .own
        case .azureLegacy, .azureArc: .own
        case .azureAppService: .metadata
        case .azureEntra, .azurePipelines, .gitlab, .circleci, .bitbucket, .terraform, .buildkite,
            .kubernetes, .fly, .vercel, .spacelift:
            .service
        case .github, .issuers, .mondoo, .conductorone, .bright, .oauth, .google: .service
        }
    }

    /// The platform it belongs to; `nil` for what is always there.
    var platform: IdentityPlatform? {
        switch self {
        case .gcp: .gcp
        case .awsMetadata, .awsContainer, .awsSTS: .aws
        case .azure, .azureLegacy, .azureAppService, .azureArc, .azureEntra: .azure
        case .azurePipelines, .gitlab, .circleci, .bitbucket, .terraform, .buildkite, .kubernetes,
            .fly, .vercel, .spacelift:
            IdentityPlatform(rawValue: rawValue)
        case .github: .github
        case .issuers, .mondoo, .conductorone, .bright, .oauth, .google: nil
        }
    }

    /// The only choice of Azure's endpoint with which it is played; `nil` where that is no matter.
    var azureEndpoint: Options.AzureEndpoint? {
        switch self {
        case .azureAppService: .appService
        case .azureArc: .arc
        case .azureEntra: .workload
        default: nil
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
        default: []
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
    case .azureAppService: AzureAppService(world: world)
    case .azureArc: AzureArc(world: world)
    case .azureEntra: AzureEntra(world: world)
    case .azurePipelines: AzurePipelines(world: world)
    case .gitlab, .circleci, .bitbucket, .terraform, .vercel, .spacelift:
        try JobVariables(name.platform ?? .gitlab, world: world)
    case .buildkite: Buildkite(world: world)
    case .kubernetes: try Kubernetes(world: world)
    case .fly: Fly(world: world)
    case .issuers: Issuers(world: world)
    case .mondoo: try Mondoo(world: world)
    case .conductorone: try ConductorOne(world: world)
    case .bright: try Bright(world: world)
    case .oauth: GenericOAuth(world: world)
    case .google: GoogleSTS(world: world)
    }
}
