import Kernel

/// Where an agent keeps what lives as long as it does: its control socket and its lock.
package enum RuntimeDirectory {
    /// The system's agent's; those of `wif-agent@.service` are below it.
    package static let system = "/run/wif-agent"

    /// That of a user's own agent; `nil` for root, and where the user has no directory for such things.
    package static func users(_ environment: [String: String]) -> String? {
        guard effectiveUserID() != 0, let own = environment["XDG_RUNTIME_DIR"] else { return nil }
        return own + "/wif-agent"
    }

    /// The one that an agent takes where nothing else is said.
    package static func standard(_ environment: [String: String]) -> String {
        users(environment) ?? system
    }
}
