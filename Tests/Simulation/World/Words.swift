import Agent
import Federation
import Kernel
import Outputs

extension Account {
    /// The number in its output's path.
    var place: Int {
        configuredOutputs.first?.path.split(separator: "/").last.flatMap { Int($0) } ?? 0
    }
}

extension AccountLife {
    /// What it is about.
    func label(at now: BootInstant) -> World.State {
        World.State(
            phase: phase(at: now),
            hasCandidate: candidate != nil,
            isAttempting: isAttempting,
            isDelivering: isDelivering,
            owesRevocations: !revocations.entries.isEmpty,
            isStopping: isStopping
        )
    }
}

extension AccountLife.Event {
    static let words = [
        "started", "time passed", "exchanged", "exchange failed", "delivered", "delivery failed",
        "withdrawn", "outputs opened", "outputs not opened", "kept", "not kept", "hooks ended",
        "revoked", "revocation failed", "closed", "file changed", "file broken", "outputs touched",
        "refresh requested", "revocation requested", "clock changed", "stop requested", "stopped",
    ]

    var word: String {
        switch self {
        case .started: "started"
        case .timePassed: "time passed"
        case .exchanged(_, let result):
            if case .credential = result.outcome { "exchanged" } else { "exchange failed" }
        case .delivered(let reports, _):
            reports.allSatisfy { $0.failure == nil } ? "delivered" : "delivery failed"
        case .withdrawn: "withdrawn"
        case .opened(.opened): "outputs opened"
        case .opened: "outputs not opened"
        case .kept(let problem): problem == nil ? "kept" : "not kept"
        case .hooksEnded: "hooks ended"
        case .revocationEnded(_, let failure): failure == nil ? "revoked" : "revocation failed"
        case .closed: "closed"
        case .fileChanged: "file changed"
        case .fileBroken: "file broken"
        case .outputsTouched: "outputs touched"
        case .refreshRequested: "refresh requested"
        case .revocationRequested: "revocation requested"
        case .clockChanged: "clock changed"
        case .stopRequested: "stop requested"
        case .stopped: "stopped"
        }
    }
}
