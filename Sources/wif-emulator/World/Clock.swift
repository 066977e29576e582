import FoundationEssentials
import Kernel

/// The emulator's wall clock: the machine's, shifted.
struct Clock: Sendable {
    var offset: Double = 0

    var now: WallTime { WallTime.now.advanced(bySeconds: offset) }

    /// Whole seconds since 1970.
    var seconds: Int64 { Int64(now.secondsSinceEpoch.rounded(.down)) }
}
