import Agent
import Federation
import FoundationEssentials
import Platform

extension Command {
    static let status = Command(
        name: "status",
        summary: "show the accounts of the running agent",
        options: [
            Option(name: "json", help: "as JSON"),
            Option(name: "check", help: "only what is not ready; exit 0 if everything is"),
            timeout,
        ],
        run: { invocation in try await statusCommand(invocation) }
    )
}

private func statusCommand(_ invocation: Invocation) async throws -> Int32 {
    let timeout = try invocation.seconds("timeout", default: 60)
    var reports: [JSON] = []
    var reason = "no agent is running"
    for agent in invocation.agents {
        do throws(AgentClient.Unreachable) {
            let answer = try await agent.ask("GET", "/status", timeout: timeout)
            if answer.status == 200, let report = answer.json {
                reports.append(report)
            } else {
                reason = "\(agent.directory): \(answer.text.printable)"
            }
        } catch {
            reason = error.reason
        }
    }
    guard !reports.isEmpty else {
        throw CommandFailure(
            Failure(.transient, at: .worker, reason, hint: "start it with wif-agent run")
        )
    }
    let isReady = reports.allSatisfy { $0["ready"]?.bool == true }
    if invocation.isSet("json") {
        for report in reports { try emit(report.serialized(indented: true) + [0x0A]) }
    } else {
        let onlyUnready = invocation.isSet("check")
        for report in reports { try show(StatusText(report, onlyUnready: onlyUnready).text) }
    }
    return invocation.isSet("check") && !isReady ? 75 : 0
}

/// A status report for people.
struct StatusText {
    private(set) var text = ""

    init(_ report: JSON, onlyUnready: Bool) {
        var rows: [[String]] = []
        let accounts = (report["accounts"]?.array ?? []).filter {
            !onlyUnready || $0["ready"]?.bool != true
        }
        for account in accounts { rows.append(Self.row(account)) }
        if !rows.isEmpty {
            text += Self.aligned([["ACCOUNT", "STATE", "EXPIRES", "NEXT", "SOURCE"]] + rows)
        }
        for account in accounts { text += Self.details(account) }
        for rejected in report["rejected"]?.array ?? [] {
            text += "rejected: \(rejected["error"]?.string ?? "")\n"
            if let hint = rejected["hint"]?.string { text += "    hint: \(hint)\n" }
        }
    }

    private static func row(_ account: JSON) -> [String] {
        let seconds = account["expires_in"]?.lenientNumber
        let expires = account["expires_at"]?.string.map { date in
            "\(date) (\(duration(seconds ?? 0)))"
        }
        let action = account["next_action"]?.string ?? ""
        let next = account["next_at"]?.string.map { "\(action) \($0)" } ?? action
        return [
            account["account"]?.string ?? "", account["state"]?.string ?? "", expires ?? "-", next,
            account["source"]?.string ?? "-",
        ]
    }

    private static func details(_ account: JSON) -> String {
        var text = "\n\(account["account"]?.string ?? ""):\n"
        for (title, key) in [("file", "file"), ("issuer", "issuer"), ("subject", "subject")] {
            if let value = account[key]?.string { text += "  \(title): \(value.printable)\n" }
        }
        for output in account["outputs"]?.array ?? [] {
            let facts = [output["mode"]?.string, output["owner"]?.string].compactMap(\.self)
            let state = output["error"]?.string.map { "failed: \($0)" } ?? "ok"
            text += "  output: \(output["format"]?.string ?? "") \(output["path"]?.string ?? "")"
            text += " \(facts.joined(separator: " ")) \(state)\n"
        }
        if account["renewable"]?.bool == false {
            text += "  note: the token source cannot give another token; the account will expire\n"
        }
        if let failure = account["last_failure"].flatMap(Failure.init(json:)) {
            text += "  last failure: \(failure.message)\n"
            if let hint = failure.hint { text += "    hint: \(hint)\n" }
        }
        for warning in account["warnings"]?.array ?? [] {
            text += "  warning: \(warning.string ?? "")\n"
        }
        return text
    }

    private static func duration(_ seconds: Double) -> String {
        let total = Int(abs(seconds))
        let amount =
            switch total {
            case 0..<120: "\(total) s"
            case 120..<7200: "\(total / 60) min"
            default: "\(total / 3600) h \(total % 3600 / 60) min"
            }
        return seconds < 0 ? "\(amount) ago" : "in \(amount)"
    }

    private static func aligned(_ rows: [[String]]) -> String {
        let widths = (0..<(rows.first?.count ?? 0)).map { column in
            rows.map { $0[column].count }.max() ?? 0
        }
        return rows.map { row in
            let cells = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }
            return cells.joined(separator: "  ").trimmed + "\n"
        }.joined()
    }
}
