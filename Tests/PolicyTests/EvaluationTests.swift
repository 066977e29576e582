import Federation
import Testing
import Text

@testable import Policy

@Suite struct `An evaluation` {
    /// ConductorOne's documented conditions.
    static let documented: [(source: String, claims: JSON, holds: Bool)] = [
        (
            #"claims.sub == "expected-subject" && claims.custom_claim == "expected-value""#,
            ["sub": "expected-subject", "custom_claim": "expected-value"], true
        ),
        (
            #"claims.sub == "expected-subject" && claims.custom_claim == "expected-value""#,
            ["sub": "expected-subject", "custom_claim": "other"], false
        ),
        (
            #"claims.repository == "acme/infra" && claims.environment == "production""#,
            ["repository": "acme/infra", "environment": "production"], true
        ),
        (
            #"claims["https://example.com/"].field == "x""#,
            ["https://example.com/": ["field": "x"]], true
        ),
        (
            #"claims.project_path == "acme/infra" && claims.ref_protected == "true""#,
            ["project_path": "acme/infra", "ref_protected": "true"], true
        ),
        (
            #"claims.sub.contains("a") && claims.sub.startsWith("a") && claims.sub.endsWith("a") && claims.sub.matches("^a+$") && claims.sub.size() == 3"#,
            ["sub": "aaa"], true
        ),
    ]

    @Test(arguments: documented)
    func `holds or fails as ConductorOne's pages say`(source: String, claims: JSON, holds: Bool)
        throws
    {
        #expect(try verdict(source, .conductorone, claims) == (holds ? .holds : .fails))
    }

    @Test func `shows a path as a whole`() throws {
        let source = #"claims.a.b == "x""#
        let expression = try Expression(parsing: source, dialect: .conductorone)
        let evaluation = expression.evaluate(claims: ["a": ["b": "x"]])
        #expect(evaluation.trace.map(\.source) == [source, "claims.a.b"])
    }

    @Test func `shows every part with its value, and which of them decided`() throws {
        let source =
            #"claims.sub == "a" && (claims.env == "prod" || claims.x) && size(claims.list) > 1"#
        let expression = try Expression(parsing: source, dialect: .conductorone)
        let evaluation = expression.evaluate(claims: [
            "sub": "a", "env": "dev", "list": [1], "x": false,
        ])
        #expect(evaluation.result == .fails)
        let lines = evaluation.trace.map { step in
            let outcome =
                switch step.outcome {
                case .value(let text): text
                case .error(let message): "error: \(message)"
                }
            return
                "\(step.level) \(step.source) → \(outcome)\(step.isDecisive ? "" : " (not decisive)")"
        }
        #expect(
            lines == [
                "0 \(source) → false",
                #"1 claims.sub == "a" → true"#, #"2 claims.sub → "a""#,
                #"1 claims.env == "prod" || claims.x → false"#, #"2 claims.env == "prod" → false"#,
                #"3 claims.env → "dev""#, "2 claims.x → false",
                "1 size(claims.list) > 1 → false (not decisive)",
                "2 size(claims.list) → 1 (not decisive)", "3 claims.list → [1] (not decisive)",
            ]
        )
        #expect(
            evaluation.objections == [
                #"claims.env == "prod" || claims.x is false (claims.env == "prod" is false, claims.x is false)"#,
                "size(claims.list) > 1 is false (size(claims.list) is 1)",
            ]
        )
    }

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

    @Test func `a condition that is no boolean is an error`() throws {
        let found = try verdict("claims.sub", .conductorone, ["sub": "a"])
        #expect(
            found
                == .error(
                    message: "the condition gives a string, not true or false",
                    position: SourcePosition(offset: 7, line: 1, column: 8)
                )
        )
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

    @Test func `claims 60 levels deep and long values are shown cut`() throws {
        let deep = (0..<60).reduce(JSON.string("x")) { inner, _ in ["a": inner] }
        let expression = try Expression(
            parsing: "claims.a == 1 || claims.t == 'b'",
            dialect: .conductorone
        )
        let evaluation = expression.evaluate(claims: [
            "a": deep, "t": .string(String(repeating: "é\n", count: 5000)),
        ])
        #expect(evaluation.result == .fails)
        for case .value(let text) in evaluation.trace.map(\.outcome) { #expect(text.count <= 121) }
    }
}

extension SourcePosition {
    init(offset: Int, line: Int, column: Int) {
        let text =
            String(repeating: "\n", count: line - 1)
            + String(repeating: " ", count: offset - line + 1)
        self.init(offset: offset, in: Array(text.utf8))
        precondition(self.line == line && self.column == column)
    }
}
