import Federation
import Testing
import Text

@testable import Policy

/// The bounds of a trust's clauses, and which of several trusts is meant.
@Suite struct `A judgement` {
    private static func trust(_ base: JSON, _ changes: [String: JSON]) throws -> Trust {
        try Trust(changed(base, changes))
    }

    private static func clauses(_ trust: JSON, _ changes: [String: JSON]) throws -> [Clause] {
        let claims = changed(`A trust`.claims, changes)
        return try Trust(trust).judge(claims: claims, now: `A trust`.now)
    }

    static let bounds: [(trust: JSON, change: [String: JSON], clause: Clause)] = [
        (
            `A trust`.bright, ["exp": 1_700_000_001],
            Clause("expiry", .accepted, "1 s left")
        ),
        (
            `A trust`.conductorOne, ["exp": 1_700_000_001],
            Clause("expiry", .accepted, "1 s left")
        ),
        (
            `A trust`.mondoo, ["exp": 1_700_000_181],
            Clause("expiry", .accepted, "181 s left, more than 180 s needed")
        ),
        (
            `A trust`.conductorOne, ["iat": 1_699_999_400],
            Clause("age", .accepted, "issued 600 s ago, at most 600 s are accepted")
        ),
        (
            `A trust`.conductorOne, ["iat": 1_700_000_060],
            Clause("age", .accepted, "issued 0 s ago, at most 600 s are accepted")
        ),
        (
            `A trust`.mondoo, ["repository": ["b"]],
            Clause(
                "jwt_claims.repository",
                .refused,
                #"["b"] is there, "acme/web" is wanted"#,
                hint: #"if this workload is meant, write jwt_claims.repository = ["b"]"#
            )
        ),
    ]

    @Test(arguments: bounds)
    func `takes what is just within a bound`(trust: JSON, change: [String: JSON], clause: Clause)
        throws
    {
        let clauses = try Self.clauses(trust, change)
        #expect(clauses.contains(clause), "\(clauses)")
    }

    @Test func `takes a start that lies as far ahead as clocks may differ`() throws {
        let clauses = try Self.clauses(`A trust`.mondoo, ["nbf": 1_700_000_060])
        #expect(clauses.allSatisfy { $0.verdict == .accepted }, "\(clauses)")
    }

    @Test func `lists the mappings of an object by their names`() throws {
        let mappings: JSON = ["jwt_claims.b": "1", "jwt_claims.a": "1", "jwt_claims.c": "1"]
        let clauses = try Self.clauses(changed(`A trust`.mondoo, ["mappings": mappings]), [:])
        #expect(clauses.suffix(3).map(\.name) == ["jwt_claims.a", "jwt_claims.b", "jwt_claims.c"])
    }

    static let subjects: [(wanted: String, claims: JSON, verdict: Verdict, hint: String?)] = [
        ("a@b.test", ["sub": "112"], .refused, email("112")),
        ("a@b.test", ["sub": "c@d.test"], .refused, meant("c@d.test")),
        ("a", ["sub": "112"], .refused, meant("112")),
        ("x:a@b", ["sub": "112"], .refused, meant("112")),
        (
            "arn:aws:iam::1:role/R", ["Arn": "arn:aws:sts::1:assumed-role/R/s"], .refused,
            "if this role is meant, write the subject as its sessions: arn:aws:sts::1:assumed-role/R/*"
        ),
        (
            "arn:aws:iam::1:role/R", ["Arn": "arn:aws:iam::1:user/p/u"], .refused,
            meant("arn:aws:iam::1:user/p/u")
        ),
        (
            "arn:aws:iam::1:role/R", ["Arn": "arn:aws:sts::1:assumed-role/R/s/"], .refused,
            meant("arn:aws:sts::1:assumed-role/R/s/")
        ),
        ("a", ["sub": "x:assumed-role/R/s"], .refused, meant("x:assumed-role/R/s")),
        // A claim of that name in a token is no ARN.
        ("s", ["iss": "https://a", "sub": "s", "arn": "x"], .accepted, nil),
        ("x", ["Arn": "x"], .accepted, nil), ("s", ["sub": "s"], .accepted, nil),
        ("a*c*e", ["sub": "abcde"], star, own("abcde")),
        ("b*", ["sub": "abcde"], .refused, meant("abcde")),
        ("a*x*e", ["sub": "abcde"], .refused, meant("abcde")),
        ("a*c*c*e", ["sub": "abcde"], .refused, meant("abcde")),
    ]
    private static let star = Verdict.cannotBeTold(
        why: "Mondoo's pages have a * for the sessions of an AWS role alone"
    )
    private static func meant(_ text: String) -> String {
        "if this workload is meant, write the provider's subject as \(text)"
    }
    private static func own(_ text: String) -> String {
        "the token's own sub, \"\(text)\", is accepted in any case"
    }
    private static func email(_ text: String) -> String {
        "write the subject as \(text), the unique id: the e-mail address is not what sub holds"
    }

    @Test(arguments: subjects)
    func `says of a subject what to write`(
        wanted: String,
        claims: JSON,
        verdict: Verdict,
        hint: String?
    ) throws {
        let clause = try #require(Clause.list(subject: wanted, [], claims: claims).first)
        #expect(clause.verdict == verdict)
        #expect(clause.hint == hint)
    }

    @Test func `is that of the trust that fits best`() throws {
        func best(of trusts: [Trust]) throws -> [Clause] {
            try #require(
                Judgement(of: trusts, claims: `A trust`.claims, now: `A trust`.now, target: .none)
            ).clauses
        }
        let base = `A trust`.mondoo
        let twice = try Self.trust(base, ["issuer": "https://gitlab.com", "subject": "x"])
        let once = try Self.trust(base, ["subject": "x"])
        #expect(
            try best(of: [twice, once]).filter { $0.verdict == .refused }.map(\.name) == ["subject"]
        )
        let open = try Self.trust(
            base,
            ["issuer": "https://token.actions.githubusercontent.com/"]
        )
        let whole = try best(of: [open, Trust(base)])
        #expect(whole.allSatisfy { $0.verdict == .accepted })
    }

    @Test(arguments: ["@a@b/wfe", "a@/x/wfe", "a@b/", "a@:1/wfe", "a"])
    func `needs a client ID of ConductorOne's form`(clientID: String) {
        let trust = changed(`A trust`.conductorOne, ["clientId": .string(clientID)])
        let error = #expect(throws: PolicyError.self) { try Trust(trust) }
        #expect(error?.problem == "trust: clientId: is not of the form NAME@TENANT/wfe")
    }

    static let projects: [(projects: [String?], detail: String?)] = [
        (["p"], nil), ([nil], nil), ([nil, nil], nil), (["p", "p"], nil),
        (["p", "q"], "projects p and q both accept the token"),
        (["p", nil], "projects p and one without projectId both accept the token"),
        (["p", nil, nil], "projects p and one without projectId both accept the token"),
    ]

    @Test(arguments: projects)
    func `names the projects of Bright that a token fits`(projects: [String?], detail: String?)
        throws
    {
        let trusts = try projects.map { project in
            try Self.trust(`A trust`.bright, ["projectId": project.map { .string($0) } ?? .null])
        }
        let judgement = try #require(
            Judgement(of: trusts, claims: `A trust`.claims, now: `A trust`.now, target: .unknown)
        )
        #expect(judgement.clauses.first { $0.name == "resource" }?.detail == detail)
    }
}

@Suite struct `Bright's forms` {
    @Test func `have the fields of the page and no others`() throws {
        let error = #expect(throws: PolicyError.self) {
            try BrightPreset(.circleCI, ["Organization": "o", "Project ID": "p"])
        }
        #expect(error?.problem == "Bright's form for CircleCI has no field Organization")
        let found = try #require(BrightPreset.provider(ofField: "vcs ORIGIN"))
        #expect((found.provider, found.title) == (.circleCI, "VCS origin"))
        #expect(BrightPreset.provider(ofField: "Origin of VCS") == nil)
    }

    static let hints: [(title: String, hint: String)] = [
        (
            "Project ID",
            "choose the form of the token's own platform in Bright, or have a token of CircleCI made"
        ),
        (
            "VCS origin",
            "use $CIRCLE_OIDC_TOKEN_V2: the first token has no VCS claims (Bright's page)"
        ),
        ("VCS ref", "use $CIRCLE_OIDC_TOKEN_V2: the first token has no VCS claims (Bright's page)"),
    ]

    @Test(arguments: hints)
    func `say where a claim is to be had`(title: String, hint: String) throws {
        let fields = ["Organization ID": "o", "Project ID": "p"].merging([title: "x"]) { $1 }
        let clauses = try BrightPreset(.circleCI, fields).clauses([
            "iss": "https://oidc.circleci.com/org/o"
        ])
        #expect(clauses.first { $0.name == title }?.hint == hint)
    }
}
