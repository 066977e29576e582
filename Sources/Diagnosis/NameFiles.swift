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
