import Federation
import Kernel
internal import Text

/// A status report for people.
struct StatusText {
    private(set) var text = ""
    private let style: TextStyle

    init(_ report: JSON, onlyUnready: Bool, style: TextStyle) {
        self.style = style
        let accounts = (report["accounts"]?.array ?? []).filter {
            !onlyUnready || $0["ready"]?.bool != true
        }
        if !accounts.isEmpty { addTable(accounts) }
        for account in accounts { addDetails(account) }
        for rejected in report["rejected"]?.array ?? [] {
            text += "\n\(style("rejected", .bad)): \(rejected.shown("error"))\n"
            if let hint = rejected["hint"]?.string { text += "  hint: \(hint.printable)\n" }
        }
    }

    private mutating func addTable(_ accounts: [JSON]) {
        let rows = [["ACCOUNT", "STATE", "EXPIRES", "NEXT", "SOURCE"]] + accounts.map(Self.row)
        let widths = (0..<5).map { column in rows.map { $0[column].count }.max() ?? 0 }
        for (index, row) in rows.enumerated() {
            let cells = zip(row, widths).enumerated().map { column, cell in
                let (text, width) = cell
                let padding = String(repeating: " ", count: width - text.count)
                let meaning = index == 0 ? .heading : column == 1 ? meaning(of: text) : nil
                return (meaning.map { style(text, $0) } ?? text) + padding
            }
            text += cells.joined(separator: "  ").trimmed + "\n"
        }
    }

    private func meaning(of state: String) -> TextStyle.Meaning {
        switch state {
        case "valid": .good
        case "expired": .bad
        default: .warning
        }
    }

    private static func row(_ account: JSON) -> [String] {
        let action = account.shown("next_action")
        let isWaiting = action != "refreshing"
        return [
            account.shown("account"), account.shown("state"),
            account.moment("expires_in").map { "\($0)" } ?? "-",
            isWaiting ? "\(action) \(account.moment("next_in") ?? "")" : action,
            account["source"]?.string?.printable ?? "-",
        ]
    }

    private mutating func addDetails(_ account: JSON) {
        text += "\n\(style(account.shown("account"), .heading)):\n"
        for key in ["file", "service", "issuer", "subject"] {
            if account[key] != nil { add(key, account.shown(key)) }
        }
        if let expiry = account["expires_at"]?.string, let rest = account.moment("expires_in") {
            let lifetime = duration(account["lifetime"]?.lenientNumber ?? 0)
            add("expires", "\(expiry.printable) (\(rest)), after a lifetime of \(lifetime)")
        }
        if let date = account["next_at"]?.string, let rest = account.moment("next_in") {
            let reason = account.shown("next_reason")
            let action = account.shown("next_action")
            add("next", "\(action) \(date.printable) (\(rest)): \(reason)")
        }
        for output in account["outputs"]?.array ?? [] { addOutput(output) }
        if account["renewable"]?.bool == false {
            add("note", "the token source cannot give another token; the account will expire")
        }
        if let failure = account["last_failure"], failure != .null { addFailure(failure) }
        if let failure = account["last_hook_failure"], failure != .null {
            add("hook", failure.shown("message"), .bad)
        }
        if let change = account["pending_change"], change != .null { addChange(change) }
        for warning in account["warnings"]?.array ?? [] {
            add("warning", warning.string?.printable ?? "", .warning)
        }
    }

    private mutating func addChange(_ change: JSON) {
        let next = change["attempting"]?.bool == true ? "now" : change.moment("next_in") ?? ""
        add(
            "change",
            "the edited file has another identity and no credential yet; the last good version"
                + " stays in force (next attempt \(next))",
            .warning
        )
        if let failure = change["last_failure"], failure != .null { addFailure(failure) }
    }

    private mutating func addOutput(_ output: JSON) {
        let owner = [output["owner"]?.string, output["group"]?.string].compactMap(\.self)
        let facts = [output["mode"]?.string, owner.joined(separator: " : ")]
            .compactMap(\.self).filter { !$0.isEmpty }.joined(separator: " ")
        let place = "\(output.shown("format")) \(output.shown("path"))"
        let state = output["error"]?.string.map { style("failed: \($0.printable)", .bad) }
        let found = facts.isEmpty ? "" : ", \(facts)"
        add("output", "\(place)\(found), \(state ?? style("ok", .good))")
    }

    private mutating func addFailure(_ failure: JSON) {
        let age = duration(failure["seconds_ago"]?.lenientNumber ?? 0)
        let kind = "\(failure.shown("class")) at \(failure.shown("step"))"
        add("failure", "\(failure.shown("at")) (\(age) ago), \(kind):", .bad)
        text += "    \(failure.shown("message"))\n"
        if let hint = failure["hint"]?.string { text += "    hint: \(hint.printable)\n" }
    }

    private mutating func add(
        _ title: String,
        _ value: String,
        _ meaning: TextStyle.Meaning? = nil
    ) {
        let shown = meaning.map { style(title, $0) } ?? title
        let padding = String(repeating: " ", count: max(0, 8 - title.count))
        text += "  \(shown)\(padding) \(value)\n"
    }
}

extension JSON {
    /// A member's text, fit for a terminal.
    func shown(_ key: String) -> String { self[key]?.string?.printable ?? "" }

    /// A member's seconds from now, in words.
    fileprivate func moment(_ key: String) -> String? {
        self[key]?.lenientNumber.map { $0 < 0 ? "\(duration(-$0)) ago" : "in \(duration($0))" }
    }
}

/// A duration in words, by two units at the most.
///
/// - Parameter isShort: for a line that is drawn again and again: by one unit, hours at the longest.
func duration(_ seconds: Double, isShort: Bool = false) -> String {
    let total = Int(seconds.clamped(to: 0...1e11))
    return switch total {
    case ..<120: "\(total) s"
    case ..<7200: "\(total / 60) min"
    case _ where isShort: "\(total / 3600) h"
    case ..<172_800: "\(total / 3600) h \(total % 3600 / 60) min"
    default: "\(total / 86_400) days"
    }
}
