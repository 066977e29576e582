import Federation
import Testing
import Text

@testable import Policy

/// What an evaluation may cost, and that it ends.
@Suite struct `The bounds of an evaluation` {
    @Test func `what is behind the deciding part costs nothing and changes nothing`() throws {
        let heavy = "claims.l.all(x, claims.l.all(y, claims.l.all(z, true)))"
        let list = JSON.array((0..<200).map { .integer($0) })
        #expect(try verdict("false && \(heavy)", .conductorone, ["l": list]) == .fails)
        #expect(
            try verdict("(false && \(heavy)) || (true || \(heavy))", .conductorone, ["l": list])
                == .holds
        )
        let fatal = try verdict("\(heavy) || true", .conductorone, ["l": list])
        #expect(
            fatal
                == .error(
                    message: "the evaluation takes more than 100000 steps",
                    position: SourcePosition(offset: 48, line: 1, column: 49)
                )
        )
    }

    static let text = String(repeating: "t", count: 640)

    // A step for each part, a part of a step for what is read and made.
    static let costs: [(source: String, steps: Int)] = [
        ("true", 1), ("claims.l == []", 5), ("claims.t + claims.t", 5 + 21),
        ("bytes(claims.t) + bytes(claims.t)", 7 + 21), ("claims.l + claims.l", 5 + 21),
        ("claims.t.contains(claims.t)", 5 + 21), ("claims.t.size()", 3 + 11),
        ("claims.t == 'a'", 4 + 2), ("bytes(claims.t) == b'a'", 5 + 2),
        ("claims.t == claims.t", 5 + 1 + 11), ("claims.l.all(x, true)", 3 + 40),
    ]

    @Test(arguments: costs)
    func `are counted in steps`(source: String, steps: Int) throws {
        let claims: JSON = [
            "t": .string(Self.text), "l": .array((0..<40).map { .integer($0) }),
        ]
        let expression = try Expression(parsing: source, dialect: .conductorone)
        #expect(expression.evaluate(claims: claims).steps == steps)
    }

    @Test func `are 100000 steps`() throws {
        let expression = try Expression(
            parsing: "claims.l.all(x, true)",
            dialect: .conductorone
        )
        for (count, holds) in [(99_997, true), (99_998, false)] {
            let list = JSON.array([JSON](repeating: 1, count: count))
            let evaluation = expression.evaluate(claims: ["l": list])
            #expect(evaluation.holds == holds)
            #expect(evaluation.steps == 100_000)
        }
    }

    static let sizes: [Row] = [
        Row("size(claims.t + claims.t)", "262144"),
        Row("claims.t + claims.t + 'x'", "error: a text of more than 262144 bytes"),
        Row("size(bytes(claims.t) + bytes(claims.t))", "262144"),
        Row("bytes(claims.t) + bytes(claims.t) + b'x'", "error: a text of more than 262144 bytes"),
        Row("size(claims.l + claims.l)", "50000"),
        Row("claims.l + claims.l + [1]", "error: a list of more than 50000 elements"),
    ]

    @Test(arguments: sizes)
    func `are those of a text and of a list`(row: Row) {
        let claims: JSON = [
            "t": .string(String(repeating: "t", count: 131_072)),
            "l": .array([JSON](repeating: 1, count: 25_000)),
        ]
        #expect(result(of: row.source, claims: claims) == row.expected)
    }

    @Test func `are 500 parts in the trace`() throws {
        let part = String(repeating: "-", count: 120) + "1"
        let list = [String](repeating: part, count: 5).joined(separator: ",")
        let expression = try Expression(parsing: "[\(list)] == []", dialect: .conductorone)
        #expect(expression.evaluate(claims: [:]).trace.count == 500)
    }

    static let expensive = [
        "claims.l.map(x, claims.l.map(y, claims.l)).size() == 1",
        "claims.l.all(x, claims.l == claims.l)",
        "claims.l.exists(x, claims.t.matches('(a|b|ab){400}c'))",
        "claims.l.exists(x, claims.t.contains(claims.t + claims.t))",
        "claims.l.map(x, claims.t + claims.t).map(x, x + x).map(x, x + x).map(x, x + x).map(x, x + x).size() > 0",
        "claims.l.map(x, claims.l + claims.l).map(x, x + x).map(x, x + x).map(x, x + x).size() > 0",
        "claims.t.matches(claims.t)",
    ]

    @Test(.timeLimit(.minutes(1)), arguments: expensive)
    func `ends in bounded time whatever it is given`(source: String) throws {
        let claims: JSON = [
            "l": .array((0..<1000).map { .integer($0) }),
            "t": .string(String(repeating: "ab", count: 20_000)),
        ]
        let evaluation = try Expression(parsing: source, dialect: .conductorone).evaluate(
            claims: claims
        )
        #expect(evaluation.steps <= 100_000)
        guard case .error = evaluation.result else {
            Issue.record("\(source) gave \(evaluation.result)")
            return
        }
    }
}
