import Kernel
import Text

/// What the kernel tells of this machine's or container's own addresses. `proc(5)`
struct OwnNetwork {
    /// The addresses of IPv4, from `/proc/net/fib_trie`.
    private let addresses: [String]?
    /// `/proc/net/if_inet6`
    private let others: String

    static func reading() -> OwnNetwork {
        OwnNetwork(
            tree: readText(ifAt: "/proc/net/fib_trie", limit: 4 << 20),
            others: readText(ifAt: "/proc/net/if_inet6", limit: 1 << 20) ?? ""
        )
    }

    /// - Parameters:
    ///   - tree: the text of the first file; `nil` where it cannot be read.
    ///   - others: that of the second.
    init(tree: String?, others: String) {
        self.others = others
        guard let tree else {
            addresses = nil
            return
        }
        var found: [String] = []
        var last = ""
        for line in tree.split(whereSeparator: \.isNewline).map({ String($0).trimmed }) {
            if line.hasPrefix("|-- ") { last = String(line.dropFirst("|-- ".count)) }
            if line.hasPrefix("/32 host LOCAL") { found.append(last) }
        }
        addresses = found
    }

    /// Whether there is no address but those of the loopback, as in a container without a network; false
    /// where that is not known.
    var isAbsent: Bool {
        guard let addresses, addresses.allSatisfy({ $0.hasPrefix("127.") }) else { return false }
        // Address, index, length of the prefix, scope, flags, name: a link's own address leads nowhere.
        return others.split(whereSeparator: \.isNewline).allSatisfy { line in
            let words = line.split(separator: " ")
            return words.last == "lo" || words.first?.hasPrefix("fe80") == true
        }
    }
}

extension CurlTransport {
    /// As the kernel tells it of this process's network.
    package var lacksNetwork: Bool { OwnNetwork.reading().isAbsent }
}
