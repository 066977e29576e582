import Agent
import Federation
import Outputs
import Platform

extension Command {
    static let get = Command(
        name: "get",
        summary: "print one credential",
        details: """
            The credential is the running agent's where it serves the account file, else that of an
            exchange of its own. FORMAT is one of raw, json, env, envfile, header.
            """,
        options: [
            config,
            Option(name: "format", value: "FORMAT", help: "how to print it (default raw)"),
            Option(name: "fresh", help: "always make an own exchange"),
            timeout,
        ],
        run: { invocation in try await getCommand(invocation) }
    )
}

private func getCommand(_ invocation: Invocation) async throws -> Int32 {
    let word = invocation.value("format") ?? "raw"
    guard let format = word == "base64" ? .raw : Format(rawValue: word) else {
        throw UsageError(
            message: "--format \(word.printable): one of raw, json, env, envfile, header"
        )
    }
    let timeout = try invocation.seconds("timeout", default: 60)
    let account = try AccountChoice.load(invocation)
    var credential: Credential?
    if !invocation.isSet("fresh") {
        credential = try await agentsCredential(account, timeout, invocation)
    }
    if credential == nil {
        let result = await DirectExchange.run(
            .exchange,
            for: account,
            timeout: timeout,
            invocation.environment
        )
        credential = try result.credential()
    }
    guard let credential else { return 75 }
    let rendered: Rendered
    do throws(OutputError) {
        rendered = try render(
            credential,
            as: format,
            variable: account.variable,
            account: account
        )
    } catch {
        throw CommandFailure(error.failure)
    }
    for warning in rendered.warnings { writeToStandardError("warning: \(warning)\n") }
    try emit(rendered.bytes.bytes)
    return 0
}

/// The credential of an agent that serves the account's file; `nil` where none does.
/// - Throws: ``CommandFailure`` where an agent serves it and has none.
private func agentsCredential(
    _ account: Account,
    _ timeout: Double,
    _ invocation: Invocation
) async throws -> Credential? {
    let path: String
    do throws(Errno) {
        path = try realPath(account.path)
    } catch {
        return nil
    }
    let agents = AgentClient.all(
        runtimeDirectory: invocation.value("runtime-dir"),
        environment: invocation.environment
    )
    for agent in agents {
        let answer: AgentClient.Answer
        do throws(AgentClient.Unreachable) {
            let target = "/credential?file=\(percentEncoded(path))&wait=\(timeout)"
            answer = try await agent.ask("GET", target, timeout: timeout + 5)
        } catch {
            continue
        }
        if answer.status == 404 { continue }
        if let credential = answer.json?["credential"].flatMap(Credential.init(json:)) {
            return credential
        }
        if let failure = answer.json?["failure"].flatMap(Failure.init(json:)) {
            throw CommandFailure(failure)
        }
        throw CommandFailure(
            Failure(
                .refused,
                at: .worker,
                "the agent at \(agent.directory) answered \(answer.status): \(answer.text.printable)"
            )
        )
    }
    return nil
}
