import Federation
import Policy
import Testing
import Text

@Suite struct `Bright's conditions` {
    static let claims: JSON = [
        "sub": "repo:acme/web:ref:refs/heads/main", "iss": "https://issuer.example",
        "aud": "api://bright", "environment": "production",
        "pipeline": ["id": 1001, "protected": true], "score": .number(0.95), "id": "1001",
    ]

    /// The documentation's four, then its operators, function and literals one by one.
    static let rows: [(source: String, claims: JSON, holds: Bool)] = [
        (#"sub == "installation_id:12345""#, ["sub": "installation_id:12345"], true),
        (#"sub.startsWith("repo:acme/web:") && claims.environment == "production""#, claims, true),
        (
            #"sub in ["repo:acme/web", "repo:acme/api"] && claims.pipeline.id in [1001, 1002]"#,
            ["sub": "repo:acme/api", "pipeline": ["id": 1002]], true
        ),
        (
            #"sub == "job:deploy" && claims.pipeline.protected == true && claims.score == 0.95"#,
            ["sub": "job:deploy", "pipeline": ["protected": true], "score": .number(0.95)], true
        ),
        (
            #"sub == "job:deploy" && claims.pipeline.protected == true && claims.score == 0.95"#,
            ["sub": "job:deploy", "pipeline": ["protected": false], "score": .number(0.95)], false
        ),
        (
            #"sub.startsWith("repo:") && iss == "https://issuer.example" && aud == "api://bright""#,
            claims, true
        ),
        (#"sub.startsWith("repo:") && claims.sub.startsWith("repo:acme/")"#, claims, true),
        (#"sub.startsWith("repo:") && claims.pipeline.id == 1001.0"#, claims, true),
        (#"sub.startsWith("repo:") && claims.id == 1001"#, claims, false),
        (#"sub.startsWith("repo:") && claims.pipeline.id in ["a", true, 1001, 0.5]"#, claims, true),
        (#"sub.startsWith("repo:") && "production" == claims.environment"#, claims, true),
        (#"(sub == "x") && (claims.environment == "production")"#, claims, false),
        (#"sub.startsWith('repo:') && claims.pipeline.id == -1"#, claims, false),
        (
            #"sub.startsWith("repo:") && claims.list == ["a"]"#, ["sub": "repo:", "list": ["a"]],
            true
        ),
    ]

    @Test(arguments: rows)
    func `are evaluated`(source: String, claims: JSON, holds: Bool) throws {
        #expect(try verdict(source, .bright, claims) == (holds ? .holds : .fails))
    }

    @Test func `a claim that is absent is an error, as is an absent subject`() throws {
        let absent = try verdict(
            #"sub.startsWith("repo:") && claims.a.b == 1"#,
            .bright,
            Self.claims
        )
        let position = SourcePosition(offset: 34, line: 1, column: 35)
        #expect(absent == .error(message: "no such key: a", position: position))
        let subject = try verdict(#"sub == "a""#, .bright, [:])
        #expect(
            subject
                == .error(
                    message: "the token has no sub",
                    position: SourcePosition(offset: 0, line: 1, column: 1)
                )
        )
    }

    static let operators = "(Bright takes the operators &&, == and in)"
    static let functions = "(Bright takes the function startsWith() alone)"
    static let inputs = "(Bright gives sub, iss, aud and claims, with dots: claims.pipeline.id)"
    static let literals = "(Bright takes strings, booleans, integers, floats and lists of them)"
    static let terms =
        "(a term compares an input with a literal: ==, in or startsWith(), joined by &&)"
    static let subject =
        #"(a condition needs sub == "…", sub.startsWith("…") or sub in ["…"], none of them empty)"#

    static let refused: [Row] = [
        Row(#"sub == "a" || sub == "b""#, "line 1, column 12: '||' is not supported \(operators)"),
        Row(#"!(sub == "a")"#, "line 1, column 1: '!' is not supported \(operators)"),
        Row(
            #"sub == "a" && claims.x != "b""#,
            "line 1, column 24: '!=' is not supported \(operators)"
        ),
        Row(#"sub == "a" && claims.x < 5"#, "line 1, column 24: '<' is not supported \(operators)"),
        Row(
            #"sub == "a" && claims.x >= 5"#,
            "line 1, column 24: '>=' is not supported \(operators)"
        ),
        Row(
            #"sub == "a" && claims.x + 1 == 2"#,
            "line 1, column 24: arithmetic ('+') is not supported \(operators)"
        ),
        Row(
            #"sub == "a" && claims.x == 1 + 1"#,
            "line 1, column 29: arithmetic ('+') is not supported \(operators)"
        ),
        Row(
            #"sub == "a" && claims.x * 2 == 2"#,
            "line 1, column 24: arithmetic ('*') is not supported \(operators)"
        ),
        Row(
            #"sub == "a" && claims.x % 2 == 1"#,
            "line 1, column 24: arithmetic ('%') is not supported \(operators)"
        ),
        Row(
            #"sub == "a" && claims.project-id == "x""#,
            "line 1, column 29: arithmetic ('-') is not supported \(operators)\nhint: a claim whose name holds '-'"
        ),
        Row(
            #"sub == "a" && claims.kubernetes.io/ns == "x""#,
            "line 1, column 35: arithmetic ('/') is not supported \(operators)\nhint: a claim whose name holds"
        ),
        Row(
            #"sub == "a" && -claims.x == 1"#,
            "line 1, column 15: arithmetic ('-') is not supported \(operators)"
        ),
        Row(
            #"sub.matches("^a$")"#,
            "line 1, column 5: the function matches() is not supported \(functions)"
        ),
        Row(
            #"sub == "a" && claims.x.contains("b")"#,
            "line 1, column 24: the function contains() is not supported \(functions)"
        ),
        Row(
            #"sub == "a" && claims.x.endsWith("b")"#,
            "line 1, column 24: the function endsWith() is not supported \(functions)"
        ),
        Row(
            #"sub == "a" && size(claims.x) == 1"#,
            "line 1, column 15: the function size() is not supported \(functions)"
        ),
        Row(
            #"sub == "a" && mine(claims.x)"#,
            "line 1, column 15: the function mine() is not supported \(functions)"
        ),
        Row(
            #"sub == "a" && claims["x"] == "b""#,
            "line 1, column 21: bracket access is not supported \(inputs)"
        ),
        Row(
            #"sub == "a" && aud[0] == "b""#,
            "line 1, column 18: bracket access is not supported \(inputs)"
        ),
        Row(
            #"sub == "a" && claims.x.exists(y, y == 1)"#,
            "line 1, column 24: the macro exists() is not supported \(functions)"
        ),
        Row(
            #"sub == "a" && claims.x.all(y, true)"#,
            "line 1, column 24: the macro all() is not supported \(functions)"
        ),
        Row(
            #"sub == "a" && claims.x.map(y, y) == [1]"#,
            "line 1, column 24: the macro map() is not supported \(functions)"
        ),
        Row(
            #"sub == "a" && has(claims.x)"#,
            "line 1, column 15: the macro has() is not supported \(functions)"
        ),
        Row(
            #"sub == "a" ? true : false"#,
            "line 1, column 12: '? :' is not supported \(operators)"
        ),
        Row(
            #"sub == "a" && claims.x == null"#,
            "line 1, column 27: null is not supported \(literals)"
        ),
        Row(
            #"sub == "a" && claims.x == b"x""#,
            "line 1, column 27: a byte string is not supported \(literals)"
        ),
        Row(
            #"sub == "a" && claims.x == 1u"#,
            "line 1, column 27: an unsigned integer is not supported \(literals)"
        ),
        Row(
            #"sub == "a" && claims.x == {"a": 1}"#,
            "line 1, column 27: a map literal is not supported \(literals)"
        ),
        Row(
            #"sub == "a" && claims.x in [[1]]"#,
            "line 1, column 28: a list in a list is not supported \(literals)"
        ),
        Row(
            #"sub == "a" && claims.x"#,
            "line 1, column 22: an input that stands alone is not supported \(terms)\nhint: a boolean claim is written"
        ),
        Row(
            #"sub == "a" && true"#,
            "line 1, column 15: a literal that stands alone is not supported \(terms)"
        ),
        Row(
            #"sub == "a" && "x" in aud"#,
            "line 1, column 15: a literal before the operator is not supported \(terms)"
        ),
        Row(
            #"sub == "a" && claims.x in claims.y"#,
            "line 1, column 27: 'in' has an input on its right (in takes a list of literals on its right)"
        ), Row(#"sub == claims.x"#, "line 1, column 5: two inputs are compared \(terms)"),
        Row(#"sub == "a" && 1 == 1"#, "line 1, column 17: two literals are compared \(terms)"),
        Row(#"sub == "a" && claims == 1"#, "line 1, column 15: claims is used as a whole"),
        Row(
            #"sub == "a" && repository == "b""#,
            "line 1, column 15: the input 'repository' is not supported \(inputs)\nhint: did you mean claims.repository?"
        ),
        Row(
            #"sub.x == "a""#,
            "line 1, column 5: a member of sub, iss or aud is not supported \(inputs)"
        ),
        Row(
            #"sub.startsWith("")"#,
            "line 1, column 16: startsWith() is given an empty string (startsWith() takes one non-empty string literal)"
        ),
        Row(
            #"sub.startsWith(claims.x)"#,
            "line 1, column 16: startsWith() is given something other than a string literal"
        ),
        Row(
            #"sub.startsWith("a" + "b")"#,
            "line 1, column 16: startsWith() is given something other than a string literal"
        ),
        Row(
            #"sub.startsWith("a", "b")"#,
            "line 1, column 16: startsWith() is given something other"
        ),
        Row(
            #"startsWith(sub, "a")"#,
            "line 1, column 1: the function startsWith() is not supported"
        ),
        Row(
            #"claims.environment == "production""#,
            "line 1, column 1: there is no condition on the subject; Bright gives each claim by its name,"
                + " without claims. \(subject)"
        ),
        Row(#"sub == """#, "line 1, column 1: there is no condition on the subject \(subject)"),
        Row(#"sub in []"#, "line 1, column 1: there is no condition on the subject \(subject)"),
        Row(
            #"sub in ["a", ""]"#,
            "line 1, column 1: there is no condition on the subject \(subject)"
        ),
        Row(#"sub == 5"#, "line 1, column 1: there is no condition on the subject \(subject)"),
        Row(
            #"claims.sub == "a""#,
            "line 1, column 1: there is no condition on the subject; Bright gives each claim by its name,"
                + " without claims. \(subject)"
        ),
        Row(
            #"sub == "a" == true"#,
            "line 1, column 5: '==' inside a term is not supported \(terms)"
        ),
        Row(
            "sub ==\n  'a' &&\n  claims['x'] == 1",
            "line 3, column 9: bracket access is not supported"
        ),
    ]

    @Test(arguments: refused)
    func `outside the documented subset are refused with construct, place and rule`(row: Row) {
        let found = refusal(of: row.source, .bright)
        let expected = row.expected
        #expect(found.hasPrefix(expected), "\(found)")
    }

    @Test func `what the documentation leaves open is taken with a remark`() throws {
        #expect(
            try Expression(parsing: #"(sub == "a")"#, dialect: .bright).remarks == [
                "Bright's documentation does not mention parentheses"
            ]
        )
        #expect(
            try Expression(parsing: #"sub == "a" && 1 == claims.b"#, dialect: .bright).remarks.count
                == 1
        )
        #expect(try Expression(parsing: #"sub == "a""#, dialect: .bright).remarks.isEmpty)
    }
}
