import Crypto
import Federation
import Text

/// What the emulator plays of a platform: what its file in this folder says.
struct PlayedPlatform: Sendable {
    /// Who signs its tokens in the real world.
    let issuerURL: String
    /// How long its tokens live, in seconds.
    var tokenLifetime: Int64 = 3600
    /// Who the workload is there, apart from what changes with each token. `aud` stands where it is fixed.
    let claims: [String: JSON]
    /// What the options change in the claims, those that the user sets included.
    var amended: @Sendable ([String: JSON], Options) -> [String: JSON] = { claims, _ in claims }
    /// Whether it is played unless told otherwise: `auto` asks it everywhere, and it has an endpoint of
    /// its own. The variables of the others would make a workload take itself for a job.
    var isUsual = false
    /// What it consists of.
    let parts: [Part]
}

extension TokenPlatform {
    /// What is played of the platform; `nil` for one that has no outside.
    private var playing: PlayedPlatform? {
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
        case .spiffe: nil
        }
    }

    private static let playings: [(platform: TokenPlatform, playing: PlayedPlatform)] =
        allCases.compactMap { platform in platform.playing.map { (platform, $0) } }

    /// Those that are played unless told otherwise.
    static let usual = playings.filter(\.playing.isUsual).map(\.platform)

    /// Those that can be played, first those that are unless told otherwise.
    static let played = usual + playings.filter { !$0.playing.isUsual }.map(\.platform)

    /// What is played of the platform.
    var played: PlayedPlatform { playing ?? PlayedPlatform(issuerURL: "", claims: [:], parts: []) }

    /// The platform of this name, if it can be played.
    static func named(_ name: some StringProtocol) -> TokenPlatform? {
        played.first { $0.rawValue == name }
    }
}
