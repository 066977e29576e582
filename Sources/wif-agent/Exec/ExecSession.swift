import Agent
import Federation
import Kernel
import Outputs

/// One run of `wif-agent exec`: the first credential, the command, and what happens while it runs.
struct ExecSession: Sendable {
    enum Event: Sendable {
        case signal(Signals.Arrival)
        case childrenChanged
        /// Every delivery that succeeded, and whether it brought a newer credential.
        case delivered(Credential)
        case undeliverable(Failure)
        case ended(ExecChild)
        case overdue(ExecChild)
    }

    let account: Account
    let options: ExecOptions
    let worker: JoiningWorker
    let signals: Signals
    let children: Signals
    let log: Log
    let invocation: Invocation

    func result(timeout: Double) async -> Result<Int32, CommandFailure> {
        do throws(CommandFailure) {
            switch await firstCredential(timeout) {
            case .signal(let number): return .success(128 + number)
            case .answer(let answer): return .success(try await run(try answer.get()))
            }
        } catch {
            return .failure(error)
        }
    }

    // MARK: Before the command

    private enum Beginning: Sendable {
        case answer(JobAnswer<Credential>)
        case signal(Int32)
    }

    private func firstCredential(_ timeout: Double) async -> Beginning {
        await race(
            {
                .answer(
                    await DirectExchange.retrying(for: account, timeout: timeout) {
                        await worker.run(.exchange, for: account, within: $0)
                    }
                )
            },
            against: {
                do { return .signal(try await nextEndingSignal()) } catch { return nil }
            }
        )
    }

    private func nextEndingSignal() async throws -> Int32 {
        while true {
            let number = try await signals.next()
            if Signal.ending.contains(number) { return number }
        }
    }

    // MARK: With the command

    private func run(_ first: Credential) async throws(CommandFailure) -> Int32 {
        let place: PrivateDirectory
        do throws(PathError) {
            place = try PrivateDirectory(
                prefix: "wif-agent-",
                environment: invocation.environment
            )
        } catch {
            throw CommandFailure(.private(error))
        }
        let ended: Result<Int32, CommandFailure>
        do throws(CommandFailure) {
            ended = .success(try await run(first, in: place))
        } catch {
            ended = .failure(error)
        }
        do throws(PathError) {
            try place.remove()
        } catch {
            log(.warning, .warning, ["error": "\(error)"])
        }
        return try ended.get()
    }

    private func run(
        _ first: Credential,
        in place: PrivateDirectory
    ) async throws(CommandFailure) -> Int32 {
        let (events, source) = AsyncStream<Event>.makeStream()
        let path = place.path + "/credential"
        let loop = try makeLoop(first, path, in: place, source)
        let result = await withDiscardingTaskGroup { group -> Result<Int32, CommandFailure> in
            group.addTask { await loop.run() }
            group.addTask { await forwardSignals(to: source) }
            group.addTask { await tellOfChildren(to: source) }
            var supervisor = ExecSupervisor(
                options: options,
                environment: ExecEnvironment(account: account, path: path),
                origin: invocation.origin,
                log: log
            )
            defer { group.cancelAll() }
            for await event in events {
                do throws(CommandFailure) {
                    let watch = { (child: ExecChild) in
                        group.addTask { await child.watch { source.yield(.ended(child)) } }
                    }
                    let patience = { (child: ExecChild) in
                        group.addTask { await child.outlast { source.yield(.overdue(child)) } }
                    }
                    if let code = try supervisor.handle(event, watch: watch, patience: patience) {
                        return .success(code)
                    }
                    if case .signal(let arrival) = event, arrival.number == Signal.resume {
                        loop.lookAgain()
                    }
                } catch {
                    return .failure(error)
                }
            }
            return .failure(CommandFailure(.strangeAnswer))
        }
        let failure = await revoke(loop.snapshot)
        if worker.ownsCredential, !account.revokesOnExit(ofCommand: true) {
            tellWhatRevokes(account)
        }
        let code = try result.get()
        if let failure, code == 0, options.requiresRevocation { throw CommandFailure(failure) }
        return code
    }

    private func makeLoop(
        _ first: Credential,
        _ path: String,
        in place: PrivateDirectory,
        _ events: AsyncStream<Event>.Continuation
    ) throws(CommandFailure) -> AccountLoop {
        let output = Output(kind: .file(options.format, FileOptions()), path: path)
        let account = account.replacingOutputs([output], hooks: [])
        do throws(OutputError) {
            return try AccountLoop(
                account: account,
                openOutputs: { account throws(OutputError) in
                    let outputs = try OutputSet(account: account, runtimeDirectory: place.path)
                    return ObservedOutputs(outputs) { events.yield($0) }
                },
                keeper: nil,
                dependencies: AccountLoop.Dependencies(
                    worker: PrimedWorker(first, then: worker),
                    timekeeper: SystemTimekeeper(),
                    chance: { Double.random(in: 0..<1) },
                    log: log,
                    revokesSuperseded: worker.ownsCredential
                        && account.revokesOnExit(ofCommand: true),
                    onChange: {}
                )
            )
        } catch {
            throw CommandFailure(error.failure)
        }
    }

    private func forwardSignals(to events: AsyncStream<Event>.Continuation) async {
        do { while true { events.yield(.signal(try await signals.nextArrival())) } } catch {}
    }

    private func tellOfChildren(to events: AsyncStream<Event>.Continuation) async {
        do {
            while true {
                _ = try await children.next()
                events.yield(.childrenChanged)
            }
        } catch {}
    }

    /// Gives the credential back where the account says so, and those before it that still live; what
    /// an agent lent is the agent's.
    private func revoke(_ state: AccountLife) async -> Failure? {
        guard account.revokesOnExit(ofCommand: true) else { return nil }
        var credentials = state.revocations.entries.map(\.credential)
        if worker.ownsCredential, state.phase(at: .now) == .valid, let last = state.credential {
            credentials.append(last)
        }
        return await withTaskGroup(of: Failure?.self) { group in
            for credential in credentials {
                group.addTask {
                    let result = await worker.run(.revoke(credential.value), for: account)
                    if case .failure(let failure) = result.outcome { return failure }
                    return nil
                }
            }
            var last: Failure?
            for await case let failure? in group {
                log(
                    .warning,
                    .revocationFailed,
                    [
                        "account": account.name, "class": failure.class.rawValue,
                        "error": failure.message, "hint": failure.hint,
                    ]
                )
                last = failure
            }
            return last
        }
    }
}

/// The file output, with every delivery told.
private struct ObservedOutputs: CredentialOutputs {
    private let outputs: OutputSet
    private let tell: @Sendable (ExecSession.Event) -> Void

    init(_ outputs: OutputSet, tell: @escaping @Sendable (ExecSession.Event) -> Void) {
        self.outputs = outputs
        self.tell = tell
    }

    func deliver(_ credential: Credential) async -> [OutputReport] {
        let reports = await outputs.deliver(credential)
        if let failure = reports.lazy.compactMap(\.failure).first {
            tell(.undeliverable(failure))
        } else {
            tell(.delivered(credential))
        }
        return reports
    }

    func expire() async -> [OutputReport] { await outputs.expire() }

    func close(removing: Bool) async -> [OutputReport] { await outputs.close(removing: removing) }
}

extension Failure {
    fileprivate static func `private`(_ error: PathError) -> Failure {
        Failure(.misconfigured, at: .output, "private directory: \(error)", hint: error.hint)
    }
}

extension Signal {
    /// Those that ask a process to end.
    static let ending: Set<Int32> = [terminate, interrupt, hangUp, quit]
}
