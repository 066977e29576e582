import FoundationEssentials
import Kernel
import TestSupport
import Testing
import Text

@testable import Agent

@Suite struct `Repeated events` {
    private let start = WallTime(secondsSinceEpoch: 1_800_000_000)

    @Test func `the first of a kind is told, then each doubling, with the count since`() {
        var repetitions = Repetitions()
        var told: [Int: Int] = [:]
        for index in 1...100 {
            let date = start.advanced(bySeconds: Double(index) * 60)
            told[index] = repetitions.note("down, try 7 of 9", about: "m", at: date)
        }
        #expect(told == [1: 1, 2: 1, 4: 2, 8: 4, 16: 8, 32: 16, 64: 32])
    }

    @Test func `one of another kind is told at once`() {
        var repetitions = Repetitions()
        for _ in 0..<3 { _ = repetitions.note("status 503 at 12:01", about: "m", at: start) }
        #expect(repetitions.note("status 502 at 12:09", about: "m", at: start) == 1)
        #expect(repetitions.note("status 502: at 12:10", about: "m", at: start) == 1)
        #expect(repetitions.note("connection refused", about: "m", at: start) == 1)
        // The fourth: its count has doubled.
        #expect(repetitions.note("status 503 at 12:10", about: "m", at: start) == 2)
    }

    // A balancer with two answers would have had a line for each attempt.
    @Test func `two that take turns are told as seldom as one`() {
        var repetitions = Repetitions()
        var lines = 0
        for minute in 0..<1440 {
            let date = start.advanced(bySeconds: Double(minute) * 60)
            let text = minute % 2 == 0 ? "status 502" : "no connection"
            if repetitions.note(text, about: "m", at: date) != nil { lines += 1 }
        }
        #expect((20...70).contains(lines))
    }

    @Test func `one that comes back after another is told, an hour after its last line`() {
        var repetitions = Repetitions()
        for _ in 0..<5 { _ = repetitions.note("down", about: "m", at: start) }
        _ = repetitions.note("refused", about: "m", at: start.advanced(bySeconds: 4000))
        #expect(repetitions.note("down", about: "m", at: start.advanced(bySeconds: 4001)) == 2)
        #expect(repetitions.note("down", about: "m", at: start.advanced(bySeconds: 4002)) == nil)
    }

    @Test func `subjects do not share their counts, and an end makes the next one news`() {
        var repetitions = Repetitions()
        for _ in 0..<5 { _ = repetitions.note("down", about: "a", at: start) }
        #expect(repetitions.note("down", about: "b", at: start) == 1)
        #expect(repetitions.end("a") == 5)
        #expect(repetitions.end("a") == 0)
        #expect(repetitions.note("down", about: "a", at: start) == 1)
    }

    @Test func `nothing is silent for longer than a day`() {
        var repetitions = Repetitions()
        var dates: [Double] = []
        for hour in 0..<2400 {
            let date = start.advanced(bySeconds: Double(hour) * 3600)
            if repetitions.note("down", about: "m", at: date) != nil { dates.append(Double(hour)) }
        }
        #expect(zip(dates, dates.dropFirst()).allSatisfy { $1 - $0 <= 24 })
        #expect(dates.count < 120)
    }

    // Distinct warnings of a worker grew the agent by 7 MB a second.
    @Test func `what is remembered of texts and subjects is bounded`() {
        var repetitions = Repetitions()
        for number in 0..<20_000 {
            let name = String(number, radix: 36).filter(\.isLetter) + "\(number)"
            #expect(repetitions.note("down", about: name, at: start) == 1)
            #expect(repetitions.count <= Repetitions.capacity)
        }
        // The latest are known still.
        let last = String(19_999, radix: 36).filter(\.isLetter) + "19999"
        for _ in 0..<2 { _ = repetitions.note("down", about: last, at: start) }
        #expect(repetitions.end(last) == 3)
    }

    @Test func `the log writes the count, and drops what is not told`() {
        let lines = Box()
        let log = Log(level: .info, format: .text, wallClock: { WallTime(secondsSinceEpoch: 0) }) {
            lines.add($0)
        }
        for _ in 0..<4 { log(.error, .refreshFailed, about: "m", ["error": "down"]) }
        #expect(log.end(.refreshFailed, about: "m") == 4)
        log(.error, .refreshFailed, about: "m", ["error": "down"])
        let head = "1970-01-01T00:00:00Z error refresh-failed error=down"
        #expect(lines.all == [head, head, head + " count=2", head])
    }

    @Test(arguments: [
        (Log.Format.text, #"1970-01-01T00:00:00Z error rejected file=/x error="a \"b\" =""#),
        (.journal, #"<3>rejected file=/x error="a \"b\" =""#),
        (
            .json,
            #"{"error":"a \"b\" =","event":"rejected","file":"/x","level":"error","#
                + #""time":"1970-01-01T00:00:00Z"}"#
        ),
    ]) func `a line in each format is one line`(format: Log.Format, expected: String) {
        let lines = Box()
        let log = Log(
            level: .info,
            format: format,
            wallClock: { WallTime(secondsSinceEpoch: 0) },
            sink: { lines.add($0) }
        )
        log(.error, .rejected, ["file": "/x", "error": "a \"b\"\n="])
        log(.debug, .workerStarted, ["pid": "1"])
        #expect(lines.all == [expected])
    }

    @Test(arguments: [
        (Log.Level.error, "<3>"), (.warning, "<4>"), (.info, "<6>"), (.debug, "<7>"),
    ]) func `the journal is told syslog's severity`(level: Log.Level, prefix: String) {
        let lines = Box()
        let log = Log(level: .debug, format: .journal) { lines.add($0) }
        log(level, .stopped)
        #expect(lines.all == [prefix + "stopped"])
    }

    @Test func `the manual lists every event with its fields`() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let manual = try readFile("/\(root)/man/wif-agent.1", limit: 1 << 20).text
        let section = try #require(manual.components(separatedBy: ".Sh LOG EVENTS").last)
        let items = section.components(separatedBy: ".Sh ")[0]
            .components(separatedBy: "\n.It Cm ").dropFirst()
        var listed: Set<String> = []
        for item in items {
            let lines = item.split(separator: "\n")
            let names = words(lines[0])
            let fields = lines.dropFirst().filter { $0.hasPrefix(".Cm ") }
                .flatMap { words($0.dropFirst(4)) }
            let events = names.compactMap(Log.Event.init(rawValue:))
            let known = events.reduce(into: Set<String>()) { $0.formUnion($1.fields) }
            #expect(Set(fields).subtracting(["count"]) == known, "\(names)")
            listed.formUnion(names)
        }
        #expect(listed == Set(Log.Event.allCases.map(\.rawValue)))
    }

    private func words(_ line: Substring) -> [String] {
        line.split(separator: " ").map(String.init).filter { ![",", ".", ":", ";"].contains($0) }
    }
}
