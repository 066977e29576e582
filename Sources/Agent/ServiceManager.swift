import Kernel

/// Tells systemd how the service fares (sd_notify(3)); silent where nobody asked.
package struct ServiceManager: Sendable {
    private let socket: String?
    /// Whether there is one to be told.
    package var isThere: Bool { socket != nil }
    /// Seconds between signs of life, a quarter of what the manager waits: a sign may be left out while
    /// a machine that has slept catches up. `nil` where none are expected.
    package let watchdogInterval: Double?

    /// However short the manager's patience is said to be.
    private static let leastInterval = 0.1

    /// - Parameter environment: the process's, for `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`.
    package init(environment: [String: String]) {
        socket = environment["NOTIFY_SOCKET"].flatMap {
            $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil
        }
        let isOurs = environment["WATCHDOG_PID"].map { $0 == String(processID) } ?? true
        // What is no number of microseconds, or none at all, asks for no signs of life.
        let microseconds = environment["WATCHDOG_USEC"].flatMap(UInt64.init) ?? 0
        let isAsked = isOurs && microseconds > 0
        watchdogInterval = isAsked ? max(Self.leastInterval, Double(microseconds) / 4e6) : nil
    }

    /// Sends one notification, such as `READY=1`. One that cannot be sent is lost: the manager's own
    /// time-outs deal with a service that it does not hear.
    package func notify(_ lines: String...) {
        guard let socket else { return }
        do throws(Errno) {
            try sendDatagram(Array(lines.joined(separator: "\n").utf8), to: socket)
        } catch {}
    }
}
