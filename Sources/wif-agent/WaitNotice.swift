import Federation
import Kernel
import Synchronization

/// Tells a person on standard error what a command waits for that takes long: on a terminal in one line
/// that counts the seconds and is removed at the end, elsewhere in one line, once.
final class WaitNotice: Sendable {
    /// Seconds of work after which something is said.
    private static let patience = 2.0
    /// The same on a terminal, for work in which every second is watched.
    static let shortPatience = 0.3

    private let text: Mutex<String>
    private let patience: Double

    /// - Parameters:
    ///   - text: what is waited for; reads after "waiting for ".
    ///   - terminalPatience: seconds before the line is shown on a terminal.
    init(_ text: String, terminalPatience: Double = patience) {
        self.text = Mutex(text)
        patience = Self.isInPlace ? terminalPatience : Self.patience
    }

    /// Changes what is waited for.
    func change(to text: String) { self.text.withLock { $0 = text } }

    /// Runs the work, and tells of it for as long as it takes.
    func during<Value: Sendable>(
        _ work: @escaping @Sendable () async -> Value
    ) async -> Value {
        await race(
            { await work() },
            against: {
                await self.tell()
                return nil
            }
        )
    }

    /// Writes something else meanwhile: the line is removed for it, and comes again when there is still to
    /// wait.
    func interrupted<Value, Problem: Error>(
        by write: () throws(Problem) -> Value
    ) throws(Problem) -> Value {
        try text.withLock { _ throws(Problem) in
            Self.clear()
            return try write()
        }
    }

    /// Removes the line, so that another can be written.
    static func clear() {
        if isInPlace { writeToStandardError("\r\u{1B}[K") }
    }

    private static var isInPlace: Bool {
        isTerminal(2) && processEnvironment()["TERM", default: "dumb"] != "dumb"
    }

    private func tell() async {
        let start = BootInstant.now
        var next = patience
        do {
            while true {
                try await SystemTimekeeper().sleep(until: start.advanced(bySeconds: next))
                guard Self.isInPlace else {
                    writeToStandardError("wif-agent: waiting for \(text.withLock { $0 })\n")
                    return
                }
                let seconds = Int(BootInstant.now.seconds(since: start))
                text.withLock { text in
                    // A line that is longer than the terminal is wide would not be removed.
                    let line = "waiting for \(text)".prefix(68)
                    writeToStandardError("\r\u{1B}[K\(line) (\(seconds) s)")
                }
                next = next.rounded(.down) + 1
            }
        } catch {
            if next > patience { Self.clear() }
        }
    }
}
