import Federation
import FoundationEssentials
import Kernel
import TestSupport
import Testing

@testable import Agent

/// Where workers come from, with real sockets and a clock that the test moves.
@Suite(.timeLimit(.minutes(1)))
final class `The place of the workers` {
    private let scratch = ScratchDirectory()
    private let time = VirtualTimekeeper()

    private var socket: String { scratch.path + "/exchange.sock" }

    private func account() throws -> Account {
        let document = #"{"type":"external_account","audience":"//x/spaces/y","issuerUri":"x"}"#
        return try Account(parsing: Secret(document), path: "/etc/mondoo.json")
    }

    /// A job's result from a pool of that place; `meanwhile` is what happens while it is awaited.
    private func result(
        of place: WorkerPlace,
        allowance: Sandbox.Allowance = [],
        meanwhile: @escaping @Sendable () async throws -> Void = {}
    ) async throws -> JobAnswer<Credential> {
        let account = try account()
        let pool = WorkerPool(
            place: place,
            allowance: allowance,
            environment: [:],
            timekeeper: time
        )
        return await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await pool.serve() }
            group.addTask { try await meanwhile() }
            let result = await pool.run(.exchange, for: account)
            group.cancelAll()
            return result
        }
    }

    private func failure(_ result: JobAnswer<Credential>) throws -> Failure {
        guard case .failure(let failure) = result.outcome else { throw NoFailure() }
        return failure
    }

    private struct NoFailure: Error {}

    @Test func `a socket that is named and not there is a passing failure with a way out`()
        async throws
    {
        let failure = try failure(try await result(of: WorkerPlace(.socket(socket))))
        #expect(failure.class == .transient)
        #expect(failure.message.contains(socket))
        #expect(failure.hint?.contains("wif-exchange.socket") == true)
    }

    @Test(arguments: [Sandbox.Allowance.files, .programs, .unixSockets])
    func `the standard socket is used where it is served, but not for programs`(
        allowance: Sandbox.Allowance
    ) async throws {
        let listener = try Listener(.unix(path: socket))
        let place = WorkerPlace(.automatic, program: .missing, standardSocket: socket)
        let result = try await result(of: place, allowance: allowance) {
            let stream = try await listener.accept()
            _ = try await stream.read(upTo: 65_536)
            let failure = Failure(.refused, at: .exchange, "said the worker")
            try await stream.write(JobResult(id: 1, outcome: .failure(failure)).line())
            _ = try await stream.read(upTo: 1)
        }
        let message = try failure(result).message
        #expect(message.contains("said the worker") == (allowance == .files))
        #expect(message.contains("cannot be started") != (allowance == .files))
    }

    @Test func `without a served standard socket the worker is a child`() async throws {
        for isStale in [false, true] {
            if isStale { _ = try Listener(.unix(path: socket)) }
            let place = WorkerPlace(.automatic, program: .missing, standardSocket: socket)
            #expect(try failure(try await result(of: place)).message.contains("cannot be started"))
        }
    }

    @Test(arguments: [0o777, 0o775, 0o757])
    func `a worker that others could have changed is not started`(mode: Int) async throws {
        let program = scratch("wif-exchange")
        let script = "#!/bin/sh\ntouch \(scratch("ran"))\n"
        try Data(script.utf8).write(to: URL(filePath: program))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: program)
        let place = WorkerPlace(.child, program: WorkerProgram(candidates: [program]))
        let failure = try failure(try await result(of: place))
        #expect(failure.class == .misconfigured)
        #expect(failure.message.contains("\(program) is not started"))
        #expect(failure.hint?.contains("-w \(program)") == true)
        #expect(throws: Failure.self) { try place.look() }
        #expect(!FileManager.default.fileExists(atPath: scratch("ran")))
    }

    @Test func `a socket that takes jobs and answers none is given up after the job's time`()
        async throws
    {
        let listener = try Listener(.unix(path: socket))
        let time = time
        let result = try await result(of: WorkerPlace(.socket(socket))) {
            let stream = try await listener.accept()
            _ = try await stream.read(upTo: 65_536)
            await time.waitForSleepers(1)
            time.advance(by: 66)
            // Hung up on.
            #expect(try await stream.read(upTo: 1).isEmpty)
        }
        let failure = try failure(result)
        #expect(failure.class == .transient)
        #expect(failure.message.contains("overstayed"))
    }

    @Test func `a second connection that fails leaves the first one's jobs alone`() async throws {
        let (jobs, path, time) = (JobQueue.jobsAtATime + 1, socket, time)
        let account = try account()
        let pool = WorkerPool(place: WorkerPlace(.socket(path)), environment: [:], timekeeper: time)
        let listener = try Listener(.unix(path: path))
        let answers = try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask {
                await pool.serve()
                return nil
            }
            group.addTask {
                let stream = try await listener.accept()
                var lines = LineReader(stream.raw, limit: 1 << 20)
                for _ in 1..<jobs { _ = try await lines.next() }
                try FileManager.default.removeItem(atPath: path)
                await time.waitForSleepers(1)
                time.advance(by: JobQueue.patienceSeconds)
                // Only once the one without a worker has failed.
                await Self.oneFailed.wait()
                for id in 1...jobs {
                    let failure = Failure(.refused, at: .exchange, "answered")
                    let line = JobResult(id: id, outcome: .failure(failure)).line()
                    try await stream.write(line)
                }
                _ = try await stream.read(upTo: 1)
                return nil
            }
            for _ in 0..<jobs {
                group.addTask {
                    let result = await pool.run(.exchange, for: account)
                    guard case .failure(let failure) = result.outcome else { return nil }
                    if failure.message != "answered" { Self.oneFailed.ring() }
                    return failure.message
                }
            }
            var answers: [String] = []
            while answers.count < jobs, let answer = try await group.next() {
                answer.map { answers.append($0) }
            }
            group.cancelAll()
            return answers
        }
        #expect(answers.count { $0 == "answered" } == jobs - 1)
        #expect(answers.count { $0.contains("cannot be connected to") } == 1)
    }

    private static let oneFailed = Wakeup()

    @Test func `a socket that says something else than results is not listened to`() async throws {
        let listener = try Listener(.unix(path: socket))
        let result = try await result(of: WorkerPlace(.socket(socket))) {
            for _ in 0..<2 {
                let stream = try await listener.accept()
                _ = try await stream.read(upTo: 65_536)
                try await stream.write(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
                _ = try await stream.read(upTo: 1)
            }
        }
        let failure = try failure(result)
        #expect(failure.class == .transient)
        #expect(failure.hint?.contains("MaxConnections=") == true)
    }
}

@Suite struct `What the service manager asks for` {
    @Test(arguments: [
        ("180000000", 45.0), ("1", 0.1), ("0", nil), ("-5", nil), ("soon", nil), ("", nil),
        ("nan", nil), ("1e3", nil), ("99999999999999999999999", nil),
    ]) func `signs of life come at its pace, and none for what is no time`(
        text: String,
        interval: Double?
    ) {
        let manager = ServiceManager(environment: ["WATCHDOG_USEC": text])
        #expect(manager.watchdogInterval == interval)
    }
}

extension WorkerProgram {
    fileprivate static let missing = WorkerProgram(candidates: workerPrograms(besides: nil))
}
