import Federation
import Kernel

/// What says, before anything is asked, that a platform is here.
enum Evidence {
    case none
    /// A variable names its endpoint. It may be there to keep the real one from being asked, so
    /// that nothing listening is an answer; but what does listen is the platform.
    case override
    /// The machine or its environment is the platform's: it must answer sooner or later.
    case platform

    /// Seconds for which a source is asked again.
    var patience: Double { self == .none ? 4 : 10 }
}

extension SourceContext {
    /// What says that a workload runs on the platform.
    func evidence(of platform: TokenPlatform) -> Evidence { evidence(platform.facts.signs) }

    /// What the first sign that is there says.
    func evidence(_ signs: [PlatformSign]) -> Evidence {
        switch signs.first(where: isThere) {
        case nil: .none
        case .override?: .override
        case .variable?, .variables?, .value?, .firmware?, .file?: .platform
        }
    }

    /// Whether the sign is on this machine or in the requester's environment.
    func isThere(_ sign: PlatformSign) -> Bool {
        switch sign {
        case .variable(let names), .override(let names): names.contains { variable($0) != nil }
        case .variables(let names): names.allSatisfy { variable($0) != nil }
        case .value(let name, let value): variable(name) == value
        case .firmware(.google): machine.isGoogle
        case .firmware(.microsoft): machine.isAzure
        case .firmware(.amazon): machine.isAmazon
        case .file(let path): isRegularFile(at: path)
        }
    }
}
