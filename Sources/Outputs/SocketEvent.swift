package import Kernel

/// What a credential socket tells of: first deliveries and what went wrong.
package enum SocketEvent: Equatable, Sendable {
    /// The first delivery of the present credential to this user and unit.
    case delivered(uid: UInt32, unit: String?)
    /// Peers closed without a byte; `count` since this user's last report, with those of others that had
    /// none.
    case refused(uid: UInt32, reason: String, hint: String?, count: Int)
    /// A peer waited for a credential as long as it may.
    case heldTooLong(uid: UInt32)
    /// A peer did not read what it was sent.
    case stalled(uid: UInt32, unit: String?)
    /// No connection can be accepted at the moment, for this reason.
    case paused(reason: String)
}

/// A peer that was closed without a byte, and what would let it in.
package struct SocketRefusal: Equatable, Sendable {
    package let uid: UInt32
    package let reason: String
    package let hint: String?
    package let date: WallTime
}

/// What a credential socket has done so far.
package struct SocketCounts: Equatable, Sendable {
    package var delivered = 0
    package var refused = 0
    package var lastRefusal: SocketRefusal?
    /// Peers that hung up, or stopped reading, before they had the credential.
    package var abandoned = 0
    /// Peers whose time for waiting was over.
    package var timedOut = 0
    /// Peers that wait at this moment.
    package var waiting = 0

    package init() {}
}
