import Agent
import Federation
import Kernel
import Text

extension Command {
    static let wait = Command(
        name: "wait",
        arguments: "[ACCOUNT]",
        summary: "wait until an account, or every one, is ready",
        options: [
            timeout,
            Option(
                name: "fail-fast",
                help: "end at once with a failure that time alone does not fix"
            ),
        ],
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
    let timeout = try invocation.timeout
    let notice = WaitNotice("\(invocation.words.first?.printable ?? "every account") to be ready")
    let result = await notice.during {
        () async -> Result<Int32, any Error> in
        do {
            return .success(try await untilReady(invocation, timeout, notice))
        } catch {
            return .failure(error)
        }
    }
    return try result.get()
}

private func untilReady(
    _ invocation: Invocation,
    _ timeout: Double,
    _ notice: WaitNotice
) async throws -> Int32 {
    let end = BootInstant.now.advanced(bySeconds: timeout)
    let account = invocation.words.first
    let failsFast = invocation.isSet("fail-fast")
    var reason = "no agent is running"
    while true {
        // An agent may have started since.
        let agents = invocation.agents
        let rest = max(0, end.seconds(since: .now))
        var round = Round()
        for agent in agents {
            await round.ask(agent, account, seconds: failsFast ? min(1, rest) : rest)
            if round.isReady { return 0 }
            if failsFast, let failure = await lastingFailure(account, of: agent) {
                throw CommandFailure(failure)
            }
        }
        reason = round.reason ?? reason
        if let first = round.forbidden.first, round.forbidden.count == agents.count {
            throw CommandFailure(first.failure)
        }
        notice.change(
            to: round.absent == agents.count
                ? "an agent: none is running yet"
                : "\(account?.printable ?? "every account") to be ready"
        )
        if round.strangers > 0, round.strangers == agents.count { throw unknownAccount(reason) }
        guard BootInstant.now < end else { break }
        try await SystemTimekeeper().sleep(until: min(end, .now.advanced(bySeconds: 0.2)))
    }
    WaitNotice.clear()
    let isAbsent = !invocation.agents.contains(where: \.hasSocket)
    let failure = isAbsent ? invocation.noAgent : nil
    reason = failure?.message ?? reason
    defer {
        if let hint = failure?.hint { writeToStandardError("hint: \(hint)\n") }
    }
    writeToStandardError("wif-agent: not ready after \(Int(timeout)) s: \(reason)\n")
    return 75
}

/// What the agents answered, each asked once.
private struct Round {
    var isReady = false
    /// What the last one said.
    var reason: String?
    /// How many do not have the account, of those that could.
    var strangers = 0
    var forbidden: [AgentClient.Unreachable] = []
    var absent = 0

    mutating func ask(_ agent: AgentClient, _ account: String?, seconds: Double) async {
        let query = account.map { "&account=\(percentEncoded($0))" } ?? ""
        do throws(AgentClient.Unreachable) {
            let target = "/readyz?wait=\(seconds)\(query)"
            let answer = try await agent.ask("GET", target, timeout: seconds + 5)
            isReady = answer.status == 200
            reason = answer.text.trimmed
            // That of one account says nothing of the others, which may be about to start.
            if answer.status == 404, !agent.isInstance { strangers += 1 }
        } catch {
            reason = error.reason
            if error.kind == .forbidden { forbidden.append(error) }
            if error.kind == .absent { absent += 1 }
        }
    }
}

/// Of the accounts that are waited for the first failure that the agent's next attempts will not fix by
/// themselves.
private func lastingFailure(_ account: String?, of agent: AgentClient) async -> Failure? {
    guard case .success(let report) = await agent.status(timeout: 5) else { return nil }
    return report.accounts.lazy
        .filter { !$0.isReady && (account == nil || $0.name == account) }
        .compactMap { $0.lastFailure?.failure }
        .first(where: { !$0.class.isPassing })
}

private func refreshCommand(_ invocation: Invocation) async throws -> Int32 {
    let timeout = try invocation.timeout
    let path = invocation.words.first.map { "/refresh/\(percentEncoded($0))" } ?? "/refresh"
    var failure: Failure?
    let agents = invocation.agents
    var strangers = 0
    for agent in agents {
        do throws(AgentClient.Unreachable) {
            let notice = WaitNotice("the agent at \(agent.directory.printable) to refresh")
            let answer = try await notice.during {
                () async -> Result<AgentClient.Answer, AgentClient.Unreachable> in
                do throws(AgentClient.Unreachable) {
                    return .success(try await agent.ask("POST", path, timeout: timeout))
                } catch {
                    return .failure(error)
                }
            }.get()
            guard let results = answer.json?["results"]?.array else {
                failure = Failure(.transient, at: .worker, answer.text.trimmed)
                if answer.status == 404 { strangers += 1 }
                continue
            }
            return tell(results)
        } catch let error {
            failure = error.failure
        }
    }
    let reason = failure ?? invocation.noAgent
    if strangers > 0, strangers == agents.count { throw unknownAccount(reason.message) }
    throw CommandFailure(reason)
}

/// Every agent that is there was asked for an account that none has.
private func unknownAccount(_ reason: String) -> CommandFailure {
    let hint = "an account is named as its file, without .json; the agent reloads on SIGHUP"
    return CommandFailure(Failure(.misconfigured, at: .account, reason, hint: hint), exitCode: 66)
}

private func tell(_ results: [JSON]) -> Int32 {
    var code: Int32 = 0
    for result in results {
        let name = result["account"]?.string?.printable ?? ""
        if let failure = result["failure"].flatMap(Failure.init(json:)) {
            complain("\(name): \(failure.message)", hint: failure.hint)
            code = code == 0 ? failure.exitCode : code
        } else {
            let expiry = result["expires_at"]?.string?.printable ?? ""
            writeToStandardError("\(name): refreshed, expires \(expiry)\n")
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
