package import Federation
package import Kernel
import Text

/// The long-running agent: every account's loop, the worker pool, the control socket, and what
/// systemd and signals ask.
package struct Agent: Sendable {
    /// Why the agent did not start, and the exit code that says so.
    package struct StartFailure: Error, Sendable {
        package let failure: Failure
        package let exitCode: Int32
    }

    private enum Event: Sendable {
        case signal(Int32)
        case filesChanged
        case recheck
        case watchdog
        case clockSet
    }

    /// The signals the agent must be given.
    package static let signals: [Int32] = [
        Signal.terminate, Signal.interrupt, Signal.hangUp, Signal.user1,
    ]

    private let settings: AgentSettings
    private let timekeeper: any Timekeeper
    private let log: Log
    private let signals: Signals
    private let manager: ServiceManager
    private let board: Board
    private let files: AccountFileWatch
    private let tokens: TokenFileWatch

    /// Bad account files are looked at again each this many seconds.
    private static let recheckInterval = 300.0

    package init(
        settings: AgentSettings,
        timekeeper: any Timekeeper,
        log: Log,
        signals: Signals
    ) {
        self.settings = settings
        self.timekeeper = timekeeper
        self.log = log
        self.signals = signals
        manager = ServiceManager(environment: settings.environment)
        board = Board(timekeeper: timekeeper)
        files = AccountFileWatch(settings: settings, timekeeper: timekeeper)
        tokens = TokenFileWatch(board: board, timekeeper: timekeeper)
    }

    /// Runs until SIGTERM or SIGINT.
    /// - Throws: ``StartFailure`` where no account is usable or nothing can be served.
    package func run() async throws(StartFailure) {
        // An account with a socket holds two descriptors.
        raiseDescriptorLimit()
        let pool = workerPool()
        let board = board
        let worker = ChainedWorker(
            pool,
            onCredential: { board.hastenUsers(of: $0) },
            lookup: { await board.credential(of: $0, as: $1, for: $2) }
        )
        let handedOver = try handedOverSockets()
        var roster = makeRoster(worker, handedOver)
        let servers = try Servers(settings: settings, board: board, handedOver: handedOver)
        log(.info, .started, ["version": programVersion, "runtime": settings.runtimeDirectory])
        let failure = await withDiscardingTaskGroup { group -> StartFailure? in
            files.noteReading()
            await roster.reload { loop in group.addTask { await loop.run() } }
            if let failure = startFailure(roster) {
                group.cancelAll()
                return failure
            }
            tellStrangers(handedOver)
            group.addTask { await pool.serve() }
            group.addTask { await servers.run(log: log, on: timekeeper) }
            group.addTask { await announceReadiness() }
            group.addTask { await keepStatusLine() }
            await handleEvents {
                files.noteReading()
                await roster.reload { loop in group.addTask { await loop.run() } }
                tokens.accountsChanged()
            }
            // While the workers are there: credentials may have to be revoked.
            await roster.shutDown()
            group.cancelAll()
            return nil
        }
        servers.close()
        if let failure { throw failure }
        log(.info, .stopped)
    }

    private func workerPool() -> Workers {
        let (board, log) = (board, log)
        return Workers(
            place: settings.worker,
            environment: settings.environment,
            timekeeper: timekeeper
        ) { event in
            switch event {
            case .started(let pid):
                board.count { $0.workersStarted += 1 }
                log(.debug, .workerStarted, ["pid": pid.map(String.init)])
            case .died(let pid, let reason):
                board.count { $0.workersDied += 1 }
                let fields: KeyValuePairs<String, String?> = [
                    "pid": pid.map(String.init), "error": reason,
                ]
                log(.warning, .workerDied, about: "", fields)
            }
        }
    }

    private func handedOverSockets() throws(StartFailure) -> HandedOverSockets {
        do throws(Errno) {
            return try HandedOverSockets(environment: settings.environment)
        } catch {
            let message = "the sockets handed over by systemd cannot be used: \(error)"
            throw StartFailure(message, hint: error.descriptorHint, reason: error)
        }
    }

    /// Warns of sockets that nobody will ever accept from.
    private func tellStrangers(_ handedOver: HandedOverSockets) {
        let known = board.loops.map(\.name) + [HandedOverSockets.listenName]
        for name in handedOver.names where !known.contains(name) {
            let message = "a socket was handed over as \"\(name)\", and no account has that name"
            let hint = "FileDescriptorName= is an account's name, or listen for the metrics"
            log(.warning, .warning, ["error": message, "hint": hint])
        }
    }

    private func makeRoster(
        _ worker: any ExchangeWorker,
        _ handedOver: HandedOverSockets
    ) -> Roster {
        let board = board
        let dependencies = AccountLoop.Dependencies(
            worker: worker,
            timekeeper: timekeeper,
            chance: { Double.random(in: 0..<1) },
            log: log,
            environment: settings.environment,
            revokesSuperseded: true,
            onChange: { board.changed() }
        )
        let keeper = CredentialKeeper(
            directory: settings.stateDirectory ?? settings.runtimeDirectory + "/state",
            onDisk: settings.stateDirectory != nil,
            adopts: settings.adopts
        )
        return Roster(
            settings: settings,
            dependencies: dependencies,
            board: board,
            keeper: keeper,
            handedOver: handedOver
        )
    }

    private func startFailure(_ roster: Roster) -> StartFailure? {
        guard roster.loops.isEmpty else { return nil }
        guard let problem = roster.rejections.values.min(by: { $0.path < $1.path }) else {
            let note = settings.directory.flatMap(AccountFiles.notePassedOver(in:))
            return StartFailure(
                "there is no account file to work with\(note?.text ?? "")",
                hint: note?.hint
                    ?? "name one with -c, or put one into \(settings.directory ?? "/etc/wif-agent")",
                exitCode: 66
            )
        }
        return StartFailure(failure: problem.failure, exitCode: problem.exitCode)
    }

    // MARK: While it runs

    private func handleEvents(reload: () async -> Void) async {
        let (events, source) = AsyncStream<Event>.makeStream()
        await withTaskGroup { group in
            group.addTask { await self.forwardSignals(to: source) }
            group.addTask { await self.forwardClockSteps(to: source) }
            group.addTask { await self.recheck(to: source) }
            if settings.watches {
                group.addTask { await self.forwardFileChanges(to: source) }
                group.addTask { await self.watchTokenFiles() }
            }
            if let interval = manager.watchdogInterval {
                group.addTask { await self.tick(.watchdog, each: interval, to: source) }
            }
            loop: for await event in events {
                switch event {
                case .signal(Signal.hangUp), .filesChanged:
                    manager.notify("RELOADING=1", "MONOTONIC_USEC=\(monotonicMicroseconds())")
                    await reload()
                    manager.notify("READY=1")
                case .signal(Signal.user1): for loop in board.loops { loop.refresh() }
                case .signal:
                    manager.notify("STOPPING=1")
                    log(.info, .stopping)
                    break loop
                case .recheck: if !board.rejections.isEmpty { await reload() }
                case .watchdog: feedWatchdog()
                case .clockSet:
                    log(.info, .clockSet)
                    for loop in board.loops { loop.lookAgain() }
                }
            }
            group.cancelAll()
        }
    }

    /// That this runs at all shows that the events are attended to; of the accounts it asks.
    private func feedWatchdog() {
        let stuck = board.stuckAccounts
        if stuck.isEmpty { return manager.notify("WATCHDOG=1") }
        let message = "what was due has not been attended to; the watchdog is not fed"
        for account in stuck {
            log(.error, .stuck, about: account, ["account": account, "error": message])
        }
    }

    private func forwardSignals(to events: AsyncStream<Event>.Continuation) async {
        while !Task.isCancelled {
            do {
                while true { events.yield(.signal(try await signals.next())) }
            } catch is CancellationError {
                break
            } catch {
                // The kernel has no room for another watch: the end of all accounts is no answer to that.
                let message = "signals cannot be waited for, trying again in 1 s: \(error)"
                log(.error, .warning, about: "signals", ["error": message])
                let next = timekeeper.now.advanced(bySeconds: 1)
                do { try await timekeeper.sleep(until: next) } catch { break }
            }
        }
        events.finish()
    }

    private func forwardClockSteps(to events: AsyncStream<Event>.Continuation) async {
        do {
            let watch = try ClockWatch()
            while true {
                try await watch.nextChange()
                events.yield(.clockSet)
            }
        } catch is CancellationError {
        } catch {
            log(.warning, .warning, ["error": "clock steps will go unnoticed: \(error)"])
        }
    }

    private func forwardFileChanges(to events: AsyncStream<Event>.Continuation) async {
        do {
            while true {
                try await files.nextChange()
                events.yield(.filesChanged)
            }
        } catch is CancellationError {
        } catch {
            log(
                .warning,
                .warning,
                [
                    "error": "account files are not watched: \(error)",
                    "hint": "after an edit, systemctl reload wif-agent, or SIGHUP",
                ]
            )
        }
    }

    private func watchTokenFiles() async {
        do {
            try await tokens.run()
        } catch is CancellationError {
        } catch {
            log(.warning, .warning, ["error": "token files are not watched: \(error)"])
        }
    }

    /// Has bad account files looked at again, for as long as there are some; else nothing wakes up.
    private func recheck(to events: AsyncStream<Event>.Continuation) async {
        while !Task.isCancelled {
            _ = await board.wait(until: .distantFuture) { !board.rejections.isEmpty }
            do {
                let next = timekeeper.now.advanced(bySeconds: Self.recheckInterval)
                try await timekeeper.sleep(until: next)
            } catch {
                return
            }
            events.yield(.recheck)
        }
    }

    private func tick(
        _ event: Event,
        each seconds: Double,
        to events: AsyncStream<Event>.Continuation
    ) async {
        do {
            while true {
                try await timekeeper.sleep(until: timekeeper.now.advanced(bySeconds: seconds))
                events.yield(event)
            }
        } catch {}
    }

    private func announceReadiness() async {
        let deadline = timekeeper.now.advanced(bySeconds: settings.readyTimeout)
        _ = await board.wait(until: deadline) { board.isSettled }
        if Task.isCancelled { return }
        manager.notify("READY=1")
        log(.info, .ready, ["status": board.statusLine])
    }

    private func keepStatusLine() async {
        guard manager.isThere else { return }
        var told = ""
        await board.watch {
            let line = board.statusLine
            if line != told { manager.notify("STATUS=\(line)") }
            told = line
        }
    }
}

extension Agent.StartFailure {
    init(_ message: String, hint: String? = nil, exitCode: Int32 = 78) {
        self.init(
            failure: Failure(.misconfigured, at: .account, message, hint: hint),
            exitCode: exitCode
        )
    }

    /// A system call that failed: the exit code says whether that may pass.
    init(_ message: String, hint: String?, reason: Errno?) {
        let failure = Failure(Failure.Class(of: reason), at: .account, message, hint: hint)
        self.init(failure: failure, exitCode: failure.exitCode)
    }
}

extension Board {
    /// One line for `systemctl status`: how many accounts are ready, and the names of those that are not.
    var statusLine: String {
        let now = timekeeper.now
        let all = loops
        let unready = all.filter { !$0.ask { $0.isReady(at: now) } }
        let missing = unready.map(\.name) + rejections.map(\.path)
        let count = "\(all.count - unready.count) of \(all.count) ready"
        return missing.isEmpty ? count : "\(count); not ready: \(missing.joined(separator: ", "))"
    }
}
