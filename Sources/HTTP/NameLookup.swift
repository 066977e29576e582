import CLibcurl
import Kernel

/// What this machine's resolver says of a name.
package enum NameLookup: Sendable, Equatable {
    /// It has an address, the first of which is this one.
    case known(address: String)
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
            var address = [CChar](repeating: 0, count: 64)
            let result = unsafe wif_look_up(name, &address, address.count)
            let text = String(
                decoding: address.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) },
                as: UTF8.self
            )
            return switch result {
            case 0: .known(address: text)
            case 1: .unknown
            case 2: .unanswered
            default: .failed
            }
        }
    }
}
