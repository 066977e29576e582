import Agent
import Federation
import Kernel
import Outputs
internal import Text

extension Command {
    static let get = Command(
        name: "get",
        summary: "print one credential",
        details: """
            The credential is the running agent's where it serves the account file, else that of an
            exchange of its own. FORMAT is one of \(getFormats.joined(separator: ", ")):
            the last has a GitHub Actions job mask it and adds it to the environment of later steps.
            """,
        options: [
            config,
            Option(
                name: "format",
                value: "FORMAT",
                help: "how to print it (default raw)",
                choices: getFormats
            ),
            Option(name: "fresh", help: "always make an own exchange"),
            timeout,
            workerSocket,
        ],
        run: { invocation in try await getCommand(invocation) }
    )
}

private let getFormats = Format.words + ["github"]

private func getCommand(_ invocation: Invocation) async throws -> Int32 {
    let isForGitHub = invocation.value("format") == "github"
    let format = isForGitHub ? .raw : try invocation.format(or: ["github"])
    let job = isForGitHub ? try GitHubJob(invocation.environment) : nil
    let timeout = try invocation.seconds("timeout", default: 60)
    let start = BootInstant.now
    let account = try AccountChoice.load(invocation)
    var credential: Credential?
    if !invocation.isSet("fresh") {
        credential = try await agentsCredential(of: account, timeout, since: start, invocation)
    }
    if credential == nil {
        let result = try await DirectExchange.run(
            .exchange,
            for: account,
            timeout: timeout,
            since: start,
            invocation
        )
        credential = try result.credential()
    }
    guard let credential else { return 75 }
    if let job {
        try job.tell(environmentVariables(credential, account), secrets: credential.secretParts)
        return 0
    }
    let rendered: Rendered
    do throws(OutputError) {
        rendered = try format.rendered(credential, for: account)
    } catch {
        // Not a place that cannot be written, but a format that this credential does not have.
        throw CommandFailure(error.failure, exitCode: 78)
    }
    for warning in rendered.warnings { writeToStandardError("warning: \(warning)\n") }
    try emit(rendered.bytes.bytes)
    return 0
}

/// The credential of a running agent that serves the account; `nil` where none does.
private func agentsCredential(
    of account: Account,
    _ timeout: Double,
    since start: BootInstant,
    _ invocation: Invocation
) async throws -> Credential? {
    let agents = runningAgents(invocation)
    guard timeout > 0 else { return try await agents.credential(of: account, wait: 0) }
    let wait = DirectExchange.share(of: timeout)
    let notice = WaitNotice("\(account.name): the running agent, which has no credential yet")
    let answer = await notice.during {
        await DirectExchange.before(start.advanced(bySeconds: timeout)) {
            () async -> Result<Credential?, CommandFailure> in
            do throws(CommandFailure) {
                return .success(try await agents.credential(of: account, wait: wait))
            } catch {
                return .failure(error)
            }
        }
    }
    guard let answer else {
        throw CommandFailure(
            Failure(
                .transient,
                at: .worker,
                "the agent gave no answer within the \(timeout.formatted) s of --timeout",
                hint: "wif-agent status shows whether it answers; get --fresh does without it"
            )
        )
    }
    return try answer.get()
}
