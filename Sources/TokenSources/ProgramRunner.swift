import Federation
import Kernel
import Synchronization
import Text

/// A program that gives a token or a credential. No shell is between, and it gets nothing of the
/// worker's own environment.
struct Program: Sendable {
    /// The argument vector; first an absolute path, or a name to look for along the requester's PATH.
    let command: [String]
    /// Its environment beside the requester's PATH, HOME and LANG.
    var variables: [String: String] = [:]
    /// Seconds until it is told to end.
    var timeLimit = 30.0
}

/// What a program left behind.
struct ProgramOutput: Sendable {
    let status: ChildProcess.ExitStatus
    /// Its standard output. What it says on standard error is never kept: it may be anything.
    let output: Secret
}

extension SourceContext {
    /// Bytes of standard output that are taken.
    private static let outputLimit = 1 << 20
    /// Seconds between the request to end and the end.
    private static let grace = 1.0

    /// Runs a program to its end, in a process group of its own that does not outlive it.
    ///
    /// - Throws: where this worker runs no programs, where others could have changed the program,
    ///   where it does not end in time or writes too much. A bad exit code is the caller's to judge.
    func run(_ program: Program) async throws(SourceError) -> ProgramOutput {
        guard runsPrograms else {
            throw SourceError(
                .misconfigured,
                "the program \(program.name) cannot be run: this worker may not run programs",
                hint:
                    "they need a worker started as wif-exchange --programs, which the one behind a"
                    + " socket never is; an agent with --worker-socket none starts one"
            )
        }
        let path = try trustedPath(of: program)
        do {
            let result = try await started(program, path).output(
                limit: Self.outputLimit,
                grace: Self.grace,
                deadline: deadline,
                timekeeper
            )
            secrets.addOutput(result.output)
            return result
        } catch let error as SourceError {
            throw error
        } catch let error as Errno {
            throw SourceError(
                Failure.Class(of: error),
                "\(program.name) cannot be started: \(error)",
                hint: error.limitHint ?? startAdvice(path, error)?.printable
            )
        } catch {
            throw .cancelled
        }
    }

    /// Starts it; again for a moment where somebody still holds the file open for writing.
    private func started(_ program: Program, _ path: String) async throws -> RunningProgram {
        for _ in 0..<10 {
            do throws(Errno) {
                return try RunningProgram(program, path: path, environment: environment)
            } catch {
                guard error == .textBusy else { throw error }
            }
            try await timekeeper.sleep(until: timekeeper.now.advanced(bySeconds: 0.05))
        }
        throw Errno.textBusy
    }

    private func trustedPath(of program: Program) throws(SourceError) -> String {
        guard let path = path(of: program) else {
            throw SourceError(
                .noSource,
                "\(program.name) is not found in PATH",
                hint: "install \(program.name), or add its directory to the agent's PATH",
                isAbsent: true
            )
        }
        do throws(PathError) {
            return try trustedFile(path, owners: [effectiveUserID()])
        } catch {
            throw SourceError(
                error.reason == .notFound ? .noSource : .misconfigured,
                "\(program.name) is not run: \(error)",
                hint: error.hint
            )
        }
    }

    private func path(of program: Program) -> String? {
        let name = program.command.first ?? ""
        if name.hasPrefix("/") { return name }
        guard !name.isEmpty, !name.contains("/") else { return nil }
        return (variable("PATH") ?? usualProgramPath).split(separator: ":")
            .filter { $0.hasPrefix("/") }
            .map { "\($0)/\(name)" }
            .first(where: isExecutable)
    }

    private func isExecutable(_ path: String) -> Bool {
        do throws(Errno) {
            let facts = try FileFacts(at: path)
            return facts.kind == .regular && facts.mode & 0o111 != 0
        } catch {
            return false
        }
    }
}

extension Program {
    /// For messages.
    var name: String { (command.first ?? "").printable }
}

/// A started program with the pipes that it writes to.
private struct RunningProgram {
    private enum Event {
        case ended
        case overdue
        case full
    }

    private let program: Program
    private let child: ChildProcess
    private let output: SendableDescriptor
    private let errors: SendableDescriptor
    private let collected = Collected()

    init(_ program: Program, path: String, environment: [String: String]) throws(Errno) {
        let output = try Pipe()
        let errors = try Pipe()
        var request = ChildProcess.Request(
            path: path,
            arguments: program.command,
            environment: programEnvironment(from: environment).merging(program.variables) { $1 },
            descriptors: [-1, output.writing.raw, errors.writing.raw]
        )
        request.leadsGroup = true
        self.program = program
        Leftovers.programStarts()
        do throws(Errno) {
            child = try ChildProcess(request)
            self.output = try SendableDescriptor(nonBlocking: output.takeReading())
            self.errors = try SendableDescriptor(nonBlocking: errors.takeReading())
        } catch {
            Leftovers.programEnded()
            throw error
        }
    }

    func output(
        limit: Int,
        grace: Double,
        deadline: BootInstant,
        _ timekeeper: any Timekeeper
    ) async throws -> ProgramOutput {
        // Whatever happens, nothing of it stays: this ends the group, and what has left it.
        defer {
            child.signal(Signal.kill)
            Leftovers.programEnded()
        }
        // The job's own end must not come before that of the program it started.
        let last = deadline.advanced(bySeconds: -2 * grace)
        let end = min(timekeeper.now.advanced(bySeconds: program.timeLimit), last)
        switch try await firstEvent(limit: limit, end, timekeeper) {
        case .ended: break
        case .overdue:
            try await stop(timekeeper.now.advanced(bySeconds: grace), timekeeper)
            throw SourceError(
                .transient,
                "\(program.name) did not end within \(Int(program.timeLimit)) s, and was stopped",
                hint:
                    "run it by hand as the agent's user and see what it waits for; if it needs longer,"
                    + " raise timeoutMillis"
            )
        case .full:
            throw SourceError(
                .noSource,
                "\(program.name) wrote more than \(limit) bytes, and was stopped",
                hint: Self.tooMuch
            )
        }
        child.signal(Signal.kill)
        guard try collected.take(rest: output.raw, limit: limit) else {
            throw SourceError(
                .noSource,
                "\(program.name) wrote more than \(limit) bytes",
                hint: Self.tooMuch
            )
        }
        return ProgramOutput(status: try await child.wait(), output: collected.secret())
    }

    private static let tooMuch = "let it print the token alone, and all else to standard error"

    /// The first of: its end, the limit of time, the limit of output.
    private func firstEvent(
        limit: Int,
        _ end: BootInstant,
        _ timekeeper: any Timekeeper
    ) async throws -> Event {
        try await throwingRace(
            { [child] in
                try await child.ended()
                return .ended
            },
            against: { await timekeeper.reaches(end) ? .overdue : nil },
            { [output, collected] in
                try await collected.read(output.raw, limit: limit) ? nil : .full
            },
            { [errors] in
                try await discard(errors.raw)
                return nil
            }
        )
    }

    private func stop(_ end: BootInstant, _ timekeeper: any Timekeeper) async throws {
        child.signal(Signal.terminate)
        _ = try await throwingBefore(end, on: timekeeper) { [child] in try await child.ended() }
    }
}

/// A program's output as it comes, wiped in the end.
private final class Collected: Sendable {
    private let bytes = Mutex<[UInt8]>([])

    deinit { bytes.withLock { wipe(&$0) } }

    func secret() -> Secret { bytes.withLock { Secret($0) } }

    /// Reads to the end; `false` where there is more than the limit.
    func read(_ descriptor: Int32, limit: Int) async throws -> Bool {
        while true {
            switch try take(descriptor) {
            case nil: try await Poller.shared.wait(for: descriptor, .reading)
            case 0: return true
            default: if isOver(limit) { return false }
            }
        }
    }

    /// Takes what is in the pipe already; `false` where that makes more than the limit.
    func take(rest descriptor: Int32, limit: Int) throws(Errno) -> Bool {
        while let count = try take(descriptor), count > 0 {
            if isOver(limit) { return false }
        }
        return true
    }

    private func isOver(_ limit: Int) -> Bool { bytes.withLock { $0.count > limit } }

    private func take(_ descriptor: Int32) throws(Errno) -> Int? {
        guard
            var piece = try unlessBlocked({ () throws(Errno) in
                try Kernel.read(descriptor, upTo: 65_536)
            })
        else { return nil }
        defer { wipe(&piece) }
        bytes.withLock { [piece] in $0 += piece }
        return piece.count
    }
}

private func discard(_ descriptor: Int32) async throws {
    while true {
        let piece = try unlessBlocked { () throws(Errno) in
            try Kernel.read(descriptor, upTo: 65_536)
        }
        guard let piece else {
            try await Poller.shared.wait(for: descriptor, .reading)
            continue
        }
        if piece.isEmpty { return }
    }
}

/// What programs leave behind beside their process groups falls to this process, whose only children are
/// programs: it is ended when none of them runs any more, for nothing tells whose it is.
private enum Leftovers {
    private static let running = Mutex(0)

    static func programStarts() {
        running.withLock { $0 += 1 }
    }

    static func programEnded() {
        running.withLock { running in
            running -= 1
            if running == 0 { endAdoptedProcesses() }
        }
    }
}
