import Agent
import Federation
import Kernel
import Outputs
import Text

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
            Option(name: "fresh", help: "always get a new credential, not the running agent's"),
            Option(
                name: "min-lifetime",
                value: "SECONDS",
                help: "refresh first where the credential has less than this left"
            ),
        ] + worker,
        run: { invocation in try await getCommand(invocation) }
    )
}

private let getFormats = Format.commandWords + ["github"]

private func getCommand(_ invocation: Invocation) async throws -> Int32 {
    let isForGitHub = invocation.value("format") == "github"
    let format = isForGitHub ? .raw : try invocation.format(or: ["github"])
    let job = isForGitHub ? try GitHubJob(invocation.environment) : nil
    let timeout = try invocation.timeout
    let start = BootInstant.now
    let account = try AccountChoice.load(invocation)
    let minimum = try invocation.seconds("min-lifetime", default: 0)
    let (credential, isOwn) = try await CredentialRequest(
        account: account,
        timeout: timeout,
        start: start,
        isFresh: invocation.isSet("fresh"),
        minimumLeft: minimum
    ).run(invocation)
    if isOwn { tellWhatRevokes(account) }
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
