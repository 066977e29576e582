import Agent
import Federation
import Kernel
import Text

extension Command {
    static let status = Command(
        name: "status",
        arguments: "[ACCOUNT]",
        summary: "show the accounts of the running agent",
        options: [
            Option(name: "json", help: "as JSON"),
            Option(name: "check", help: "only what is not ready; exit 0 if everything is"),
            Option(name: "watch", help: "go on, and show what changes"),
            Option(name: "timeout", value: "SECONDS", help: "how long to wait for it (default 6)"),
        ],
        maximalWords: 1,
        run: { invocation in try await statusCommand(invocation) }
    )
}

private func statusCommand(_ invocation: Invocation) async throws -> Int32 {
    if invocation.isSet("watch") {
        for name in ["json", "check"] where invocation.isSet(name) {
            throw UsageError(message: "--watch and --\(name) exclude each other")
        }
        var watch = StatusWatch(invocation)
        try await watch.run()
    }
    let timeout = try invocation.seconds("timeout", default: 6)
    var reports: [AgentStatus] = []
    var failure: Failure?
    for agent in invocation.agents {
        switch await agent.status(timeout: timeout) {
        case .success(let report): reports.append(report)
        case .failure(let reason): failure = reason
        }
    }
    guard !reports.isEmpty else {
        // One that is there and does not answer is told of first.
        let isAbsent = !invocation.agents.contains(where: \.hasSocket)
        throw CommandFailure(isAbsent ? invocation.noAgent : failure ?? invocation.noAgent)
    }
    if let name = invocation.words.first {
        reports = reports.compactMap { report in report.narrowed(to: name) }
        guard !reports.isEmpty else { throw CommandFailure.noAgentHas(name) }
    }
    let isReady = reports.allSatisfy(\.isReady)
    if invocation.isSet("json") {
        for report in reports { try emit(report.json.serialized(indented: true) + [0x0A]) }
    } else {
        let onlyUnready = invocation.isSet("check")
        let style = TextStyle(environment: invocation.environment)
        for report in reports {
            try show(StatusText(report, onlyUnready: onlyUnready, style: style).text)
        }
    }
    return invocation.isSet("check") && !isReady ? 75 : 0
}

extension AgentClient.Answer {
    /// The body as a status; `nil` for one that is none.
    var agentStatus: AgentStatus? { json.flatMap(AgentStatus.init(json:)) }
}

extension AgentClient {
    /// The agent's status report, or why there is none.
    ///
    /// - Parameters:
    ///   - query: with its question mark; empty for the status as it is.
    ///   - timeout: seconds.
    func status(_ query: String = "", timeout: Double) async -> Result<AgentStatus, Failure> {
        do throws(Unreachable) {
            let answer = try await ask("GET", "/status\(query)", timeout: timeout)
            if answer.status == 200, let status = answer.agentStatus { return .success(status) }
            let reason = "\(directory): \(answer.text.printable)"
            return .failure(Failure(.transient, at: .worker, reason))
        } catch {
            return .failure(error.failure)
        }
    }
}

extension CommandFailure {
    /// No running agent has an account of the name.
    static func noAgentHas(_ account: String) -> CommandFailure {
        CommandFailure(
            Failure(.misconfigured, at: .account, "no agent has the account \(account.printable)"),
            exitCode: 66
        )
    }
}
