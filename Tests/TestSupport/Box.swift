import Synchronization

/// Lines that a test collects from closures that run anywhere.
package final class Box: Sendable {
    private let lines = Mutex<[String]>([])

    package init() {}

    /// Adds a line.
    package func add(_ line: String) { lines.withLock { $0.append(line) } }

    /// All of them, in order.
    package var all: [String] { lines.withLock(\.self) }
}
