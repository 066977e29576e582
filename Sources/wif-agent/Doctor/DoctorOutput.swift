import Federation
import Kernel
import Text

/// What `doctor` prints: lines for people as the steps are taken, or one JSON document at the end.
struct DoctorOutput {
    private(set) var exitCode: Int32 = 0
    private var accounts: [(path: String, steps: [StepReport])] = []
    private let isJSON: Bool
    private let marks: Marks
    private let style: TextStyle

    init(_ invocation: Invocation) {
        isJSON = invocation.isSet("json")
        style = TextStyle(environment: invocation.environment)
        marks = invocation.environment.isUTF8 ? .signs : .words
    }

    /// What stands before a step.
    private struct Marks {
        let all: [StepReport.State: String]

        static let signs = Marks(all: [.ok: "✓", .warning: "!", .failed: "✗", .skipped: "-"])
        static let words = Marks(
            all: [.ok: "ok  ", .warning: "warn", .failed: "FAIL", .skipped: "-   "]
        )

        /// The text in the locale's characters: what was cut ends in an ellipsis.
        func shown(_ text: String) -> String {
            guard all[.ok] == Self.words.all[.ok] else { return text }
            return text.split(separator: "…", omittingEmptySubsequences: false)
                .joined(separator: "...")
        }

        func mark(_ state: StepReport.State) -> String { all[state] ?? "" }
    }

    /// Takes a step's report, and shows it to people at once.
    mutating func add(_ report: StepReport, of path: String) throws {
        let step = report.withHint
        if accounts.last?.path != path {
            accounts.append((path, []))
            if !isJSON { try show(accounts.count > 1 ? "\n\(path)\n" : "\(path)\n") }
        }
        accounts[accounts.count - 1].steps.append(step)
        if exitCode == 0 { exitCode = step.exitCode }
        if !isJSON { try show(text(of: step)) }
    }

    /// Ends with the document, or with a line that says what comes first.
    func finish() throws {
        guard !isJSON else {
            try emit(document.serialized(indented: true) + [UInt8(ascii: "\n")])
            return
        }
        guard let (path, step) = first else {
            try show(ending)
            return
        }
        let warnings = accounts.lazy.flatMap(\.steps).count { $0.state == .warning }
        let count = warnings == 1 ? "1 warning" : "\(warnings) warnings"
        let hasFailed = accounts.contains { $0.steps.contains { $0.state == .failed } }
        let start = hasFailed ? "" : "nothing failed, \(count); "
        let about = step.about.map { " (\($0.printable))" } ?? ""
        let place = accounts.count > 1 ? " of \(path)" : ""
        let hint = step.hint?.withoutControls ?? ""
        try show("\n\(start)first thing to do, \(step.name.rawValue)\(about)\(place): \(hint)\n")
    }

    /// What is said where nothing failed and nothing is warned of: of what was not looked at nothing is known.
    private var ending: String {
        let unseen = accounts.flatMap(\.steps).filter(\.isUnseen)
        guard !unseen.isEmpty else { return "\nnothing failed; there is nothing to do\n" }
        let places = unseen.map { step in
            ([step.name.rawValue] + [step.about?.printable].compactMap(\.self))
                .joined(separator: " ")
        }
        return
            "\nnothing failed of what this user may look at; not looked at: \(places.joined(separator: ", ")). As root doctor"
            + " looks at all: sudo wif-agent doctor\n"
    }

    /// The first step that failed, or a warning before it that explains the failure; else the first that
    /// warns.
    private var first: (path: String, step: StepReport)? {
        let all = accounts.flatMap { account in account.steps.map { (account.path, $0) } }
        guard let failed = all.first(where: { $0.1.state == .failed }) else {
            return all.first { $0.1.state == .warning }
        }
        let explanation = all.first { path, step in
            path == failed.0 && step.state == .warning && step.explains(failed.1)
        }
        return explanation ?? failed
    }

    private func text(of step: StepReport) -> String {
        let about = step.about.map { " \($0.printable)" } ?? ""
        let sign = marks.mark(step.state)
        let mark =
            switch step.state {
            case .ok: style(sign, .good)
            case .warning: style(sign, .warning)
            case .failed: style(sign, .bad)
            case .skipped: sign
            }
        let head = "  \(mark) \(step.name.rawValue)\(about)"
        // What an agent of another user says is among it.
        let found = marks.shown(step.text.withoutControls)
        switch step.state {
        case .ok, .skipped: return "\(head): \(found)\n"
        case .warning, .failed:
            let hint = step.hint.map { "      fix: \($0.withoutControls)\n" } ?? ""
            return "\(head)\n      cause: \(found)\n\(hint)"
        }
    }

    private var document: JSON {
        [
            "ok": .bool(exitCode == 0), "exit_code": .integer(Int64(exitCode)),
            "first": first.map { path, step in
                .object([
                    "file": .string(path), "step": .string(step.name.rawValue),
                    "about": step.about.map(JSON.string) ?? .null,
                    "hint": step.hint.map(JSON.string) ?? .null,
                ])
            } ?? .null,
            "accounts": .array(
                accounts.map { path, steps in
                    .object([
                        "file": .string(path),
                        "ok": .bool(!steps.contains { $0.state == .failed }),
                        "steps": .array(steps.map(\.json)),
                    ])
                }
            ),
        ]
    }
}

extension [String: String] {
    /// Whether the locale's characters are UTF-8. `locale(7)`
    var isUTF8: Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { self[$0] }
            .first { !$0.isEmpty }
        let name = (locale ?? "").lowercased()
        return name.contains("utf-8") || name.contains("utf8")
    }
}

extension StepReport {
    /// Whether a warning is most likely why another step fails.
    fileprivate func explains(_ failed: StepReport) -> Bool {
        if name == .proxy { return [.dns, .connection, .tls, .http].contains(failed.name) }
        if name == .worker {
            return [.proxy, .dns, .connection, .tls, .http].contains(failed.name)
        }
        if name == .clock { return [.times, .exchange].contains(failed.name) }
        return explainsFailures && failed.name != .account
    }
}
