import Agent
import Federation
import Kernel
import Outputs
import Text

/// A started command; told apart from the one that replaced it by its identity.
final class ExecChild: Sendable {
    let process: ChildProcess

    /// Seconds from SIGTERM to SIGKILL at a restart.
    private static let patience = 10.0

    init(_ process: ChildProcess) {
        self.process = process
    }

    /// Calls `told` when the command has ended.
    func watch(_ told: () -> Void) async {
        do {
            try await process.ended()
            told()
        } catch {}
    }

    /// Calls `told` when the command has had time enough to end.
    func outlast(_ told: () -> Void) async {
        do {
            let clock = SystemTimekeeper()
            try await clock.sleep(until: clock.now.advanced(bySeconds: Self.patience))
            told()
        } catch {}
    }
}

/// Starts the command, again where that is wanted, and hands on what is sent to it.
struct ExecSupervisor {
    private let options: ExecOptions
    private let environment: ExecEnvironment
    private let origin: ProcessOrigin
    private let log: Log
    private var child: ExecChild?
    private var credential: Credential?
    /// Whether the running command has been asked to make room for the next one.
    private var isRestarting = false
    /// Whether somebody has asked for the end.
    private var isEnding = false

    init(
        options: ExecOptions,
        environment: ExecEnvironment,
        origin: ProcessOrigin,
        log: Log
    ) {
        (self.options, self.environment) = (options, environment)
        (self.origin, self.log) = (origin, log)
    }

    /// Does what an event asks for.
    ///
    /// - Parameters:
    ///   - watch: has the child's end reported.
    ///   - patience: has it reported that the child takes too long to end.
    /// - Returns: the exit code when all is over.
    /// - Throws: ``CommandFailure`` where the command cannot be started.
    mutating func handle(
        _ event: ExecSession.Event,
        watch: (ExecChild) -> Void,
        patience: (ExecChild) -> Void
    ) throws(CommandFailure) -> Int32? {
        switch event {
        case .delivered(let newer):
            let isFirst = credential == nil
            guard isFirst || newer.receivedAt != credential?.receivedAt else { return nil }
            credential = newer
            if isFirst { try start(watch) } else { tellOfRefresh(patience) }
        case .undeliverable(let failure):
            if credential == nil { throw CommandFailure(failure) }
        case .signal(let arrival): return hand(on: arrival)
        case .childrenChanged: lookAfterChildren()
        case .overdue(let late):
            if late === child { late.process.signal(Signal.kill) }
        case .ended(let ended):
            guard ended === child else { return nil }
            guard isRestarting, !isEnding else { return exitCode(of: ended) }
            isRestarting = false
            try start(watch)
        }
        return nil
    }

    private func exitCode(of child: ExecChild) -> Int32? {
        switch child.process.statusIfEnded() {
        case .exited(let code)?: code
        case .signaled(let number)?: 128 + number
        case nil: nil
        }
    }

    private mutating func start(_ watch: (ExecChild) -> Void) throws(CommandFailure) {
        guard let credential else { return }
        var request = ChildProcess.Request(
            path: "",
            arguments: [],
            environment: [:],
            descriptors: [0, 1, 2]
        )
        request.exactArguments = options.command
        request.exactEnvironment = environment.entries(with: credential)
        request.searchesPath = true
        request.origin = origin
        do throws(Errno) {
            let started = ExecChild(try ChildProcess(request))
            child = started
            watch(started)
        } catch {
            let name = String(decoding: options.command.first ?? [], as: UTF8.self)
            throw CommandFailure(
                Failure(
                    .misconfigured,
                    at: .output,
                    "\(name.printable): \(error)",
                    hint: programAdvice(name, error, path: environment.programPath)?.printable
                ),
                exitCode: error == .notFound ? 127 : 126
            )
        }
    }

    private mutating func tellOfRefresh(_ patience: (ExecChild) -> Void) {
        guard let child else { return }
        switch options.atRefresh {
        case .nothing: break
        case .signal(let number): child.process.signal(number)
        case .restart:
            guard !isRestarting, !isEnding else { return }
            isRestarting = true
            log(.info, .restarting, ["pid": "\(child.process.pid)"])
            child.process.signal(Signal.terminate)
            // A stopped process would not hear it.
            child.process.signal(Signal.resume)
            patience(child)
        }
    }

    /// The terminal sends its signals to the command itself, which is in this process's group.
    private mutating func hand(on arrival: Signals.Arrival) -> Int32? {
        let ends = isRestarting && Signal.ending.contains(arrival.number)
        if ends || arrival.number == Signal.terminate { isEnding = true }
        guard let child else {
            return Signal.ending.contains(arrival.number) ? 128 + arrival.number : nil
        }
        if arrival.isFromKernel || arrival.sender == child.process.pid { return nil }
        child.process.signal(arrival.number)
        return nil
    }

    private func lookAfterChildren() {
        reapOrphans()
        guard let child, child.process.hasStopped else { return }
        // Until somebody continues this process; that signal is handed on like any other.
        stopWithTerminal()
    }
}

/// The command's environment: this process's own, the credential added, the service manager's
/// business with this process left out.
struct ExecEnvironment: Sendable {
    private let account: Account
    private let path: String
    private let inherited: [[UInt8]]

    private static let dropped: Set<String> = [
        "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
        "LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES",
    ]

    init(account: Account, path: String) {
        self.account = account
        self.path = path
        inherited = processEnvironmentEntries()
    }

    /// Along which the command is looked for.
    var programPath: String? {
        let mark = Array("PATH=".utf8)
        return inherited.first { $0.starts(with: mark) }
            .map { String(decoding: $0.dropFirst(mark.count), as: UTF8.self) }
    }

    /// `NAME=value` entries.
    func entries(with credential: Credential) -> [[UInt8]] {
        var own = environmentVariables(credential, account)
        own.append(("WIF_AGENT_FILE", Array(path.utf8)))
        let older = account.service.kind.facts.olderVariables
        let names = Self.dropped.union(older).union(own.map(\.name)).map { Array($0.utf8) }
        let replaced = Set(names)
        let kept = inherited.filter { entry in
            !replaced.contains(Array(entry.prefix { $0 != UInt8(ascii: "=") }))
        }
        return kept + own.map { Array("\($0.name)=".utf8) + $0.value }
    }
}
