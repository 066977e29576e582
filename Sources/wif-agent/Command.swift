import Federation

/// A command of the program. Help and completions come from this table, and from nothing else.
struct Command: Sendable {
    let name: String
    /// What may follow the options, for help.
    var arguments = ""
    let summary: String
    var details = ""
    var options: [Option] = []
    var maximalWords = 0
    /// What its words may be, where that can be told.
    var choices: [String] = []
    /// Whether the words are another program's command line, which ends the options.
    var takesCommand = false
    let run: @Sendable (Invocation) async throws -> Int32

    /// The command's own options and those of every command.
    var allOptions: [Option] { options + Command.commonOptions }

    static let commonOptions = [
        Option(name: "runtime-dir", value: "DIR", help: "where the control socket is"),
        Option(
            name: "log-level",
            value: "LEVEL",
            help: "error, warning, info (default) or debug",
            choices: ["error", "warning", "info", "debug"]
        ),
        Option(
            name: "log-format",
            value: "FORMAT",
            help: "text (default) or json",
            choices: ["text", "json"]
        ),
        Option(name: "help", short: "h", help: "this text"),
        Option(name: "version", help: "the program's version"),
    ]

    static let config = Option(
        name: "config",
        short: "c",
        value: "FILE",
        help: "the account file"
    )
    static let workerSocket = Option(
        name: "worker-socket",
        value: "PATH",
        help: "the worker's socket, or none: start it as a child (default: one that is there)"
    )
    static let timeout = Option(
        name: "timeout",
        value: "SECONDS",
        help: "how long to try or wait (default 60)"
    )
    /// Of each command that has a worker do something.
    static let worker = [timeout, workerSocket]

    /// All commands, in the order in which help lists them.
    static let all: [Command] = [
        .run, .get, .exec, .token, .claims, .doctor, .status, .wait, .refresh, .revoke, .check,
        .provider, .helper, .completion, .help,
    ]
}
