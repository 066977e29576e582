package import Federation
package import Kernel

/// From job lines to result lines: so many jobs at a time, every one of them answered.
package struct Worker: Sendable {
    /// Bytes of the longest job line.
    package static let lineLimit = 1 << 20
    /// Jobs at a time; the others wait in the order they came.
    package static let width = 16

    private let timekeeper: any Timekeeper
    private let run: Run
    /// Held while a line is written.
    private let output = AsyncLock()

    /// Tells whoever asked of a step that has ended.
    package typealias Tell = @Sendable (StepReport) async -> Void
    /// Does a job, which must have ended at the instant.
    package typealias Run = @Sendable (Job, BootInstant, @escaping Tell) async -> JobResult

    package init(timekeeper: any Timekeeper, run: @escaping Run) {
        self.timekeeper = timekeeper
        self.run = run
    }

    private enum Event: Sendable {
        case input([UInt8])
        case inputEnded
        case result(JobResult)
    }

    private struct Waiting {
        let job: Job
        let deadline: BootInstant
    }

    /// Reads until the input ends. The end of a pipe means that nobody waits any more: what is
    /// outstanding is cancelled. The end of a file is no such sign.
    ///
    /// - Returns: the program's exit code.
    package func run(input: Int32, output: Int32) async -> Int32 {
        do {
            if isRegularFile(input) {
                try await answer(try jobs(inFile: input), to: output)
            } else {
                try await serve(input, output)
            }
            return 0
        } catch let error as Errno where error.isHangUp && isSocket(output) {
            // Nobody waits any more: as if the input had ended.
            return 0
        } catch {
            complain("standard input or output failed: \(error)")
            return 74
        }
    }

    private func serve(_ input: Int32, _ output: Int32) async throws {
        try await withThrowingTaskGroup(of: Event.self) { group in
            var splitter = LineSplitter(limit: Self.lineLimit)
            var waiting: [Waiting] = []
            var running = 0
            group.addTask { try await Self.read(input) }
            while let event = try await group.next() {
                switch event {
                case .input(let bytes):
                    for line in splitter.take(bytes) {
                        try await accept(JobLine(line), &waiting, output)
                    }
                    group.addTask { try await Self.read(input) }
                case .inputEnded:
                    waiting = []
                    group.cancelAll()
                case .result(let result):
                    running -= 1
                    try await write(result, to: output)
                }
                while running < Self.width, !waiting.isEmpty {
                    let next = waiting.removeFirst()
                    running += 1
                    group.addTask { .result(await result(of: next, output)) }
                }
            }
        }
    }

    private func accept(
        _ line: JobLine,
        _ waiting: inout [Waiting],
        _ output: Int32
    ) async throws {
        switch line {
        case .job(let job): waiting.append(timed(job))
        case .invalid(let result): try await write(result, to: output)
        }
    }

    /// Does the job; what its steps find goes out as they end. Where a line cannot be written, the result
    /// cannot either, which is told then.
    private func result(of next: Waiting, _ output: Int32) async -> JobResult {
        await run(next.job, next.deadline) { step in
            do {
                try await write(WorkerLine.line(step, job: next.job.id), to: output)
            } catch {}
        }
    }

    private func timed(_ job: Job) -> Waiting {
        Waiting(job: job, deadline: timekeeper.now.advanced(bySeconds: job.timeout))
    }

    /// One after the other: whoever writes a file of jobs is not in a hurry.
    private func answer(_ lines: [JobLine], to output: Int32) async throws {
        for line in lines {
            switch line {
            case .job(let job):
                let next = timed(job)
                try await write(await result(of: next, output), to: output)
            case .invalid(let result): try await write(result, to: output)
            }
        }
    }

    private func jobs(inFile input: Int32) throws -> [JobLine] {
        var content: [UInt8] = []
        while content.count <= Self.lineLimit * Self.width {
            let bytes = try Kernel.read(input, upTo: 65_536)
            if bytes.isEmpty { break }
            content += bytes
        }
        return Self.jobs(in: content)
    }

    /// A job on each line, or one job on as many as it likes.
    package static func jobs(in content: [UInt8]) -> [JobLine] {
        if case .job(let job) = JobLine(.whole(content)) { return [.job(job)] }
        var splitter = LineSplitter(limit: lineLimit)
        let lines = splitter.take(content)
        return (lines + [splitter.finish()].compactMap(\.self)).map(JobLine.init)
    }

    private static func read(_ input: Int32) async throws -> Event {
        // The descriptor stays blocking, for others may share it; it is read only when ready.
        try await Poller.shared.wait(for: input, .reading)
        let bytes = try Kernel.read(input, upTo: 65_536)
        return bytes.isEmpty ? .inputEnded : .input(bytes)
    }

    /// What a pipe that is ready for writing takes without blocking. `pipe(7)`, `PIPE_BUF`
    private static let pieceSize = 4096

    private func write(_ result: JobResult, to output: Int32) async throws {
        var line = result.line()
        defer { wipe(&line) }
        try await write(line, to: output)
    }

    /// Writes a whole line, while no other one is written.
    private func write(_ line: [UInt8], to output: Int32) async throws {
        let written = await self.output.withLock { () async -> Result<Void, any Error> in
            do { return .success(try await Self.write(line, to: output)) } catch {
                return .failure(error)
            }
        }
        try written.get()
    }

    private static func write(_ line: [UInt8], to output: Int32) async throws {
        var done = 0
        while done < line.count {
            try await Poller.shared.wait(for: output, .writing)
            let piece = Secret(line[done..<min(done + pieceSize, line.count)])
            done += try piece.withBytes { (bytes) throws(Errno) in
                try Kernel.write(output, bytes)
            }
        }
    }
}

/// Says on standard error, which the agent never takes into its log as it is, what is wrong.
package func complain(_ message: String) {
    writeToStandardError("wif-exchange: \(message)\n")
}
