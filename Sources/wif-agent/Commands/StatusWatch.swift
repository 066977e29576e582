import Agent
import Federation
import Kernel
import Text

/// Follows the status of the running agent: redrawn in place on a terminal, a line for each change
/// elsewhere. The agent answers when something has changed, so nobody asks over and over.
struct StatusWatch {
    /// Seconds for which the agent may keep a question; the bars move on after so many at the latest.
    private static let patience = 30.0
    /// Seconds between two pictures, however fast things change.
    private static let pause = 0.2
    private static let eventLimit = 8

    private let agents: [AgentClient]
    private let account: String?
    private let environment: [String: String]
    private let isInPlace: Bool
    private var states: [String: String] = [:]
    private var events: [String] = []
    private var drawnLines = 0

    init(_ invocation: Invocation) {
        agents = invocation.agents
        account = invocation.words.first
        environment = invocation.environment
        isInPlace = isTerminal(1) && environment["TERM", default: "dumb"] != "dumb"
    }

    /// Until it is ended by a signal, the agent is gone, or nobody reads any more.
    /// - Throws: ``CommandFailure`` where no agent answers, none has the account, or standard output
    ///   cannot be written.
    mutating func run() async throws -> Never {
        var revision: Int?
        while true {
            let report = try await ask(after: revision)
            revision = report.revision
            let accounts = try chosen(report)
            try note(accounts)
            if isInPlace { try draw(accounts) }
            try await SystemTimekeeper().sleep(until: .now.advanced(bySeconds: Self.pause))
        }
    }

    private func ask(after revision: Int?) async throws(CommandFailure) -> AgentStatus {
        let wait = revision.map { "?after=\($0)&wait=\(Self.patience)" } ?? ""
        var failure = AgentClient.Unreachable(kind: .absent, reason: "no agent is running").failure
        for agent in agents {
            switch await agent.status(wait, timeout: Self.patience + 6) {
            case .success(let report): return report
            case .failure(let reason): failure = reason
            }
        }
        throw CommandFailure(failure)
    }

    private func chosen(_ report: AgentStatus) throws(CommandFailure) -> [AccountStatus] {
        let accounts = report.accounts
        guard let account else { return accounts }
        let chosen = accounts.filter { $0.name == account }
        guard !chosen.isEmpty else { throw .noAgentHas(account) }
        return chosen
    }

    /// Takes down what is different since the last picture.
    private mutating func note(_ accounts: [AccountStatus]) throws {
        for account in accounts {
            let name = account.name.printable
            let state = summary(of: account)
            guard states.updateValue(state, forKey: name) != state else { continue }
            let event = "\(rfc3339(.now)) \(name): \(state)"
            events = (events + [event]).suffix(Self.eventLimit)
            if !isInPlace { try emit(Array("\(event)\n".utf8)) }
        }
    }

    private func summary(of account: AccountStatus) -> String {
        let failure = account.lastFailure.map { ": \($0.message.printable)" } ?? ""
        let expiry = account.expiryDate.map { ", expires \(rfc3339($0))" } ?? ""
        return "\(account.state), \(account.action)\(expiry)\(failure)"
    }

    // MARK: The picture

    private mutating func draw(_ accounts: [AccountStatus]) throws {
        let style = TextStyle(environment: environment)
        let width = Int(environment["COLUMNS"] ?? "").map { max(40, $0) } ?? 80
        let bar = LifeBar(environment: environment)
        let names = accounts.map(\.name.printable)
        let column = min(20, names.map(\.count).max() ?? 0)
        var lines = zip(names, accounts).map { name, account -> String in
            let label = String(name.prefix(column))
            let padding = String(repeating: " ", count: column - label.count + 2)
            let drawn = bar.text(left: account.expiresIn, lifetime: account.lifetime)
            let rest = (label + padding).count + bar.width + 2
            let words = String(facts(of: account).prefix(max(0, width - rest)))
            return label + padding + style(drawn, account.isReady ? .good : .warning) + "  " + words
        }
        lines += [""] + events.map { String($0.prefix(width)) }
        let up = drawnLines > 0 ? "\u{1B}[\(drawnLines)A" : ""
        drawnLines = lines.count
        let text = lines.map { "\u{1B}[2K\($0)\n" }.joined()
        try emit(Array("\(up)\r\(text)\u{1B}[J".utf8))
    }

    private func facts(of account: AccountStatus) -> String {
        guard let left = account.expiresIn else { return account.state }
        let next = duration(account.nextIn ?? 0, isShort: true)
        let action = account.action
        let when = account.nextAction == .refreshing ? action : "\(action) in \(next)"
        return "\(account.state), \(duration(left, isShort: true)) left, \(when)"
    }
}

/// A credential's life as a bar: what has passed, and where its refresh is due.
struct LifeBar {
    /// Characters.
    let width = 24
    private let passed: Character
    private let due: Character
    private let open: Character

    /// In ASCII where the locale is not one of UTF-8. `locale(7)`
    init(environment: [String: String]) {
        let names = ["LC_ALL", "LC_CTYPE", "LANG"]
        let locale = names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let isUTF8 = ["UTF-8", "UTF8"].contains { locale.uppercased().hasSuffix($0) }
        (passed, due, open) = isUTF8 ? ("█", "▒", "░") : ("#", "=", ".")
    }

    /// - Parameters:
    ///   - left: seconds until the expiry; `nil` where there is no credential.
    ///   - lifetime: seconds.
    func text(left: Double?, lifetime: Double?) -> String {
        guard let left, let lifetime, lifetime > 0 else {
            return String(repeating: " ", count: width)
        }
        let share = (1 - left / lifetime).clamped(to: 0...1)
        let window = RefreshSchedule.window
        return String(
            (0..<width).map { cell in
                let middle = (Double(cell) + 0.5) / Double(width)
                if middle < share { return passed }
                return window.contains(middle) ? due : open
            }
        )
    }
}
