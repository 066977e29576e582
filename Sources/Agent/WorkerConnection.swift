import Federation
import Kernel

/// A worker behind a Unix socket, in a unit of its own: the job lines are the same, and closing the
/// connection ends it.
final class WorkerConnection: WorkerLink {
    private let stream: SocketStream

    init(_ stream: SocketStream) {
        self.stream = stream
    }

    var pid: Int32? { nil }

    var hint: String? {
        "is it wif-exchange's socket that --worker-socket names? systemctl status wif-exchange.socket: is"
            + " MaxConnections= reached, does it serve this user?"
    }

    func send(_ job: Job) async throws {
        var line = job.line()
        defer { wipe(&line) }
        try await stream.write(line)
    }

    func finish() { stream.endWriting() }

    func kill() { stream.close() }

    func readLines(_ handle: ([UInt8]) throws -> Void) async throws {
        try await readResultLines(stream.raw, handle)
    }

    /// They are the unit's to keep: nothing comes, until cancelled.
    func drainErrors() async throws { await Wakeup().wait() }

    func exitReason() async throws -> String { "it closed the connection" }
}
