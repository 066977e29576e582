import CLinux
import Glibc

/// Hears when the wall clock is set, which also happens after a resume on most machines. A timer far
/// in the future that the kernel cancels; nothing wakes up otherwise. `timerfd_create(2)`
package final class ClockWatch: Sendable {
    private let timer: FileDescriptor

    /// - Throws: ``Errno`` where the kernel gives no timer.
    package init() throws(Errno) {
        timer = FileDescriptor(owning: try systemCall { wif_clock_watch() })
        try systemCall { wif_clock_watch_arm(timer.raw) }
    }

    /// Returns when the wall clock has been set. One waiter at a time.
    /// - Throws: `CancellationError`, or ``Errno`` if the timer cannot be armed again.
    package func nextChange() async throws {
        try await Poller.shared.wait(for: timer.raw, .reading)
        // The read fails with ECANCELED and says nothing more; arming again makes it quiet.
        try systemCall { wif_clock_watch_arm(timer.raw) }
    }
}
