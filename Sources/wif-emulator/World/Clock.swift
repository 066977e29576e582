import FoundationEssentials

/// The emulator's wall clock: the machine's, shifted.
struct Clock: Sendable {
    var offset: Double = 0

    var now: Date { Date.now.addingTimeInterval(offset) }

    /// Whole seconds since 1970.
    var seconds: Int64 { Int64(now.timeIntervalSince1970.rounded(.down)) }
}
