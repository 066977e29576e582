import Federation
import Kernel
import Synchronization
import TestSupport
import Testing
import Worker

struct LineSplitterTests {
    private func lines(_ pieces: [String], limit: Int = 10) -> [LineSplitter.Line] {
        var splitter = LineSplitter(limit: limit)
        var lines = pieces.flatMap { splitter.take(Array($0.utf8)) }
        if let last = splitter.finish() { lines.append(last) }
        return lines
    }

    private func whole(_ text: String) -> LineSplitter.Line { .whole(Array(text.utf8)) }

    @Test(
        arguments: [
            ([], []), (["a\nb\n"], ["a", "b"]), (["a", "b\nc", "d"], ["ab", "cd"]),
            (["\n\n \r\na\n"], ["a"]), (["0123456789\n"], ["0123456789"]),
        ] as [([String], [String])]
    )
    func `lines come out of pieces`(_ pieces: [String], _ expected: [String]) {
        #expect(lines(pieces) == expected.map(whole))
    }

    @Test(arguments: [["0123456789x\nnext\n"], ["01234", "56789x", "yz", "\nne", "xt"]])
    func `the line after one too long is found again`(_ pieces: [String]) {
        let all = lines(pieces)
        #expect(all.count == 2)
        #expect(all.last == whole("next"))
        guard case .tooLong(let beginning) = all.first else {
            Issue.record("\(all)")
            return
        }
        #expect(beginning.starts(with: Array("0123456789x".utf8)))
    }
}

struct JobLineTests {
    private func failure(_ line: LineSplitter.Line) -> (id: Int, Failure)? {
        guard case .invalid(let result) = JobLine(line),
            case .failure(let failure) = result.outcome
        else { return nil }
        return (result.id, failure)
    }

    @Test(arguments: [
        ("nonsense", 0), (#"{"id":7}"#, 7), (#"{"id": 12, "account": 1}"#, 12), (#"{"id":"x"}"#, 0),
        (#"{"id":5,"#, 5),
    ])
    func `what is no job is answered to its id`(_ text: String, _ id: Int) throws {
        let found = try #require(failure(.whole(Array(text.utf8))))
        #expect(found.id == id)
        #expect(found.1.class == .misconfigured)
        #expect(found.1.step == .worker)
    }

    @Test func `what is too long is answered to its id`() throws {
        let found = try #require(failure(.tooLong(beginning: Array(#"{"id":9,"acc"#.utf8))))
        #expect(found.id == 9)
        #expect(found.1.message == "the job is over 1048576 bytes")
    }
}

/// A worker's standard input, which ends when the test says so.
private final class InputPipe {
    let reading: Int32
    let writing: Int32
    private var isOpen = true

    init() throws {
        (reading, writing) = try Pipe().release()
    }

    func end() {
        if isOpen { _ = FileDescriptor(owning: writing) }
        isOpen = false
    }

    deinit {
        end()
        _ = FileDescriptor(owning: reading)
    }
}

@Suite(.timeLimit(.minutes(1)))
struct WorkerTests {
    private static func line(_ id: Int) -> [UInt8] {
        Array("{\"id\":\(id),\"account\":\"\"}\n".utf8)
    }

    private static func done(_ job: Job) -> JobResult {
        JobResult(id: job.id, outcome: .subjectToken(Secret("token-\(job.id)")))
    }

    private func worker(_ run: @escaping @Sendable (Job) async -> JobResult) -> Worker {
        Worker(timekeeper: SystemTimekeeper()) { job, _, _ in await run(job) }
    }

    private func results(_ bytes: [UInt8]) throws -> [JobResult] {
        try bytes.split(separator: UInt8(ascii: "\n")).map {
            try JobResult(parsing: $0, period: anyTime)
        }
    }

    @Test func `answers each line, then ends with its input`() async throws {
        let pipe = try InputPipe()
        let input = pipe.reading
        let output = try Pipe()
        let worker = worker { Self.done($0) }
        let reading = output.reading.raw
        async let code = worker.run(input: input, output: output.writing.raw)
        try await writeAll(Self.line(1) + Array("garbage\n".utf8), to: pipe.writing)
        var received: [UInt8] = []
        while received.count(where: { $0 == UInt8(ascii: "\n") }) < 2 {
            try await Poller.shared.wait(for: reading, .reading)
            received += try read(reading, upTo: 4096)
        }
        let ids = try results(received).map(\.id)
        #expect(Set(ids) == [0, 1])
        pipe.end()
        #expect(await code == 0)
    }

    @Test func `runs sixteen at a time and cancels them when the input ends`() async throws {
        let pipe = try InputPipe()
        let input = pipe.reading
        let output = try Pipe()
        let running = Mutex(0)
        let most = Mutex(0)
        let timekeeper = VirtualTimekeeper()
        let worker = worker { job in
            let count = running.withLock { count in
                count += 1
                return count
            }
            most.withLock { $0 = max($0, count) }
            do {
                try await timekeeper.sleep(until: BootInstant(seconds: 1e6))
            } catch {
                running.withLock { $0 -= 1 }
            }
            return Self.done(job)
        }
        async let code = worker.run(input: input, output: output.writing.raw)
        try await writeAll((1...40).flatMap(Self.line), to: pipe.writing)
        await timekeeper.waitForSleepers(Worker.width)
        pipe.end()
        #expect(await code == 0)
        #expect(most.withLock(\.self) == 16)
        #expect(running.withLock(\.self) == 0)
    }

    @Test(arguments: [
        ("{\n \"id\": 1,\n \"account\": \"\"\n}\n", [1]), ("{\"id\":1,\"account\":\"\"}", [1]),
        ("{\"id\":1,\"account\":\"\"}\n{\"id\":2,\"account\":\"\"}\nx\n", [1, 2, 0]),
    ])
    func `a file holds a job a line, or one on several`(_ content: String, _ ids: [Int]) {
        let found = Worker.jobs(in: Array(content.utf8)).map { line in
            switch line {
            case .job(let job): job.id
            case .invalid(let result): result.id
            }
        }
        #expect(found == ids)
    }

    @Test func `a reader that is gone ends it`() async throws {
        ignoreSignal(13)
        let pipe = try InputPipe()
        let input = pipe.reading
        let output = try Pipe()
        let writing = output.takeWriting()
        let worker = worker { Self.done($0) }
        async let code = worker.run(input: input, output: writing.raw)
        try await writeAll(Self.line(1), to: pipe.writing)
        #expect(await code == 74)
    }
}
