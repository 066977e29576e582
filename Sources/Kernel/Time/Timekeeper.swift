import Glibc

/// A moment on the clock that counts from boot, nobody can set, and goes on in suspend.
/// `clock_gettime(2)`, `CLOCK_BOOTTIME`
package struct BootInstant: Comparable, Hashable, Sendable {
    /// Since boot.
    package let nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    package init(seconds: Double) {
        nanoseconds = Int64(clampingSeconds: seconds)
    }

    /// Later than anything that happens.
    package static let distantFuture = BootInstant(nanoseconds: .max)

    package static var now: BootInstant {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return BootInstant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    package static func < (left: BootInstant, right: BootInstant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The instant that many seconds later (earlier where negative); saturates.
    package func advanced(bySeconds seconds: Double) -> BootInstant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(Int64(clampingSeconds: seconds))
        return BootInstant(nanoseconds: overflow ? (seconds < 0 ? .min : .max) : sum)
    }

    /// Seconds from `earlier` to this instant; negative if this one is the earlier.
    package func seconds(since earlier: BootInstant) -> Double {
        Double(nanoseconds &- earlier.nanoseconds) / 1e9
    }
}

extension Int64 {
    fileprivate init(clampingSeconds seconds: Double) {
        self = Int64((seconds * 1e9).rounded().clamped(to: -9e18...9e18))
    }
}

extension Double {
    /// The nearest value within the range; the lower bound for NaN.
    package func clamped(to range: ClosedRange<Double>) -> Double {
        self >= range.lowerBound ? Swift.min(self, range.upperBound) : range.lowerBound
    }
}

/// Time as the agent's loop sees it; tests hand in one that they move.
package protocol Timekeeper: Sendable {
    /// The clock that schedules are kept on.
    var now: BootInstant { get }

    /// The wall clock, for display and for dates without a better source.
    var wallClock: WallTime { get }

    /// Returns at `instant`, at once if that is past. Time in suspend counts.
    /// - Throws: `CancellationError` when the task is cancelled.
    func sleep(until instant: BootInstant) async throws

    /// Has `ring` called once, at `instant` or as soon as that is past, unless the alarm is cancelled
    /// before. It may be called on any thread, never from within this call, and must not block.
    func alarm(at instant: BootInstant, _ ring: @escaping @Sendable () -> Void) -> Alarm
}

/// A call that is to come; see ``Timekeeper/alarm(at:_:)``.
package struct Alarm: Sendable {
    private let forget: @Sendable () -> Void

    /// - Parameter forget: has the call not come; it may be called when it has come already.
    package init(_ forget: @escaping @Sendable () -> Void) {
        self.forget = forget
    }

    /// The call does not come any more; one that has begun may still be running.
    package func cancel() { forget() }
}

/// The machine's own clocks.
package struct SystemTimekeeper: Timekeeper {
    package init() {}

    package var now: BootInstant { .now }
    package var wallClock: WallTime { .now }

    package func sleep(until instant: BootInstant) async throws {
        try await Alarms.shared.sleep(until: instant)
    }

    /// On the thread of the ``Poller``.
    package func alarm(
        at instant: BootInstant,
        _ ring: @escaping @Sendable () -> Void
    ) -> Alarm {
        Alarms.shared.alarm(at: instant, ring)
    }
}

/// Microseconds on the clock that systemd compares reloads by. `CLOCK_MONOTONIC`
package func monotonicMicroseconds() -> Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
}
