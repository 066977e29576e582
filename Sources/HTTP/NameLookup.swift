import CLibcurl
import Kernel

/// What this machine's resolver says of a name.
package enum NameLookup: Sendable, Equatable {
    /// It has an address.
    case known
    /// A name server, or the hosts file alone, knows no such name.
    case unknown
    /// No name server gave an answer.
    case unanswered
    /// Something else is wrong with the resolver.
    case failed
}

extension CurlTransport {
    /// Asks the resolver as libcurl does.
    package func lookUp(_ name: String) async -> NameLookup {
        await offPool { () -> NameLookup in
            switch unsafe wif_look_up(name) {
            case 0: .known
            case 1: .unknown
            case 2: .unanswered
            default: .failed
            }
        }
    }
}
