import Agent
import Federation
import Kernel
import Text

/// A status report for people.
struct StatusText {
    private(set) var text = ""
    private let style: TextStyle

    init(_ report: AgentStatus, onlyUnready: Bool, style: TextStyle) {
        self.style = style
        let accounts = report.accounts.filter { !onlyUnready || !$0.isReady }
        if !accounts.isEmpty { addTable(accounts) }
        for account in accounts { addDetails(account) }
        for rejected in report.rejected {
            text += "\n\(style("rejected", .bad)): \(rejected.error.printable)\n"
            if let hint = rejected.hint { text += "  hint: \(hint.printable)\n" }
            if let kept = report.accounts.first(where: { $0.file == rejected.file }) {
                text += "  \(kept.name.printable) goes on with the file's last good version\n"
            }
        }
    }

    private mutating func addTable(_ accounts: [AccountStatus]) {
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
        switch AccountLife.Phase(rawValue: state) {
        case .valid?: .good
        case .expired?: .bad
        case .pending?, nil: .warning
        }
    }

    private static func row(_ account: AccountStatus) -> [String] {
        let action = account.action
        let isWaiting = account.nextAction != .refreshing
        return [
            account.name.printable, account.state, account.expiresIn.map(moment) ?? "-",
            isWaiting ? "\(action) \(account.nextIn.map(moment) ?? "")" : action,
            account.source.isEmpty ? "-" : account.source.printable,
        ]
    }

    private mutating func addDetails(_ account: AccountStatus) {
        text += "\n\(style(account.name.printable, .heading)):\n"
        add("file", account.file.printable)
        add("service", account.service.printable)
        if let issuer = account.issuer { add("issuer", issuer.printable) }
        if let subject = account.subject { add("subject", subject.printable) }
        if let expiry = account.expiryDate, let rest = account.expiresIn {
            let lifetime = duration(account.lifetime ?? 0)
            add("expires", "\(rfc3339(expiry)) (\(moment(rest))), after a lifetime of \(lifetime)")
        }
        if let date = account.nextDate, let rest = account.nextIn {
            let reason = account.nextReason.printable
            add("next", "\(account.action) \(rfc3339(date)) (\(moment(rest))): \(reason)")
        }
        for output in account.outputs {
            addOutput(output)
            guard let refusal = output.lastRefusal else { continue }
            let date = refusal.date.map { " at \(rfc3339($0))" } ?? ""
            add("refused", "\(refusal.user.printable)\(date): \(refusal.error.printable)")
        }
        if account.isRenewable == false {
            add("note", "the token source cannot give another token; the account will expire")
        }
        if let failure = account.lastFailure { addFailure(failure) }
        if let failure = account.lastHookFailure { add("hook", failure.message.printable, .bad) }
        if let change = account.pendingChange { addChange(change) }
        for warning in account.warnings { add("warning", warning.printable, .warning) }
    }

    private mutating func addChange(_ change: ChangeStatus) {
        let next = change.isAttempting ? "now" : change.nextIn.map(moment) ?? ""
        add(
            "change",
            "the edited file has another identity and no credential yet; the last good version"
                + " stays in force (next attempt \(next))",
            .warning
        )
        if let failure = change.lastFailure { addFailure(failure) }
    }

    private mutating func addOutput(_ output: OutputStatus) {
        let owner = [output.owner, output.group].compactMap(\.self).joined(separator: " : ")
        let facts = [output.mode, owner].compactMap(\.self).filter { !$0.isEmpty }
            .joined(separator: " ").printable
        let place = "\(output.format.printable) \(output.path.printable)"
        let state = output.error.map { style("failed: \($0.printable)", .bad) }
        let found = facts.isEmpty ? "" : ", \(facts)"
        add("output", "\(place)\(found), \(state ?? style("ok", .good))")
    }

    private mutating func addFailure(_ failure: FailureStatus) {
        let age = duration(failure.secondsAgo ?? 0)
        let date = failure.date.map(rfc3339) ?? ""
        let kind = "\(failure.class?.rawValue ?? "") at \(failure.step?.rawValue ?? "")"
        add("failure", "\(date) (\(age) ago), \(kind):", .bad)
        text += "    \(failure.message.printable)\n"
        if let hint = failure.hint { text += "    hint: \(hint.printable)\n" }
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

extension AccountStatus {
    /// The word for its phase.
    var state: String { phase?.rawValue ?? "unknown" }

    /// The word for what comes next.
    var action: String { nextAction?.rawValue ?? "" }
}

/// Seconds from now, in words.
private func moment(_ seconds: Double) -> String {
    seconds < 0 ? "\(duration(-seconds)) ago" : "in \(duration(seconds))"
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
