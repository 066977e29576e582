import Agent
import Federation
import Kernel
import Text

extension Command {
    static let run = Command(
        name: "run",
        summary: "run the agent; it stays in the foreground",
        details: """
            Without -c and --config-dir it serves every .json file of /etc/wif-agent.
            An output is FORMAT:PATH[,mode=0640][,owner=U][,group=G][,content=F]; FORMAT is one of
            \(Output.words.joined(separator: ", ")).
            """,
        options: [
            config,
            Option(name: "config-dir", value: "DIR", help: "serve all .json files of a directory"),
            Option(
                name: "output",
                value: "SPEC",
                help: "an output in place of the file's own"
            ),
            Option(
                name: "once",
                help: "deliver one credential to every file and Secret, then exit"
            ),
            timeout,
            Option(
                name: "listen",
                value: "ADDR:PORT",
                help: "/livez, /readyz and /metrics over TCP"
            ),
            Option(
                name: "hold",
                value: "SECONDS",
                help: "how long sockets hold readers without a credential (default 90)"
            ),
            Option(
                name: "ready-timeout",
                value: "SECONDS",
                help: "tell systemd READY at the latest after (default 60)"
            ),
            Option(
                name: "control-group",
                value: "GROUP",
                help: "a group that may read the status"
            ),
            Option(
                name: "state-dir",
                value: "DIR",
                help: "keep credentials here over a restart"
            ),
            Option(name: "no-watch", help: "read account files again on SIGHUP alone"),
            Option(name: "no-adopt", help: "do not take over credentials of an earlier run"),
            workerSocket,
        ],
        run: { invocation in try await runAgent(invocation) }
    )
}

private func runAgent(_ invocation: Invocation) async throws -> Int32 {
    let settings = try settings(invocation)
    if invocation.isSet("once") { return try await deliverOnce(settings, invocation) }
    let log = try log(invocation)
    let agent: Agent
    do throws(Errno) {
        agent = Agent(
            settings: settings,
            timekeeper: SystemTimekeeper(),
            log: log,
            signals: try Signals(Agent.signals)
        )
    } catch {
        throw CommandFailure(
            Failure(
                Failure.Class(of: error),
                at: .account,
                "signals cannot be received: \(error)",
                hint: error.limitHint
            )
        )
    }
    do throws(Agent.StartFailure) {
        try await agent.run()
    } catch {
        throw CommandFailure(error.failure, exitCode: error.exitCode)
    }
    return 0
}

private func settings(_ invocation: Invocation) throws -> AgentSettings {
    var settings = AgentSettings(
        runtimeDirectory: try runtimeDirectory(invocation),
        worker: try invocation.workerPlace,
        environment: invocation.environment
    )
    settings.files = AccountChoice.named(invocation)
    settings.directory = invocation.value("config-dir").map(AccountChoice.absolute)
    if settings.files.isEmpty && settings.directory == nil {
        settings.directory = AccountChoice.standardDirectory
    }
    settings.outputs = invocation.all("output")
    if !settings.outputs.isEmpty && (settings.files.count != 1 || settings.directory != nil) {
        throw UsageError(message: "--output is for one account", hint: "name it with -c FILE")
    }
    settings.stateDirectory = invocation.value("state-dir").map(AccountChoice.absolute)
    settings.watches = !invocation.isSet("no-watch")
    settings.adopts = !invocation.isSet("no-adopt")
    settings.hold = try invocation.seconds("hold", default: 90)
    settings.readyTimeout = try invocation.seconds(
        "ready-timeout",
        default: settings.readyTimeout
    )
    settings.listen = invocation.value("listen")
    settings.controlGroup = invocation.value("control-group")
    return settings
}

/// `--runtime-dir`, else the service manager's, else the user's own, else the system's.
private func runtimeDirectory(_ invocation: Invocation) throws(UsageError) -> String {
    if let given = invocation.value("runtime-dir") { return AccountChoice.absolute(given) }
    if let list = invocation.environment["RUNTIME_DIRECTORY"],
        let first = list.split(separator: ":").first
    {
        return String(first)
    }
    return RuntimeDirectory.standard(invocation.environment)
}

/// The log that the options ask for.
func log(_ invocation: Invocation, level standard: String = "info") throws(UsageError) -> Log {
    let word = invocation.value("log-level") ?? standard
    guard let level = Log.Level(word: word) else {
        throw UsageError(message: "--log-level \(word.printable): error, warning, info or debug")
    }
    switch invocation.value("log-format") ?? "text" {
    case "json": return .standardError(level: level, format: .json)
    case "text":
        let isJournal = isStandardErrorTheJournal(invocation.environment)
        return .standardError(level: level, format: isJournal ? .journal : .text)
    case let other: throw UsageError(message: "--log-format \(other.printable): text or json")
    }
}
