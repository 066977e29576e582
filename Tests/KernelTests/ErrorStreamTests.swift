import FoundationEssentials
import Synchronization
import TestSupport
import Testing

@testable import Kernel

/// With a real pipe, which nobody reads until the test does.
@Suite(.timeLimit(.minutes(1))) struct `A stream that nobody reads` {
    /// The lines that a pipe gives until its writing end is closed.
    private func lines(_ pipe: borrowing Pipe, until last: String) async throws -> [String] {
        // A read that blocks would hold one of few threads, which the writer may need.
        let reading = try SendableDescriptor(nonBlocking: duplicate(pipe.reading.raw))
        var reader = LineReader(reading.raw, limit: 1 << 20)
        var lines: [String] = []
        while lines.last != last, let line = try await reader.next() {
            lines.append(String(decoding: line, as: UTF8.self))
        }
        return lines
    }

    @Test func `keeps no writer waiting, drops what is too much, and tells of it in its place`()
        async throws
    {
        let pipe = try Pipe()
        let stream = ErrorStream(pipe.writing.raw)
        stream.setNotice { "dropped \($0)\n" }
        // The pipe takes 64 KiB, the queue 256 KiB; this is a megabyte.
        let text = String(repeating: "x", count: 99)
        let begin = BootInstant.now
        for _ in 0..<10_000 { stream.write(Array((text + "\n").utf8)) }
        stream.flush(seconds: 0.05)
        #expect(BootInstant.now.seconds(since: begin) < 20)
        async let read = lines(pipe, until: "after")
        // Room again: what was dropped is told of before what comes then.
        await offPool { stream.flush(seconds: 30) }
        stream.write(Array("after\n".utf8))
        let lines = try await read
        let whole = lines.count { $0 == text }
        let notices = lines.filter { $0.hasPrefix("dropped ") }
        let dropped = notices.compactMap { Int($0.dropFirst(8)) }.reduce(0, +)
        #expect(whole + dropped == 10_000)
        #expect((1000...4000).contains(whole))
        #expect(notices.count == 1)
        #expect(lines.suffix(2) == [notices.first ?? "", "after"])
    }

    @Test func `loses nothing where the reader reads`() async throws {
        let pipe = try Pipe()
        let stream = ErrorStream(pipe.writing.raw)
        async let read = lines(pipe, until: "1999")
        for number in 0..<2000 {
            stream.write(Array("\(number)\n".utf8))
            if number % 100 == 0 { await offPool { stream.flush(seconds: 30) } }
        }
        #expect(try await read == (0..<2000).map(String.init))
    }

    @Test func `gives up on a reader that is gone`() throws {
        ignoreSignal(Signal.pipe)
        let (reading, writing) = try Pipe().release()
        _ = FileDescriptor(owning: reading)
        let end = FileDescriptor(owning: writing)
        let stream = ErrorStream(end.raw)
        for _ in 0..<100 { stream.write(Array("nobody\n".utf8)) }
        let begin = BootInstant.now
        stream.flush(seconds: 30)
        #expect(BootInstant.now.seconds(since: begin) < 10)
    }
}

@Suite(.timeLimit(.minutes(1))) struct `Lines from a descriptor` {
    private func filled(_ text: String) throws -> Pipe {
        let pipe = try Pipe()
        let bytes = Array(text.utf8)
        _ = try unsafe write(pipe.writing.raw, bytes.span.bytes)
        return pipe
    }

    @Test func `come one by one, and the last without its end counts`() async throws {
        let pipe = try filled("a\n\nbc\nd")
        var reader = LineReader(pipe.reading.raw, limit: 10)
        var lines: [String] = []
        for _ in 0..<3 {
            lines.append(String(decoding: try #require(try await reader.next()), as: UTF8.self))
        }
        #expect(lines == ["a", "", "bc"])
    }

    @Test(arguments: [("too long a line", 4, Int.max), ("too much in all", 100, 6)])
    func `are refused where there are`(name: String, limit: Int, total: Int) async throws {
        let pipe = try filled("abc\ndefghijk")
        var reader = LineReader(pipe.reading.raw, limit: limit, total: total)
        var count = 0
        do {
            while try await reader.next() != nil { count += 1 }
            Issue.record("nothing was refused")
        } catch is LineReader.TooLong {
            #expect(count <= 1, "\(name)")
        }
    }

    // A reader that always found something had the only thread for itself.
    @Test func `leave the thread to others however many there are`() async throws {
        let pipe = try Pipe()
        let writing = try SendableDescriptor(nonBlocking: duplicate(pipe.writing.raw))
        let reading = try SendableDescriptor(nonBlocking: duplicate(pipe.reading.raw))
        let others = Turns()
        let code = try await offPool { () throws(Errno) in
            try MainLoop.run {
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await readFlood(reading.raw, writing.raw) }
                    group.addTask { await others.take() }
                    await group.next()
                    group.cancelAll()
                }
                return 7
            }
        }
        #expect(code == 7)
        // 20 × 65,536 lines, and another turn after 32 of them at the latest.
        #expect(others.count > 20_000)
    }
}

/// Reads lines without ever having to wait: fills the pipe itself whenever it is empty.
private func readFlood(_ reading: Int32, _ writing: Int32) async {
    let flood = [UInt8](repeating: 0x0A, count: 65_536)
    var reader = LineReader(reading, limit: 10)
    do {
        for _ in 0..<20 {
            try await writeAll(flood, to: writing)
            for _ in 0..<flood.count { _ = try await reader.next() }
        }
    } catch {}
}

/// How often a task has had its turn.
private final class Turns: Sendable {
    private let turns = Mutex(0)

    var count: Int { turns.withLock(\.self) }

    func take() async {
        while !Task.isCancelled {
            turns.withLock { $0 += 1 }
            await MainLoop.yield()
        }
    }
}
