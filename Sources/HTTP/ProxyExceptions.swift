import Text

extension ProxySettings {
    /// Whether its exceptions lead straight to the host, as libcurl reads them: names and their ends, whole
    /// addresses and networks of IPv4, `*` alone for all. `CURLOPT_NOPROXY(3)`
    package func excepts(_ host: String) -> Bool {
        exception(for: host) != nil
    }

    /// The entry of its exceptions that leads straight to the host, as it is written; `nil` where none does.
    package func exception(for host: String) -> String? {
        guard let noProxy else { return nil }
        if noProxy == "*" { return noProxy }
        let host = Self.bare(host)
        let address = Self.address(host)
        return noProxy.split { $0 == "," || $0 == " " }.map(String.init).first { written in
            let entry = Self.bare(written)
            guard !entry.isEmpty else { return false }
            if let address { return entry == host || Self.network(entry, holds: address) }
            return entry == host || host.hasSuffix(".\(entry)")
        }
    }

    /// In lower case, without the dots and brackets around it.
    private static func bare(_ name: some StringProtocol) -> String {
        var name = name.lowercased()[...]
        if name.hasPrefix("."), name.count > 1 { name = name.dropFirst() }
        if name.hasSuffix(".") { name = name.dropLast() }
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        return String(name)
    }

    private static func address(_ text: some StringProtocol) -> UInt32? {
        let octets = text.split(separator: ".", omittingEmptySubsequences: false).map { part in
            part.utf8.allSatisfy(\.isDigit) ? UInt8(part) : nil
        }
        guard octets.count == 4 else { return nil }
        return octets.reduce(UInt32?(0)) { sum, octet in
            guard let sum, let octet else { return nil }
            return sum << 8 | UInt32(octet)
        }
    }

    private static func network(_ entry: String, holds address: UInt32) -> Bool {
        let parts = entry.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let base = Self.address(parts[0]), let bits = UInt32(parts[1]),
            (1...32).contains(bits)
        else { return false }
        return base >> (32 - bits) == address >> (32 - bits)
    }
}
