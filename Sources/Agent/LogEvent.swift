extension Log {
    /// Every event there is; wif-agent(1) lists them with their fields.
    package enum Event: String, CaseIterable, Sendable {
        case started, ready, stopping, stopped
        case loaded, reloaded, removed, rejected, resolved
        case refreshed
        case refreshFailed = "refresh-failed"
        case changePending = "change-pending"
        case changeFailed = "change-failed"
        case willExpire = "will-expire"
        case expired
        case adopted
        case notKept = "not-kept"
        case delivered
        case outputFailed = "output-failed"
        case outputRemoved = "output-removed"
        case outputLeft = "output-left"
        case hookFailed = "hook-failed"
        case hookRecovered = "hook-recovered"
        case revoked
        case revocationFailed = "revocation-failed"
        case socketDelivered = "socket-delivered"
        case socketRefused = "socket-refused"
        case socketHeldTooLong = "socket-held-too-long"
        case socketStalled = "socket-stalled"
        case socketPaused = "socket-paused"
        case clockSet = "clock-set"
        case workerStarted = "worker-started"
        case workerDied = "worker-died"
        case servingFailed = "serving-failed"
        case controlSocketRestored = "control-socket-restored"
        /// Lines for which there was no room, since nobody read standard error.
        case logDropped = "log-dropped"
        /// By `exec`.
        case stuck
        case restarting
        case warning

        /// The fields that it may have; `count` beside them, for what repeats.
        package var fields: Set<String> {
            switch self {
            case .started: ["version", "runtime"]
            case .ready: ["status"]
            case .stopping, .stopped, .clockSet, .logDropped: []
            case .loaded, .reloaded, .removed, .changePending: ["account"]
            case .rejected: ["file", "error", "hint"]
            case .resolved: ["file", "failures"]
            case .refreshed:
                ["account", "service", "source", "issuer", "expires_at", "failures"]
            case .refreshFailed, .changeFailed:
                ["account", "class", "step", "error", "hint", "retry_in"]
            case .revoked: ["account", "service"]
            case .revocationFailed: ["account", "class", "error", "hint"]
            case .delivered: ["account", "path", "failures"]
            case .outputFailed: ["account", "path", "error", "hint"]
            case .outputRemoved: ["account", "path"]
            case .outputLeft: ["account", "path", "error"]
            case .hookFailed: ["account", "error", "hint"]
            case .expired, .notKept, .stuck: ["account", "error"]
            case .hookRecovered: ["account", "failures"]
            case .adopted: ["account", "expires_at"]
            case .willExpire: ["account", "error", "expires_at"]
            case .socketDelivered, .socketStalled: ["account", "path", "uid", "unit"]
            case .socketRefused: ["account", "path", "uid", "error", "hint"]
            case .socketHeldTooLong: ["account", "path", "uid"]
            case .socketPaused: ["account", "path", "error"]
            case .workerStarted, .restarting: ["pid"]
            case .workerDied: ["pid", "error"]
            case .servingFailed: ["error", "hint"]
            case .controlSocketRestored: ["path"]
            case .warning: ["account", "path", "error", "hint"]
            }
        }
    }
}
