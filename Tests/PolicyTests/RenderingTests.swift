import Federation
import Testing
import Text

@testable import Policy

@Suite struct `Values in a line` {
    @Test(arguments: [
        ("ab", 2, #""ab""#), ("ab", 1, #""a…"#), ("\u{1F}", 9, #""\u001f""#),
        ("\u{FFFF}", 9, #""\uffff""#), ("\u{E0001}", 9, #""\U000e0001""#),
    ])
    func `are cut and escaped`(text: String, limit: Int, shown: String) {
        #expect(quoted(text, limit: limit) == shown)
    }

    @Test func `are whole up to 120 characters`() {
        let longest = String(repeating: "x", count: 118)
        #expect(longest.rendered == "\"\(longest)\"")
        #expect((longest + "x").rendered == "\"\(longest)x…")
        // A list is no longer written once there is enough of it.
        let list = JSON.array([JSON](repeating: .string("xxxxxxxx"), count: 60))
        let whole = "[" + [String](repeating: "\"xxxxxxxx\"", count: 60).joined(separator: ", ")
        #expect(list.rendered == whole.prefix(120) + "…")
    }
}

@Suite struct `Dates and days` {
    private static func isLeap(_ year: Int64) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    /// Counts the days from the first of January of the year 1, a Monday, and holds each against the
    /// calculation: all days around the ends of 4, 100 and 400 years, the first and last of others.
    @Test func `are those that counting gives`() {
        var days: Int64 = -719_162
        for year in Int64(1)...410 {
            let lengths: [Int64] = [
                31, Self.isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
            ]
            let isWhole = year <= 5 || (99...101).contains(year) || (399...401).contains(year)
            var dayOfYear: Int64 = 0
            for (month, length) in zip(Int64(1)..., lengths) {
                for day in 1...length {
                    if isWhole || day == 1 || day == length {
                        let time = CivilTime(year: year, month: month, day: day)
                        #expect(time.seconds == days * 86_400)
                        #expect(CivilTime(seconds: days * 86_400) == time)
                        #expect(CivilTime(seconds: days * 86_400 + 86_399).day == day)
                        #expect(time.dayOfYear == dayOfYear)
                        #expect(time.dayOfWeek == (days + 719_163) % 7)
                    }
                    (days, dayOfYear) = (days + 1, dayOfYear + 1)
                }
            }
        }
    }
}

@Suite struct `A text in a text` {
    @Test func `is found where it stands and nowhere else`() {
        /// All texts of the letters a and b up to a length.
        func words(upTo length: Int) -> [[UInt8]] {
            var all: [[UInt8]] = [[]]
            var last = all
            for _ in 0..<length {
                last = last.flatMap { [$0 + [0x61], $0 + [0x62]] }
                all += last
            }
            return all
        }
        for part in words(upTo: 5) {
            for text in words(upTo: 8) {
                let starts = 0...max(0, text.count - part.count)
                let isThere = starts.contains { text[$0...].starts(with: part) }
                if occurs(part, in: text) != isThere { Issue.record("\(part) in \(text)") }
            }
        }
    }
}
