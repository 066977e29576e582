import Federation
package import Kernel
import Synchronization
import Text

/// Says what happens, one event a line. Fields are chosen by the caller one by one: a token, a
/// credential or a key is never among them.
package struct Log: Sendable {
    /// syslog(3)'s severities that are in use.
    package enum Level: Int, Comparable, Sendable, CaseIterable {
        case error = 3
        case warning = 4
        case info = 6
        case debug = 7

        package static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }

        package var word: String {
            switch self {
            case .error: "error"
            case .warning: "warning"
            case .info: "info"
            case .debug: "debug"
            }
        }

        /// The level of that name.
        package init?(word: String) {
            guard let level = Level.allCases.first(where: { $0.word == word }) else { return nil }
            self = level
        }
    }

    /// How a line looks.
    package enum Format: String, Sendable {
        case text
        /// Text with sd-daemon(3)'s priority prefixes and no time, which the journal keeps itself.
        case journal
        case json
    }

    private let level: Level
    private let format: Format
    private let wallClock: @Sendable () -> WallTime
    private let sink: @Sendable (String) -> Void
    private let repetitions = Shared()

    private final class Shared: Sendable {
        let state = Mutex(Repetitions())
    }

    /// - Parameters:
    ///   - level: the least severe level that is written.
    ///   - sink: takes one line without its line feed.
    package init(
        level: Level,
        format: Format,
        wallClock: @escaping @Sendable () -> WallTime = { .now },
        sink: @escaping @Sendable (String) -> Void
    ) {
        self.level = level
        self.format = format
        self.wallClock = wallClock
        self.sink = sink
    }

    /// A log on standard error. Nothing waits for a reader of it; lines that nobody reads in time are
    /// dropped, and ``Event/logDropped`` stands in their place once there is room again.
    package static func standardError(level: Level, format: Format) -> Log {
        let log = Log(level: level, format: format) { writeToStandardError($0 + "\n") }
        ErrorStream.standard.setNotice { count in
            log.line(.warning, .logDropped, [("count", "\(count)")]) + "\n"
        }
        return log
    }

    /// Writes an event.
    ///
    /// - Parameter fields: in order; foreign text in the values is escaped, `nil` values are left out.
    package func callAsFunction(
        _ level: Level,
        _ event: Event,
        _ fields: KeyValuePairs<String, String?> = [:]
    ) {
        write(level, event, fields.compactMap { key, value in value.map { (key, $0) } })
    }

    /// Writes an event that may come again and again: the first time, when it is of another kind, when the
    /// count of the like ones has doubled, and once a day. A field `count` says
    /// how many there were since the last line, where it is more than one.
    ///
    /// - Parameter subject: what the event is about, beside its name: an account, a path.
    package func callAsFunction(
        _ level: Level,
        _ event: Event,
        about subject: String,
        _ fields: KeyValuePairs<String, String?>
    ) {
        var present = fields.compactMap { key, value in value.map { (key, $0) } }
        let text = present.filter { Self.distinctive.contains($0.0) }.map(\.1)
            .joined(separator: " ")
        let count = repetitions.state.withLock {
            $0.note(text, about: "\(event.rawValue) \(subject)", at: wallClock())
        }
        guard let count else { return }
        if count > 1 { present.append(("count", "\(count)")) }
        write(level, event, present)
    }

    /// What the event told of the subject is no more: the next one is news. Answers how many there were.
    @discardableResult
    package func end(_ event: Event, about subject: String) -> Int {
        repetitions.state.withLock { $0.end("\(event.rawValue) \(subject)") }
    }

    /// The fields by which like events are known; the rest is in their subject, or differs each time.
    private static let distinctive: Set = ["class", "step", "error"]

    private func write(_ level: Level, _ event: Event, _ present: [(String, String)]) {
        assert(
            present.allSatisfy { key, _ in key == "count" || event.fields.contains(key) },
            "\(event) has a field that it does not name"
        )
        guard level <= self.level else { return }
        sink(line(level, event, present))
    }

    private func line(_ level: Level, _ event: Event, _ fields: [(String, String)]) -> String {
        switch format {
        case .json: json(level, event.rawValue, fields)
        case .text: "\(rfc3339(wallClock())) \(level.word) \(text(event.rawValue, fields))"
        case .journal: "<\(level.rawValue)>\(text(event.rawValue, fields))"
        }
    }

    private func json(_ level: Level, _ event: String, _ fields: [(String, String)]) -> String {
        var members: [String: JSON] = [
            "time": .string(rfc3339(wallClock())), "level": .string(level.word),
            "event": .string(event),
        ]
        for (key, value) in fields { members[key] = .string(value.printable) }
        return String(decoding: JSON.object(members).serialized(), as: UTF8.self)
    }

    private func text(_ event: String, _ fields: [(String, String)]) -> String {
        var line = event
        for (key, value) in fields {
            let shown = value.printable
            let isBare = !shown.isEmpty && shown.allSatisfy { $0 != " " && $0 != "\"" && $0 != "=" }
            line += isBare ? " \(key)=\(shown)" : " \(key)=\(quoted(shown))"
        }
        return line
    }

    private func quoted(_ value: String) -> String {
        var result = "\""
        for character in value {
            if character == "\"" || character == "\\" { result.append("\\") }
            result.append(character)
        }
        return result + "\""
    }
}
