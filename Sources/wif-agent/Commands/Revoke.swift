import Agent
import Federation
import Kernel
import Text

extension Command {
    static let revoke = Command(
        name: "revoke",
        arguments: "[-]",
        summary: "have the running agent revoke the present credential (RFC 7009)",
        details: """
            The agent empties the account's outputs first, and obtains a new credential afterwards;
            stop it where there is to be none. With --stdin, or "-", the credential on standard input
            is revoked: one that get, exec or run --once obtained, which no agent knows.
            """,
        options: [
            config,
            Option(name: "stdin", help: "revoke the credential on standard input"),
            Option(name: "revoke-required", help: "nothing to revoke is a failure, too"),
        ] + worker,
        maximalWords: 1,
        choices: ["-"],
        run: { invocation in try await revokeCommand(invocation) }
    )
}

private func revokeCommand(_ invocation: Invocation) async throws -> Int32 {
    let account = try AccountChoice.load(invocation)
    let timeout = try invocation.timeout
    guard account.service.canRevoke else {
        throw CommandFailure(
            Failure(
                .misconfigured,
                at: .revoke,
                "\(account.name): \(account.service.name) cannot revoke credentials",
                hint: "they end by themselves when they expire"
            )
        )
    }
    if let word = invocation.words.first, word != "-" {
        throw UsageError(message: "unexpected argument \"\(word.printable)\"")
    }
    if invocation.isSet("stdin") || !invocation.words.isEmpty {
        return try await revokeGiven(account, timeout, invocation)
    }
    guard let answer = try await agentsAnswer(account, timeout, invocation) else {
        throw CommandFailure(
            Failure(
                .transient,
                at: .revoke,
                "\(account.name): nothing was revoked: no running agent serves"
                    + " \(account.path.printable)",
                hint:
                    "a credential of get, exec or run --once lives until its end: give it on"
                    + " standard input, wif-agent revoke -c FILE --stdin"
            )
        )
    }
    if let failure = answer.json?["failure"].flatMap(Failure.init(json:)) {
        throw CommandFailure(failure)
    }
    switch answer.json?["revoked"]?.bool {
    case true?:
        writeToStandardError("\(account.name): revoked\n")
        return 0
    case false?: return nothing(account, "the agent has no valid credential", invocation)
    case nil: throw CommandFailure(.strangeAnswer)
    }
}

/// Revokes the credential on standard input, as `get` prints it.
private func revokeGiven(
    _ account: Account,
    _ timeout: Double,
    _ invocation: Invocation
) async throws -> Int32 {
    let input: Secret
    do throws(Errno) {
        input = Secret(try readStandardInput(limit: 1 << 17).text.trimmed)
    } catch {
        throw CommandFailure(
            Failure(.misconfigured, at: .revoke, "standard input cannot be read: \(error)"),
            exitCode: 66
        )
    }
    guard input.count > 0 else {
        throw UsageError(
            message: "standard input is empty",
            hint: "write the credential to standard input"
        )
    }
    try await DirectExchange.run(
        .revoke(input),
        for: account,
        timeout: timeout,
        invocation
    ).get()
    writeToStandardError("\(account.name): revoked\n")
    return 0
}

/// What the agent that serves the account's file says; `nil` where none does.
private func agentsAnswer(
    _ account: Account,
    _ timeout: Double,
    _ invocation: Invocation
) async throws -> AgentClient.Answer? {
    let file: String
    do throws(Errno) {
        file = try realPath(account.path)
    } catch {
        throw CommandFailure(
            Failure(.misconfigured, at: .account, "\(account.path.printable): \(error)")
        )
    }
    let target = "/revoke/\(percentEncoded(account.name))?file=\(percentEncoded(file))"
    for agent in invocation.agents {
        do throws(AgentClient.Unreachable) {
            let answer = try await agent.ask("POST", target, timeout: timeout)
            if answer.status != 404 { return answer }
        } catch {
            switch error.kind {
            // Perhaps at the next place.
            case .absent, .foreign: continue
            case .forbidden, .hung, .late, .broken: throw CommandFailure(error.failure)
            }
        }
    }
    return nil
}

private func nothing(_ account: Account, _ why: String, _ invocation: Invocation) -> Int32 {
    writeToStandardError("\(account.name): nothing to revoke: \(why)\n")
    return invocation.isSet("revoke-required") ? 75 : 0
}

/// Tells on standard error what can revoke a credential that no agent knows; silent where its service
/// cannot.
func tellWhatRevokes(_ account: Account) {
    guard account.service.canRevoke else { return }
    writeToStandardError(
        "note: no agent knows this credential; wif-agent revoke -c \(account.path.printable) --stdin"
            + " ends it before it expires\n"
    )
}
