import FoundationEssentials

/// What the kernel offers to the programs under test: all of it, but where an emulator of another
/// processor runs them. `Tests/Faults/probe.c` finds what is missing, and `packaging/arm64.sh`
/// passes that on in `MISSING`.
package enum Machine {
    case landlock
    case peerGroups

    /// Whether tests can rely on it.
    package var isThere: Bool {
        let name =
            switch self {
            case .landlock: "Landlock"
            case .peerGroups: "peer groups"
            }
        let missing = ProcessInfo.processInfo.environment["MISSING"] ?? ""
        return !missing.split(separator: "\n").contains { $0.hasPrefix(name + ":") }
    }
}
