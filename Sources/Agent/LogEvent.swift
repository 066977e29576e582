extension Log {
    /// Every event there is; wif-agent(1) lists them with their fields.
    package enum Event: String, CaseIterable, Sendable {
        case started, ready, stopping, stopped
        case loaded, reloaded, removed, rejected
        case refreshed
        case refreshFailed = "refresh-failed"
        case willExpire = "will-expire"
        case expired
        case adopted
        case notKept = "not-kept"
        case delivered
        case outputFailed = "output-failed"
        case hookFailed = "hook-failed"
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
        /// By `exec`.
        case stuck
        case restarting
        case warning
    }
}
