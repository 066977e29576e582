import Federation
import Policy
import Testing
import Text

@Suite struct `A claim mapping` {
    static let claims: JSON = [
        "repository": "myorg/myrepo", "environment": "production",
        "kubernetes.io": ["namespace": "default", "pod": ["name": "web"]],
        "email": "user@example.com", "groups": ["engineering", "ops"], "a.b": "dotted",
        "a": ["b": "nested", "b.c": "mixed"], "n": 5, "flag": true, "none": .null, "é": "composed",
    ]

    static let within = ClaimMapping.Outcome.undocumented(why: "the claim is within another")
    static let rows: [(key: String, value: String, outcome: ClaimMapping.Outcome)] = [
        ("jwt_claims.repository", "myorg/myrepo", .matches),
        ("jwt_claims.environment", "staging", .differs(found: "\"production\"")),
        ("jwt_claims.kubernetes.io/namespace", "default", .matches),
        ("jwt_claims.kubernetes.io.namespace", "default", within),
        ("jwt_claims.kubernetes.io/pod/name", "web", within),
        ("jwt_claims.email", "user@example.com", .matches),
        (
            "jwt_claims.groups", "engineering",
            .undocumented(why: "the claim is a list that holds the value")
        ),
        ("jwt_claims.groups", "sales", .differs(found: #"["engineering", "ops"]"#)),
        ("jwt_claims.a.b", "dotted", .matches), ("jwt_claims.a.b.c", "mixed", within),
        ("jwt_claims.a/b", "nested", within),
        ("jwt_claims.n", "5", .undocumented(why: "the claim is a number, not a string")),
        ("jwt_claims.flag", "true", .undocumented(why: "the claim is a boolean, not a string")),
        ("jwt_claims.n", "6", .differs(found: "5")),
        ("jwt_claims.absent", "x", .missing(near: nil)),
        ("jwt_claims.none", "null", .missing(near: "none")),
        (
            "jwt_claims.kubernetes.io", "x",
            .differs(found: #"{"namespace": "default", "pod": {"name": "web"}}"#)
        ),
        ("jwt_claims.repository/x", "x", .missing(near: "repository")),
        ("jwt_claims.é", "compose\u{64}", .matches),
        ("jwt_claims.Repository", "myorg/myrepo", .missing(near: "repository")),
    ]

    @Test(arguments: rows)
    func `compares a claim, dotted or nested`(
        key: String,
        value: String,
        outcome: ClaimMapping.Outcome
    ) throws {
        #expect(try ClaimMapping(key: key, value: value).outcome(claims: Self.claims) == outcome)
    }

    @Test(arguments: [
        ("account", "123456789012"), ("arn", "arn:aws:iam::123456789012:role/r"),
        ("userid", "AROA:s"),
    ])
    func `reads what AWS answers, in AWS's spelling or the mapping's`(name: String, value: String)
        throws
    {
        let answer: JSON = [
            "Account": "123456789012", "Arn": "arn:aws:iam::123456789012:role/r",
            "UserId": "AROA:s",
        ]
        let mapping = try ClaimMapping(key: "aws_claims.\(name)", value: value)
        #expect(mapping.outcome(claims: answer) == .matches)
        #expect(mapping.outcome(claims: [name: .string(value)]) == .matches)
        #expect(mapping.outcome(claims: [name: "x"]) == .differs(found: "\"x\""))
        #expect(mapping.outcome(claims: [:]) == .missing(near: nil))
    }

    static let texts: [(text: String, key: String, value: String)] = [
        ("jwt_claims.repository = myorg/myrepo", "jwt_claims.repository", "myorg/myrepo"),
        ("jwt_claims.repository=myorg/myrepo", "jwt_claims.repository", "myorg/myrepo"),
        ("  jwt_claims.query =  a=b ", "jwt_claims.query", "a=b"),
    ]

    @Test(arguments: texts)
    func `is read from KEY = VALUE, blanks around = or none`(
        text: String,
        key: String,
        value: String
    )
        throws
    {
        let mapping = try ClaimMapping(parsing: text)
        #expect((mapping.key, mapping.value) == (key, value))
    }

    @Test(arguments: [("jwt_claims.a ", "x"), ("jwt_claims.a", " x"), ("jwt_claims.a", "x\n")])
    func `with a blank at an end is refused`(key: String, value: String) {
        let error = #expect(throws: PolicyError.self) { try ClaimMapping(key: key, value: value) }
        #expect(error?.problem.contains("has a space before or after its") == true)
    }

    static let refused: [(key: String, problem: String, hint: String?)] = [
        (
            "repository", "the mapping repository has an unknown prefix",
            "write jwt_claims.repository"
        ),
        (
            "jwt_claim.repository", "the mapping jwt_claim.repository has an unknown prefix",
            "did you mean jwt_claims.repository?"
        ),
        ("jwt_claims.", "the mapping jwt_claims. names no claim", nil),
        ("jwt_claims", "the mapping jwt_claims names no claim", nil),
        (
            "aws_claims.accout", "the mapping aws_claims.accout names nothing that AWS states",
            "did you mean aws_claims.account?"
        ),
        ("aws_claims.region", "the mapping aws_claims.region names nothing that AWS states", nil),
        ("", "the mapping  has an unknown prefix", nil),
    ]

    /// As long as a claim's name may be.
    private static let longName = String(repeating: "n", count: 512)

    @Test func `may name a claim by 512 bytes, and a value must follow the =`() throws {
        let key = "jwt_claims." + Self.longName
        #expect(try ClaimMapping(key: key, value: "x").key == key)
        let long = #expect(throws: PolicyError.self) {
            try ClaimMapping(key: key + "n", value: "x")
        }
        #expect(long?.problem.hasSuffix(" names no claim") == true)
        let error = #expect(throws: PolicyError.self) {
            try ClaimMapping(parsing: "jwt_claims.a =")
        }
        #expect(error?.problem == "the mapping jwt_claims.a has an empty value")
    }

    @Test(arguments: refused)
    func `is refused for a key that Mondoo does not know`(
        key: String,
        problem: String,
        hint: String?
    ) {
        let error = #expect(throws: PolicyError.self) { try ClaimMapping(key: key, value: "x") }
        #expect(error?.problem == problem)
        #expect(error?.hint == hint)
    }
}
