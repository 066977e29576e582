import Agent
import Federation
import Platform

extension Command {
    static let wait = Command(
        name: "wait",
        arguments: "[ACCOUNT]",
        summary: "wait until an account, or every one, is ready",
        options: [timeout],
        maximalWords: 1,
        run: { invocation in try await waitCommand(invocation) }
    )

    static let refresh = Command(
        name: "refresh",
        arguments: "[ACCOUNT]",
        summary: "have the running agent refresh now, and wait for the result",
        options: [timeout],
        maximalWords: 1,
        run: { invocation in try await refreshCommand(invocation) }
    )
}

private func waitCommand(_ invocation: Invocation) async throws -> Int32 {
    let timeout = try invocation.seconds("timeout", default: 60)
    let end = BootInstant.now.advanced(bySeconds: timeout)
    let account = invocation.words.first
    var reason = "no agent is running"
    while true {
        let rest = max(0, end.seconds(since: .now))
        let query = account.map { "&account=\(percentEncoded($0))" } ?? ""
        for agent in invocation.agents {
            do throws(AgentClient.Unreachable) {
                let answer = try await agent.ask(
                    "GET",
                    "/readyz?wait=\(rest)\(query)",
                    timeout: rest + 5
                )
                if answer.status == 200 { return 0 }
                reason = answer.text.trimmed
            } catch {
                reason = error.reason
            }
        }
        guard BootInstant.now < end else { break }
        // No agent answers yet, or none knows the account: it may be about to start.
        try await SystemTimekeeper().sleep(until: min(end, .now.advanced(bySeconds: 0.2)))
    }
    writeToStandardError("wif-agent: not ready after \(Int(timeout)) s: \(reason)\n")
    return 75
}

private func refreshCommand(_ invocation: Invocation) async throws -> Int32 {
    let timeout = try invocation.seconds("timeout", default: 60)
    let path = invocation.words.first.map { "/refresh/\(percentEncoded($0))" } ?? "/refresh"
    var reason = "no agent is running"
    for agent in invocation.agents {
        do throws(AgentClient.Unreachable) {
            let answer = try await agent.ask("POST", path, timeout: timeout)
            guard let results = answer.json?["results"]?.array else {
                reason = answer.text.trimmed
                continue
            }
            return tell(results)
        } catch let error {
            reason = error.reason
        }
    }
    throw CommandFailure(Failure(.transient, at: .worker, reason))
}

private func tell(_ results: [JSON]) -> Int32 {
    var code: Int32 = 0
    for result in results {
        let name = result["account"]?.string ?? ""
        if let failure = result["failure"].flatMap(Failure.init(json:)) {
            complain("\(name): \(failure.message)", hint: failure.hint)
            code = code == 0 ? failure.class.exitCode : code
        } else {
            writeToStandardError(
                "\(name): refreshed, expires \(result["expires_at"]?.string ?? "")\n"
            )
        }
    }
    return code
}

extension Invocation {
    /// The agents that a command may ask.
    var agents: [AgentClient] {
        AgentClient.all(
            runtimeDirectory: value("runtime-dir").map(AccountChoice.absolute),
            environment: environment
        )
    }
}
