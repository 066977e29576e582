import Kernel

/// An address to listen on, and what is played there: `[tls:]ADDRESS:PORT[=ROLE,…]`.
struct ListenOption: Sendable {
    var address: SocketAddress
    var isTLS = false
    /// Empty for whatever no other address names.
    var roles: [RoleName] = []

    init(_ address: SocketAddress, isTLS: Bool = false, roles: [RoleName]) {
        self.address = address
        self.isTLS = isTLS
        self.roles = roles
    }

    init(parsing text: String) throws(UsageError) {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        let isTLS = parts.first?.hasPrefix("tls:") ?? false
        let place = isTLS ? String(parts[0].dropFirst(4)) : parts.first ?? ""
        guard let address = SocketAddress(place) else {
            throw UsageError("--listen must be [tls:]ADDRESS:PORT[=ROLE,…], not '\(text)'")
        }
        self.init(address, isTLS: isTLS, roles: [])
        for name in parts.dropFirst().first?.split(separator: ",") ?? [] {
            guard let role = RoleName(rawValue: String(name)) else {
                let known = Part.all.map(\.name.rawValue).joined(separator: ", ")
                throw UsageError("--listen knows no role '\(name)', but \(known)")
            }
            roles.append(role)
        }
    }
}

extension Options {
    /// Every address to listen on with its roles: what `--listen` says, and loopback ports for the rest.
    var bindings: [ListenOption] {
        var bindings = listeners.filter { !$0.roles.isEmpty }
        var open = listeners.filter { $0.roles.isEmpty }
        let named = bindings.flatMap(\.roles)
        let rest = roles.filter { !named.contains($0) }
        let placed = { (placement: Part.Placement) in
            rest.filter { name in
                Part.all.contains { $0.name == name && $0.placement == placement }
            }
        }
        let own = placed(.own)
        let secure = servesTLS ? placed(.service) : []
        let plain = rest.filter { !own.contains($0) && !secure.contains($0) }
        for (roles, isTLS) in [(plain, false), (secure, true)] where !roles.isEmpty {
            let place = open.firstIndex { $0.isTLS == isTLS }
            let chosen = place.map { open.remove(at: $0).address } ?? anyPort
            bindings.append(ListenOption(chosen, isTLS: isTLS, roles: roles))
        }
        // What is left over is another way to the same.
        bindings += open.map { ListenOption($0.address, isTLS: $0.isTLS, roles: plain + secure) }
        return bindings + own.map { ListenOption(anyPort, roles: [$0]) }
    }

    private var anyPort: SocketAddress { .tcp(host: "127.0.0.1", port: 0) }
}
