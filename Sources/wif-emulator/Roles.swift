import Crypto
import Federation
import Serving
import Text

/// One part of the outside world. To add one: a file with its type and its ``Part``, which its platform
/// names, or the list of the others (``Part/services``).
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

/// The name of a part, as `--listen` has it.
struct RoleName: Hashable, Sendable {
    let rawValue: String

    init(_ word: String) { rawValue = word }

    /// The part of a platform that has but one, and its word.
    init(_ platform: TokenPlatform) { rawValue = platform.rawValue }

    /// The part of a service, and its word.
    init(_ service: ServiceName) { rawValue = service.rawValue }

    /// The name, if it is a part's.
    init?(rawValue: String) {
        guard Part.all.contains(where: { $0.name.rawValue == rawValue }) else { return nil }
        self.rawValue = rawValue
    }
}

extension RoleName {
    static let mondoo = RoleName(ServiceName.mondoo)
    static let conductorone = RoleName(ServiceName.conductorone)
    static let bright = RoleName(ServiceName.bright)
    static let oauth = RoleName(ServiceName.oauth)
    static let google = RoleName(ServiceName.google)
}

/// What is known of a part before it is played.
struct Part: Sendable {
    /// Where it is reached unless told otherwise.
    enum Placement {
        /// Plain HTTP, with the other metadata services.
        case metadata
        /// With the other services, in TLS where that is asked for.
        case service
        /// Plain HTTP on a port of its own.
        case own
    }

    let name: RoleName
    var placement = Placement.service
    /// Whether it is played, where its platform is.
    var isPlayed: @Sendable (Options) -> Bool = { _ in true }
    /// What keeps a workload from the real thing where it is not played. Nothing listens on port 1, so
    /// that connections are refused.
    var absence: [Variable] = []
    /// The account file of a workload whose tokens the issuer signs; `nil` for what is no service.
    var accountFile: (@Sendable (World, Issuer) -> [String: JSON])?
    let player: @Sendable (World) throws(CryptoError) -> any Role

    /// Those that are there whatever the platforms.
    static let services = [.issuers] + ServiceName.allCases.flatMap(\.parts)

    /// All parts.
    static let all = parts(of: TokenPlatform.played)

    /// The parts of these platforms and the services; first those that are on the machine or its link.
    static func parts(of platforms: [TokenPlatform]) -> [Part] {
        let parts = TokenPlatform.played.filter(platforms.contains).flatMap(\.played.parts)
        let all = parts + services
        return all.filter { $0.placement != .service } + all.filter { $0.placement == .service }
    }
}

extension Part {
    /// A platform that is one part, which has its word.
    init(
        of platform: TokenPlatform,
        placement: Placement = .service,
        absence: [Variable] = [],
        player: @escaping @Sendable (World) throws(CryptoError) -> any Role
    ) {
        self.init(
            name: RoleName(platform),
            placement: placement,
            absence: absence,
            player: player
        )
    }

    /// A service that is one part, which has its word: the account file for it, and its player.
    init(
        of service: ServiceName,
        accountFile: @escaping @Sendable (World, Issuer) -> [String: JSON],
        player: @escaping @Sendable (World) throws(CryptoError) -> any Role
    ) {
        self.init(name: RoleName(service), accountFile: accountFile, player: player)
    }
}

extension ServiceName {
    /// What is played of the service.
    fileprivate var parts: [Part] {
        switch self {
        case .mondoo: [.mondoo]
        case .conductorone: [.conductorone]
        case .bright: [.bright]
        case .oauth: [.oauth] + Part.vendors
        case .google: [.google]
        // Its token service is played with the platform of its name.
        case .aws: []
        case .token: [.token]
        }
    }
}

extension Options {
    /// The roles that are played.
    var roles: [RoleName] { Part.parts(of: platforms).filter { $0.isPlayed(self) }.map(\.name) }
}

/// The player of a part.
func role(_ name: RoleName, in world: World) throws(CryptoError) -> any Role {
    guard let part = Part.all.first(where: { $0.name == name }) else {
        throw .failed(doing: "playing \(name.rawValue)", reason: "there is no such part")
    }
    return try part.player(world)
}
