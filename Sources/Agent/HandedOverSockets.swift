package import Kernel

/// The listening sockets that systemd started the service with (sd_listen_fds(3)), by their
/// `FileDescriptorName=`: an account's name, or `listen` for the TCP address.
package struct HandedOverSockets: Sendable {
    private let descriptors: [String: [SendableDescriptor]]

    /// None.
    package init() {
        descriptors = [:]
    }

    /// Takes over what the environment announces; to be called once.
    /// - Throws: `Errno` for a descriptor that is not there.
    package init(environment: [String: String]) throws(Errno) {
        guard environment["LISTEN_PID"] == String(processID),
            let count = environment["LISTEN_FDS"].flatMap(Int32.init), count > 0, count <= 1024
        else {
            try self.init(named: [])
            return
        }
        let names = (environment["LISTEN_FDNAMES"] ?? "").split(
            separator: ":",
            omittingEmptySubsequences: false
        )
        try self.init(
            named: (0..<count).map { index in
                let name = Int(index) < names.count ? String(names[Int(index)]) : ""
                return (name, 3 + index)
            }
        )
    }

    private init(named sockets: [(String, Int32)]) throws(Errno) {
        var descriptors: [String: [SendableDescriptor]] = [:]
        for (name, raw) in sockets {
            let descriptor = try SendableDescriptor(nonBlocking: FileDescriptor(owning: raw))
            descriptors[name, default: []].append(descriptor)
        }
        self.descriptors = descriptors
    }

    /// The name of a socket for liveness, readiness and metrics.
    static let listenName = "listen"

    /// The names that sockets came under, in order.
    var names: [String] { descriptors.keys.sorted() }

    /// Fresh duplicates of the sockets of that name, for the caller to own.
    package func sockets(for name: String) -> [Int32] {
        (descriptors[name] ?? []).compactMap { descriptor in
            do throws(Errno) { return try duplicate(descriptor.raw).release() } catch { return nil }
        }
    }
}
