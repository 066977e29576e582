import Federation
import Kernel
import Synchronization

/// One running `wif-exchange`: jobs go in as lines, results come out as lines.
protocol WorkerLink: Sendable {
    /// Of a child; `nil` behind a socket.
    var pid: Int32? { get }
    /// What may help where it ends over its jobs.
    var hint: String? { get }

    /// Sends a job.
    /// - Throws: `Errno` (EPIPE where the worker is gone) or `CancellationError`.
    func send(_ job: Job) async throws

    /// Says that no more jobs come; the worker ends when it has answered those it has.
    func finish()

    func kill()

    /// Hands each line of its output to `handle` until the output ends.
    /// - Throws: what `handle` throws; `LineReader.TooLong` for more than ``WorkerLimits`` allow.
    func readLines(_ handle: ([UInt8]) throws -> Void) async throws

    /// Reads what the worker writes to standard error and forgets it, for it may quote anything; returns
    /// when it writes no more or the task is cancelled.
    /// - Throws: `LineReader.TooLong` for more than ``WorkerLimits`` allow.
    func drainErrors() async throws

    /// Returns when the worker is gone: how it ended.
    func exitReason() async throws -> String
}

/// What a worker may write in its life, in bytes: more is no worker's of ours.
enum WorkerLimits {
    /// The longest result line: a 1 MiB reply with room for base64 or JSON's escapes.
    static let line = 2 << 20
    /// All result lines together.
    static let output = 64 << 20
    /// To standard error, where it says a few words before it dies.
    static let errors = 1 << 20
}

/// A worker that is a child.
final class WorkerProcess: WorkerLink {
    private let process: ChildProcess
    private let input: Mutex<SendableDescriptor?>
    private let output: SendableDescriptor
    private let errors: SendableDescriptor
    private let runsPrograms: Bool

    /// - Throws: `Errno` where the program cannot be started.
    init(program: String, _ allowance: Sandbox.Allowance = []) throws(Errno) {
        let input = try Pipe()
        let output = try Pipe()
        let errors = try Pipe()
        var request = ChildProcess.Request(
            path: program,
            arguments: ["wif-exchange"] + allowance.arguments,
            // A crash report would print the memory of a process that holds tokens.
            environment: ["SWIFT_BACKTRACE": "enable=no"],
            descriptors: [input.reading.raw, output.writing.raw, errors.writing.raw]
        )
        // Apart from what the terminal's user interrupts or stops.
        request.leadsGroup = true
        request.allowance = allowance
        runsPrograms = allowance.contains(.programs)
        process = try ChildProcess(request)
        self.input = Mutex(try SendableDescriptor(nonBlocking: input.takeWriting()))
        self.output = try SendableDescriptor(nonBlocking: output.takeReading())
        self.errors = try SendableDescriptor(nonBlocking: errors.takeReading())
    }

    var pid: Int32? { process.pid }
    var hint: String? { nil }

    func send(_ job: Job) async throws {
        guard let descriptor = input.withLock(\.self) else { throw Errno.brokenPipe }
        var line = job.line()
        defer { wipe(&line) }
        try await writeAll(line, to: descriptor.raw)
    }

    func finish() {
        input.withLock { $0 = nil }
    }

    func kill() {
        // Its programs are in groups of their own, and nobody's once it is gone.
        if runsPrograms { process.killWithDescendants() } else { process.signal(9) }
    }

    func readLines(_ handle: ([UInt8]) throws -> Void) async throws {
        try await readResultLines(output.raw, handle)
    }

    func drainErrors() async throws {
        try await discardInput(of: errors.raw, limit: WorkerLimits.errors)
    }

    func exitReason() async throws -> String {
        try await process.wait().description
    }
}

/// As ``WorkerLink/readLines(_:)`` does, from a descriptor.
func readResultLines(
    _ descriptor: Int32,
    _ handle: ([UInt8]) throws -> Void
) async throws {
    var lines = LineReader(descriptor, limit: WorkerLimits.line, total: WorkerLimits.output)
    while var line = try await lines.next() {
        defer { wipe(&line) }
        try handle(line)
    }
}
