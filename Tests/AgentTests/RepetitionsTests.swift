import FoundationEssentials
import Platform
import TestSupport
import Testing

@testable import Agent

@Suite struct `Repeated events` {
    private let start = Date(timeIntervalSince1970: 1_800_000_000)

    @Test func `the first of a kind is told, then each doubling, with the count since`() {
        var repetitions = Repetitions()
        var told: [Int: Int] = [:]
        for index in 1...100 {
            let date = start.addingTimeInterval(Double(index) * 60)
            told[index] = repetitions.note("down, try 7 of 9", about: "m", at: date)
        }
        #expect(told == [1: 1, 2: 1, 4: 2, 8: 4, 16: 8, 32: 16, 64: 32])
    }

    @Test func `one that differs in more than numbers is told at once`() {
        var repetitions = Repetitions()
        for _ in 0..<3 { _ = repetitions.note("status 503 at 12:01", about: "m", at: start) }
        #expect(repetitions.note("status 502 at 12:09", about: "m", at: start) == 2)
        #expect(repetitions.note("connection refused", about: "m", at: start) == 1)
        #expect(repetitions.note("status 503 at 12:10", about: "m", at: start) == 1)
    }

    @Test func `subjects do not share their counts, and an end makes the next one news`() {
        var repetitions = Repetitions()
        for _ in 0..<5 { _ = repetitions.note("down", about: "a", at: start) }
        #expect(repetitions.note("down", about: "b", at: start) == 1)
        repetitions.end("a")
        #expect(repetitions.note("down", about: "a", at: start) == 1)
    }

    @Test func `nothing is silent for longer than a day`() {
        var repetitions = Repetitions()
        var dates: [Double] = []
        for hour in 0..<2400 {
            let date = start.addingTimeInterval(Double(hour) * 3600)
            if repetitions.note("down", about: "m", at: date) != nil { dates.append(Double(hour)) }
        }
        #expect(zip(dates, dates.dropFirst()).allSatisfy { $1 - $0 <= 24 })
        #expect(dates.count < 120)
    }

    @Test func `the log writes the count, and drops what is not told`() {
        let lines = Box()
        let log = Log(level: .info, format: .text, wallClock: { Date(timeIntervalSince1970: 0) }) {
            lines.add($0)
        }
        for _ in 0..<4 { log(.error, .refreshFailed, about: "m", ["error": "down"]) }
        log.end(.refreshFailed, about: "m")
        log(.error, .refreshFailed, about: "m", ["error": "down"])
        let head = "1970-01-01T00:00:00Z error refresh-failed error=down"
        #expect(lines.all == [head, head, head + " count=2", head])
    }

    @Test func `the manual lists every event`() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let manual = try readFile("/\(root)/man/wif-agent.1", limit: 1 << 20).text
        let section = try #require(manual.components(separatedBy: ".Sh LOG EVENTS").last)
        let listed = section.components(separatedBy: ".Sh ")[0]
            .split(separator: "\n").filter { $0.hasPrefix(".It Cm ") }
            .flatMap { $0.dropFirst(7).split(separator: " ").filter { $0 != "," } }
        #expect(Set(listed.map(String.init)) == Set(Log.Event.allCases.map(\.rawValue)))
    }
}
