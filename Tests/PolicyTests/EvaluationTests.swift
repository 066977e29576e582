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

    static let traces: [(source: String, parts: [String])] = [
        ("(claims.n) == 1", ["(claims.n) == 1", "claims.n"]),
        ("claims.x == 1", ["claims.x == 1", "claims.x"]),
        // What a loop does with each element is not shown.
        ("[1, 2].all(x, x > 0)", ["[1, 2].all(x, x > 0)"]),
        (
            "[1].all(x, x > 0) && claims.yes",
            ["[1].all(x, x > 0) && claims.yes", "[1].all(x, x > 0)", "claims.yes"]
        ),
        (
            "claims[claims.k].b == 1",
            ["claims[claims.k].b == 1", "claims[claims.k].b", "claims[claims.k]", "claims.k"]
        ),
        (
            "dyn(claims.a).b == 1",
            ["dyn(claims.a).b == 1", "dyn(claims.a).b", "dyn(claims.a)", "claims.a"]
        ),
    ]

    @Test(arguments: traces)
    func `shows the parts that have a value of their own`(source: String, parts: [String]) throws {
        let claims: JSON = ["n": 1, "yes": true, "k": "a", "a": ["b": 1]]
        let evaluation = try Expression(parsing: source, dialect: .conductorone).evaluate(
            claims: claims
        )
        #expect(evaluation.trace.map(\.source) == parts)
    }

    @Test func `shows a part that fails, and the operand that is at fault`() throws {
        let expression = try Expression(parsing: "true && claims.x == 1", dialect: .conductorone)
        let evaluation = expression.evaluate(claims: [:])
        #expect(evaluation.trace.last?.outcome == .error("no such key: x"))
        #expect(evaluation.absentKey == "x")
        #expect(
            try verdict("true && claims.n", .conductorone, ["n": 1])
                == .error(
                    message: "&& does not apply to int",
                    position: SourcePosition(offset: 8, line: 1, column: 9)
                )
        )
    }

    @Test func `parts of 120 characters are shown whole, longer ones cut`() throws {
        for (filler, shown) in [(120, 120), (121, 121)] {
            let source = "claims.a == '" + String(repeating: "x", count: filler - 14) + "'"
            let expression = try Expression(parsing: source, dialect: .conductorone)
            let first = expression.evaluate(claims: ["a": 1]).trace[0].source
            #expect(first.count == shown)
            #expect((first == source) == (filler == 120))
        }
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
