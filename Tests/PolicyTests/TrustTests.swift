import Federation
import FoundationEssentials
import Kernel
import Testing
import Text

@testable import Policy

@Suite struct `A trust` {
    static let mondoo: JSON = [
        "service": "mondoo", "issuer": "https://token.actions.githubusercontent.com",
        "subject": "repo:acme/web:ref:refs/heads/main", "allowedAudiences": ["mondoo"],
        "mappings": ["jwt_claims.repository": "acme/web"],
    ]
    static let conductorOne: JSON = [
        "service": "conductorone", "issuer": "https://token.actions.githubusercontent.com",
        "clientId": "quiet-bear-88456@Acme.conductor.one/wfe",
        "condition": #"claims.sub == "repo:acme/web:ref:refs/heads/main""#,
    ]
    static let bright: JSON = [
        "service": "bright", "issuer": "https://token.actions.githubusercontent.com",
        "allowedAudiences": ["https://github.com/acme", "bright"],
        "condition": #"sub.startsWith("repo:acme/web:")"#, "projectId": "p1",
    ]
    static let now = WallTime(secondsSinceEpoch: 1_700_000_000)
    static let claims: JSON = [
        "iss": "https://token.actions.githubusercontent.com",
        "sub": "repo:acme/web:ref:refs/heads/main",
        "aud": ["mondoo", "acme.conductor.one", "bright"], "iat": 1_699_999_950,
        "exp": 1_700_000_250, "repository": "acme/web",
    ]

    static let accepted: [(trust: JSON, clauses: [String])] = [
        (mondoo, ["issuer", "audience", "expiry", "subject", "jwt_claims.repository"]),
        (conductorOne, ["issuer", "audience", "expiry", "age", "condition"]),
        (bright, ["issuer", "audience", "expiry", "condition"]),
    ]

    @Test(arguments: accepted)
    func `accepts the token it was made for, clause by clause`(trust: JSON, names: [String]) throws
    {
        let clauses = try Trust(trust).judge(claims: Self.claims, now: Self.now)
        #expect(clauses.map(\.name) == names)
        #expect(clauses.allSatisfy { $0.verdict == .accepted }, "\(clauses)")
    }

    struct Refusal: Sendable {
        let trust: JSON
        let change: [String: JSON]
        let clause: Clause
    }

    static func refusal(
        _ trust: JSON,
        _ change: [String: JSON],
        _ name: String,
        _ detail: String,
        hint: String? = nil,
        _ verdict: Verdict = .refused
    ) -> Refusal {
        Refusal(trust: trust, change: change, clause: Clause(name, verdict, detail, hint: hint))
    }

    static let fetch = "fetch the token right before the exchange, or ask for a longer one"
    static let askFor =
        "ask the platform for a token with that audience (tokenAudience), or allow the token's in the"
        + " trust"
    static let refusals: [Refusal] = [
        refusal(
            mondoo,
            ["iss": "https://token.actions.githubusercontent.com/"],
            "issuer",
            #"iss is "https://token.actions.githubusercontent.com/", "https://token.actions.githubusercontent.com" is trusted: they differ by the trailing slash alone"#,
            hint:
                #"write the issuer in the trust exactly as the token does, "https://token.actions.githubusercontent.com/""#,
            .cannotBeTold(why: "Mondoo's pages do not say whether a trailing slash counts")
        ),
        refusal(
            bright,
            ["iss": "https://token.actions.githubusercontent.com/"],
            "issuer",
            #"iss is "https://token.actions.githubusercontent.com/", "https://token.actions.githubusercontent.com" is trusted: they differ by the trailing slash alone"#,
            hint:
                #"write the issuer in the trust exactly as the token does, "https://token.actions.githubusercontent.com/""#
        ),
        refusal(
            mondoo,
            ["iss": "https://gitlab.com"],
            "issuer",
            #"iss is "https://gitlab.com", "https://token.actions.githubusercontent.com" is trusted"#,
            hint: "if this token's issuer is meant, write the trust's issuer as https://gitlab.com"
        ), refusal(bright, ["iss": .null], "issuer", "the token has no iss"),
        refusal(
            mondoo,
            ["aud": "other"],
            "audience",
            #"aud is "other", "mondoo" is allowed"#,
            hint: askFor
        ),
        refusal(
            bright,
            ["aud": []],
            "audience",
            #"aud is [], "https://github.com/acme", "bright" are allowed"#,
            hint: askFor
        ),
        refusal(
            conductorOne,
            ["aud": "https://acme.conductor.one"],
            "audience",
            #"aud is "https://acme.conductor.one", the tenant's domain "acme.conductor.one" must be in it"#,
            hint:
                "ask the platform for a token with the audience acme.conductor.one (tokenAudience)",
            .cannotBeTold(
                why:
                    "ConductorOne's page wants the domain contained in aud, and does not say whether a"
                    + " longer text around it will do"
            )
        ),
        refusal(
            mondoo,
            ["exp": 1_700_000_179],
            "expiry",
            "179 s left, more than 180 s needed",
            hint: fetch
        ), refusal(mondoo, ["exp": 1_699_999_990], "expiry", "expired 10 s ago"),
        refusal(bright, ["exp": .null], "expiry", "the token has no exp"),
        refusal(bright, ["exp": 1_700_000_000], "expiry", "expired 0 s ago"),
        refusal(
            conductorOne,
            ["iat": 1_699_999_399],
            "age",
            "issued 601 s ago, at most 600 s are accepted",
            hint: "fetch the token right before the exchange"
        ),
        refusal(conductorOne, ["iat": .null], "age", "the token has no iat"),
        refusal(
            conductorOne,
            ["iat": 1_700_000_500],
            "age",
            "iat lies 500 s ahead: is the clock right?",
            .cannotBeTold(why: "ConductorOne's page does not speak of an iat in the future")
        ),
        refusal(
            mondoo,
            ["nbf": 1_700_000_100],
            "start",
            "nbf lies 100 s ahead (RFC 7519 section 4.1.5)",
            hint: "synchronise this machine's clock (timedatectl), or the issuer's"
        ),
        refusal(
            mondoo,
            ["sub": "repo:acme@12/web@34:ref:refs/heads/main", "repository_id": "34"],
            "subject",
            #"sub is "repo:acme@12/web@34:ref:refs/heads/main", "repo:acme/web:ref:refs/heads/main" is trusted: the token's sub is in GitHub's immutable form, with ids (repo:OWNER@ID/NAME@ID:…), the trusted one in GitHub's form without ids (repo:OWNER/NAME:…)"#,
            hint:
                "write the subject as the token has it; jwt_claims.repository_id = 34 pins the repository in both forms"
        ),
        refusal(
            bright,
            ["sub": "repo:acme@12/web@34:ref:refs/heads/main", "repository_id": "34"],
            "condition",
            #"sub.startsWith("repo:acme/web:") is false (sub is "repo:acme@12/web@34:ref:refs/heads/main")"#,
            hint:
                #"the token's sub is in GitHub's immutable form, with ids (repo:OWNER@ID/NAME@ID:…), the trusted one in GitHub's form without ids (repo:OWNER/NAME:…): write it as the token has it; claims.repository_id == "34" is the same in both"#
        ),
        refusal(
            mondoo,
            ["sub": "repo:acme/web:pull_request"],
            "subject",
            #"sub is "repo:acme/web:pull_request", "repo:acme/web:ref:refs/heads/main" is trusted"#,
            hint:
                "a pull request's sub names no branch: to let pull requests in, write the subject as repo:acme/web:pull_request, which each of the repository has"
        ),
        refusal(
            mondoo,
            ["sub": "repo:Acme/web:ref:refs/heads/main"],
            "subject",
            #"sub is "repo:Acme/web:ref:refs/heads/main", "repo:acme/web:ref:refs/heads/main" is trusted: they differ in capital letters alone"#,
            hint:
                "if this workload is meant, write the provider's subject as repo:Acme/web:ref:refs/heads/main"
        ),
        refusal(
            mondoo,
            ["sub": "repo:acme/web:environment:production"],
            "subject",
            #"sub is "repo:acme/web:environment:production", "repo:acme/web:ref:refs/heads/main" is trusted"#,
            hint:
                "a job with an environment has it in its sub in place of the ref: write the subject as repo:acme/web:environment:production, or leave environment: out of the job"
        ),
        refusal(
            mondoo,
            ["repository": "acme/api"],
            "jwt_claims.repository",
            #""acme/api" is there, "acme/web" is wanted"#,
            hint: "if this workload is meant, write jwt_claims.repository = acme/api"
        ),
        refusal(
            mondoo,
            ["repository": .null],
            "jwt_claims.repository",
            #"the claim is absent, "acme/web" is wanted"#,
            hint: "leave the mapping out, or have the platform put the claim into its tokens"
        ),
        refusal(
            mondoo,
            ["repository": ["acme/web"]],
            "jwt_claims.repository",
            #""acme/web" fits"#,
            .cannotBeTold(
                why:
                    "the claim is a list that holds the value, and Mondoo's pages have no rule for that"
            )
        ),
        refusal(
            conductorOne,
            ["sub": "x"],
            "condition",
            #"claims.sub == "repo:acme/web:ref:refs/heads/main" is false (claims.sub is "x")"#,
            hint:
                #"if this workload is meant, write claims.sub == "x" in the condition, as the token has it (wif-agent claims --for conductorone suggests a whole one); else run it where the token has "repo:acme/web:ref:refs/heads/main""#
        ),
        refusal(
            bright,
            ["sub": 5],
            "condition",
            "line 1, column 5: startsWith() does not apply to int, string",
            hint:
                "write the condition with the values that the token has (wif-agent claims --for bright suggests one), or have the platform make the token otherwise"
        ),
    ]

    @Test(arguments: refusals)
    func `says which clause fails, and why`(refusal: Refusal) throws {
        let claims = (Self.claims.object ?? [:]).merging(refusal.change) { $1 }.filter {
            $0.value != .null
        }
        let clauses = try Trust(refusal.trust).judge(claims: .object(claims), now: Self.now)
        #expect(clauses.filter { $0.verdict != .accepted } == [refusal.clause])
    }

    @Test func `times may be fractions and strings`() throws {
        let claims = (Self.claims.object ?? [:]).merging([
            "exp": "1700000250.9", "iat": .number(1_699_999_400.5),
        ]) { $1 }
        let clauses = try Trust(Self.conductorOne).judge(claims: .object(claims), now: Self.now)
        #expect(clauses.allSatisfy { $0.verdict == .accepted }, "\(clauses)")
    }

    static let arns: [(subject: String, arn: String, verdict: Verdict)] = [
        ("arn:aws:sts::1:assumed-role/R/*", "arn:aws:sts::1:assumed-role/R/i-1", .accepted),
        ("arn:aws:sts::1:assumed-role/R/*", "arn:aws:sts::1:assumed-role/R/", .refused),
        ("arn:aws:sts::1:assumed-role/R/*", "arn:aws:sts::1:assumed-role/R2/i-1", .refused),
        ("arn:aws:iam::1:user/u", "arn:aws:iam::1:user/u", .accepted),
        ("arn:aws:sts::1:assumed-role/R/a", "arn:aws:sts::1:assumed-role/R/b", .refused),
    ]

    @Test(arguments: arns)
    func `of AWS compares the ARN, sessions by a star`(
        subject: String,
        arn: String,
        verdict: Verdict
    ) throws {
        let trust = try Trust([
            "issuer": "https://sts.amazonaws.com", "subject": .string(subject),
            "mappings": [["key": "aws_claims.account", "value": "1"]],
        ])
        let clauses = trust.judge(
            claims: ["Arn": .string(arn), "Account": "1", "UserId": "x"],
            now: Self.now
        )
        #expect(clauses.map(\.name) == ["subject", "aws_claims.account"])
        #expect(clauses.map(\.verdict) == [verdict, .accepted])
    }

    static let malformed: [(json: String, message: String)] = [
        ("[1]", "trusts[0]: an object is expected, found a number"),
        (
            "{",
            "the trust file is not JSON: a name in quotes is expected (line 1, column 2)\nhint: write every name in double quotes"
        ),
        (
            #"{"service": "mondo", "issuer": "https://a"}"#,
            "trust: service: \"mondo\" is not known; one of mondoo, conductorone, bright\nhint: did you mean mondoo?"
        ),
        (
            #"{"service": 1}"#,
            "trust: service: a string is expected, found a number\nhint: write it in quotes"
        ),
        (#"{"subject": "x"}"#, "trust: issuer: is missing; it is the iss that tokens must have"),
        (
            #"{"issuer": "a.b", "subject": "x"}"#,
            "trust: issuer: is no URL; it is the token's iss, character by character"
        ),
        (
            #"{"issuer": "https://a"}"#,
            "trust: subject: is missing; it is the sub, or the ARN, that tokens must have"
        ),
        (
            #"{"issuer": "https://a", "subjet": "x"}"#,
            "trust: subjet: a trust of mondoo has no such key\nhint: did you mean subject?"
        ),
        (
            #"{"issuer": "https://a", "subject": "x", "condition": "true"}"#,
            "trust: condition: a trust of mondoo has no such key\nhint: Mondoo has no conditions; write mappings"
        ),
        (
            #"{"issuer": "https://a", "subject": "x", "mappings": {"a": "b"}}"#,
            "the mapping a has an unknown prefix (a mapping is jwt_claims.NAME or aws_claims.account, .arn or .userid)\nhint: write jwt_claims.a"
        ),
        (
            #"{"issuer": "https://a", "subject": "x", "mappings": {"jwt_claims.a": 1}}"#,
            "trust: mappings: the value of jwt_claims.a is not a string"
        ),
        (
            #"{"issuer": "https://a", "subject": "x", "mappings": {"aws_claims.arn": "x"}}"#,
            "trust: mappings: aws_claims.arn does not go with the issuer https://a\nhint: this issuer's mappings start with jwt_claims."
        ),
        (
            #"{"issuer": "https://a", "subject": "x", "mappings": [{"key": "a"}]}"#,
            #"trust: mappings: an element is not {"key": …, "value": …}"#
        ),
        (
            #"{"issuer": "https://a", "subject": "x", "allowedAudiences": "a"}"#,
            "trust: allowedAudiences: an array of strings is expected, found a string\nhint: write an array: put the string in brackets, [\"...\"]"
        ),
        (
            #"{"issuer": "https://a", "subject": "x", "allowedAudiences": [""]}"#,
            "trust: allowedAudiences: an element is not a string with something in it"
        ),
        (
            #"{"issuer": "https://a", "subject": "x", "expiration": 86401}"#,
            "trust: expiration: 1 to 86400 seconds are expected\nhint: write at most 86400, a day: Mondoo's credentials live no longer"
        ),
        (
            #"{"issuer": "https://sts.amazonaws.com", "subject": "x", "allowedAudiences": ["a"]}"#,
            "trust: allowedAudiences: AWS's signed requests have no audience"
        ),
        (
            #"{"service": "conductorone", "issuer": "https://a", "condition": "true"}"#,
            "trust: clientId: is missing; it is the trust's client ID, NAME@TENANT/wfe"
        ),
        (
            #"{"service": "conductorone", "issuer": "https://a", "clientId": "a@b", "condition": "true"}"#,
            "trust: clientId: is not of the form NAME@TENANT/wfe"
        ),
        (
            #"{"clientId": "a@b/wfe", "issuer": "https://a", "condition": "claims."}"#,
            "line 1, column 8: trust: condition: the end stands where a field name is expected\nhint: write a claim whose name is not an identifier as claims[\"name\"]"
        ),
        (
            #"{"clientId": "a@b/wfe", "issuer": "https://a", "subject": "x"}"#,
            "trust: subject: a trust of conductorone has no such key\nhint: write it in the condition: claims.sub == \"…\""
        ),
        (
            #"{"service": "bright", "issuer": "https://a", "condition": "sub == 'a'"}"#,
            "trust: allowedAudiences: is missing; Bright accepts no token without one"
        ),
        (
            #"{"service": "bright", "issuer": "https://a", "allowedAudiences": ["a"], "condition": "true"}"#,
            "line 1, column 1: trust: condition: a literal that stands alone is not supported (a term compares an input with a literal: ==, in or startsWith(), joined by &&)"
        ),
    ]

    @Test(arguments: malformed)
    func `that is malformed is refused by key`(json: String, message: String) {
        let error = #expect(throws: PolicyError.self) { try Trust.list(parsing: Array(json.utf8)) }
        #expect(error?.description == message)
    }

    @Test func `files hold one, an array, or an object of them`() throws {
        let one = String(decoding: Self.mondoo.serialized(), as: UTF8.self)
        for text in [one, "[\(one)]", "{\"trusts\": [\(one)]}"] {
            #expect(try Trust.list(parsing: Array(text.utf8)).map(\.service) == [.mondoo])
        }
        #expect(try Trust.list(parsing: Array("[]".utf8)).isEmpty)
    }

    static let tenants = [
        ("a@acme/wfe", "acme.conductor.one"), ("a@C1.dev.example.com/pcc", "c1.dev.example.com"),
        ("a@acme.conductor.one:8443/wfe", "acme.conductor.one"),
        ("a@acme/wfe/x", "acme.conductor.one"), ("a@b@acme.test/wfe", "b@acme.test"),
    ]

    @Test(arguments: tenants)
    func `of ConductorOne knows the tenant by its client ID`(clientID: String, tenant: String)
        throws
    {
        let trust = try Trust([
            "service": "conductorone", "issuer": "https://a", "clientId": .string(clientID),
            "condition": "true",
        ])
        guard case .conductorone(let terms) = trust.terms else { throw ExpectationFailed() }
        #expect(terms.tenant == tenant)
    }

    struct ExpectationFailed: Error {}
}
