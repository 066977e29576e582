import Agent
import Federation
import Kernel
import Text

extension Command {
    static let exec = Command(
        name: "exec",
        arguments: "[--] COMMAND [ARGUMENT]...",
        summary: "run a command with the credential in its environment",
        details: """
            The credential is in the variable that the env format sets (WIF_AGENT_EXPIRES_AT says until
            when), and in the file that WIF_AGENT_FILE names, which is replaced by each newer one. Exit
            code: the command's, 128+N if signal N ended it, 127 if it is not there, 126 if it cannot
            be run.
            """,
        options: [
            config,
            Option(
                name: "format",
                value: "FORMAT",
                help: "of WIF_AGENT_FILE (default raw)",
                choices: Format.commandWords
            ),
            Option(
                name: "refresh-signal",
                value: "SIGNAL",
                help: "sent to the command after each refresh",
                choices: ["HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "CONT", "WINCH"]
            ),
            Option(
                name: "restart-on-refresh",
                help: "end the command and start it again after each refresh"
            ),
            Option(
                name: "revoke-required",
                help: "fail if the command succeeds and the credential cannot be revoked"
            ),
        ] + worker,
        maximalWords: .max,
        takesCommand: true,
        run: { invocation in try await execCommand(invocation) }
    )
}

private func execCommand(_ invocation: Invocation) async throws -> Int32 {
    let options = try ExecOptions(invocation)
    let timeout = try invocation.timeout
    let log = try log(invocation, level: "warning")
    // Before anything takes time: from now on no signal ends this process without the command's.
    let signals = try Signals(Signal.forwarded.filter { !invocation.origin.ignores($0) })
    let children = try Signals([Signal.child])
    adoptOrphans()
    let account = try AccountChoice.load(invocation)
    let result = try await DirectExchange.withWorkers(invocation) { pool in
        let worker = JoiningWorker(agents: runningAgents(invocation), pool: pool)
        let session = ExecSession(
            account: account,
            options: options,
            worker: worker,
            signals: signals,
            children: children,
            log: log,
            invocation: invocation
        )
        return await session.result(timeout: timeout)
    }
    return try result.get()
}

/// What becomes of the command at a refresh, and what the command is.
struct ExecOptions: Sendable {
    /// What is done to a running command when a newer credential is in the file.
    enum AtRefresh: Sendable {
        case nothing
        case signal(Int32)
        case restart
    }

    let format: Format
    let atRefresh: AtRefresh
    /// Whether a revocation that fails turns the command's success into a failure.
    let requiresRevocation: Bool
    /// Byte for byte.
    let command: [[UInt8]]
}

extension ExecOptions {
    init(_ invocation: Invocation) throws(UsageError) {
        guard !invocation.words.isEmpty else {
            throw UsageError(
                message: "a command is missing",
                hint: "wif-agent exec -c FILE -- COMMAND"
            )
        }
        // Its words are the last of the command line; as strings they might have been mended.
        command = processArguments().suffix(invocation.words.count)
        format = try invocation.format()
        atRefresh = try Self.atRefresh(invocation)
        requiresRevocation = invocation.isSet("revoke-required")
    }

    private static func atRefresh(_ invocation: Invocation) throws(UsageError) -> AtRefresh {
        let restarts = invocation.isSet("restart-on-refresh")
        guard let name = invocation.value("refresh-signal") else {
            return restarts ? .restart : .nothing
        }
        guard !restarts else {
            throw UsageError(
                message: "--refresh-signal and --restart-on-refresh are both given",
                hint: "give one of the two"
            )
        }
        guard let number = Signal.number(named: name) else {
            throw UsageError(
                message: "--refresh-signal \(name.printable): HUP, INT, QUIT, USR1, USR2, TERM, "
                    + "CONT or WINCH is expected"
            )
        }
        return .signal(number)
    }
}

extension Invocation {
    /// The format that `--format` names; `raw` where it is not given.
    /// - Parameter others: further words that the command knows.
    func format(or others: [String] = []) throws(UsageError) -> Format {
        guard let word = value("format") else { return .raw }
        guard let format = Format(word: word), Format.commandWords.contains(word) else {
            let words = (Format.commandWords + others).joined(separator: ", ")
            throw UsageError(message: "--format \(word.printable): one of \(words)")
        }
        return format
    }
}
