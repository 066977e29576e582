import Kernel
import Text

/// What this machine's own files say of names: the hosts file and the resolver's.
struct NameFiles {
    /// A line of the hosts file that names a host.
    struct HostsLine: Equatable {
        let number: Int
        let address: String
    }

    private let hosts: String
    private let resolver: String

    static let hostsPath = "/etc/hosts"
    static let resolverPath = "/etc/resolv.conf"

    /// The system's.
    static func reading() -> NameFiles {
        NameFiles(
            hosts: readText(ifAt: hostsPath) ?? "",
            resolver: readText(ifAt: resolverPath) ?? ""
        )
    }

    /// The first of the resolver's files that is there and that this user may not read.
    static var unreadable: String? {
        [resolverPath, "/etc/nsswitch.conf", hostsPath].first {
            FileFacts(ifAt: $0) != nil && !isReadable($0)
        }
    }

    /// Whether an address is one of a network's own, or this machine's. RFC 1918, RFC 4193
    static func isPrivate(_ address: String) -> Bool {
        let parts = address.split(separator: ".").compactMap { Int($0) }
        guard parts.count == 4 else {
            let start = address.lowercased()
            return start.hasPrefix("fc") || start.hasPrefix("fd") || start == "::1"
        }
        return parts[0] == 10 || parts[0] == 127 || (parts[0] == 192 && parts[1] == 168)
            || (parts[0] == 172 && (16...31).contains(parts[1]))
    }

    init(hosts: String, resolver: String) {
        (self.hosts, self.resolver) = (hosts, resolver)
    }

    /// The first line that gives a host an address. `hosts(5)`
    func line(of host: String) -> HostsLine? {
        let host = host.lowercased()
        let lines = hosts.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
            guard words.count > 1, words.dropFirst().contains(where: { $0.lowercased() == host })
            else { continue }
            return HostsLine(number: index + 1, address: String(words[0]))
        }
        return nil
    }

    /// The name servers that are asked; the machine itself where none is named. `resolv.conf(5)`
    var servers: [String] {
        let lines = resolver.split(whereSeparator: \.isNewline)
        return lines.compactMap { line in
            let words = line.split { $0 == " " || $0 == "\t" }
            return words.count > 1 && words[0] == "nameserver" ? String(words[1]) : nil
        }
    }
}
