/// How far two clocks may be apart before that is worth a word, or a reason for a refusal.
package enum ClockTolerance {
    /// Seconds. Services forgive about as much in `nbf` and `iat`.
    package static let seconds = 60.0
}
