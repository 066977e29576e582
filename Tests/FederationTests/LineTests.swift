import Federation
import FoundationEssentials
import Kernel
import TestSupport
import Testing
import Text

@Suite struct `Lines between the processes` {
    @Test(arguments: [nil, "gcp"])
    func `a job arrives as it was sent`(provider: String?) throws {
        let kinds: [Job.Kind] = [
            .exchange, .subjectToken(provider: provider), .claims(provider: provider),
            .probe(trust: provider),
        ]
        for kind in kinds {
            let job = Job(
                id: 7,
                kind: kind,
                path: "/etc/wif-agent/a.json",
                document: Secret("{\"type\": \"é\n\"}"),
                environment: ["NO_PROXY": "*", "JWT_TOKEN": "a\"b"],
                timeout: 12.5,
                handedOver: provider.map { [.subject: Secret($0), .actor: Secret("b")] } ?? [:]
            )
            let line = job.line()
            #expect(line.count { $0 == 0x0A } == 1 && line.last == 0x0A)
            let other = try Job(parsing: line)
            #expect(other.id == 7)
            #expect("\(other.kind)" == "\(kind)")
            #expect(other.path == job.path)
            #expect(other.document.isEqual(to: job.document))
            #expect(other.environment == job.environment)
            #expect(other.timeout == 12.5)
            #expect(other.handedOver[.subject]?.text == provider)
            #expect(other.handedOver[.actor]?.text == provider.map { _ in "b" })
        }
    }

    @Test func `a job written by hand needs little`() throws {
        let job = try Job(parsing: #"{"account":{"type":"external_account"}}"#.utf8)
        #expect(job.document.text == #"{"type":"external_account"}"#)
        #expect(job.timeout == Job.standardTimeout)
        #expect(job.environment.isEmpty)
    }

    static let badJobs = [
        "", "[]", "{}", #"{"account":1}"#, #"{"account":{},"kind":"dance"}"#,
        #"{"account":{},"id":"x"}"#,
    ]

    @Test(arguments: badJobs)
    func `what is no job is refused`(line: String) {
        #expect(throws: JSONError.self) { try Job(parsing: line.utf8) }
    }

    @Test func `a timeout stays within reason`() throws {
        for (text, expected) in [("0", 0.1), ("1e9", 600), ("-1", 0.1)] {
            let job = try Job(parsing: #"{"account":{},"timeout":\#(text)}"#.utf8)
            #expect(job.timeout == expected)
        }
    }

    @Test func `only the sources' and proxies' variables go along`() {
        for name in ["JWT_TOKEN", "HTTPS_PROXY", "MSI_ENDPOINT", "ACTIONS_ID_TOKEN_REQUEST_URL"] {
            #expect(Job.isAllowed(variable: name), "\(name)")
        }
        for name in ["TMPDIR", "LD_PRELOAD", "jwt_token", "MONDOO_CONFIG_BASE64", ""] {
            #expect(!Job.isAllowed(variable: name), "\(name)")
        }
    }

    static let kinds: [Credential.Kind] = [
        .mondoo, .accessToken(type: "Bearer", scheme: "Api-Key"),
    ]

    @Test(arguments: kinds)
    func `a credential arrives as it was sent`(kind: Credential.Kind) throws {
        let credential = Credential(
            kind: kind,
            value: Secret("dmFsdWU="),
            issuedAt: WallTime(secondsSinceEpoch: 1_700_000_000.25),
            lifetime: 3600,
            receivedAt: BootInstant(nanoseconds: 123_456_789_012_345_678)
        )
        let sent = JobResult(
            id: 3,
            outcome: .credential(credential),
            warnings: ["a\nb"],
            clockSkew: -61.5
        )
        let result = try JobResult(parsing: sent.line(), period: anyTime)
        #expect(result.id == 3)
        #expect(result.warnings == ["a\nb"])
        #expect(result.clockSkew == -61.5)
        guard case .credential(let other) = result.outcome else {
            Issue.record("no credential")
            return
        }
        #expect(other.kind == kind)
        #expect(other.value.isEqual(to: credential.value))
        #expect(other.issuedAt == credential.issuedAt)
        #expect(other.expiresAt == credential.expiresAt)
        #expect(other.receivedAt == credential.receivedAt)
        #expect(other.expiry == credential.receivedAt.advanced(bySeconds: 3600))
    }

    @Test(arguments: ["a\nb", "a\rb", "a b", "a\u{0}b", "é", ""])
    func `a worker's credential that would be more than a word is refused`(text: String) {
        let kinds: [Credential.Kind] = [
            .mondoo, .accessToken(type: "Bearer", scheme: "Bearer"),
            .accessToken(type: text, scheme: "Bearer"), .accessToken(type: "Bearer", scheme: text),
        ]
        for (index, kind) in kinds.enumerated() {
            let credential = Credential(
                kind: kind,
                value: Secret(index < 2 ? text : "dmFsdWU="),
                issuedAt: WallTime(secondsSinceEpoch: 1_700_000_000),
                lifetime: 3600,
                receivedAt: BootInstant(nanoseconds: 1)
            )
            let line = JobResult(id: 1, outcome: .credential(credential)).line()
            #expect(throws: JSONError.self) { try JobResult(parsing: line, period: anyTime) }
        }
    }

    @Test(arguments: ["1e300", "-1e300", "1e400", "\"1e300\"", "9223372036854775808"])
    func `a worker's time that nobody can count is none`(time: String) throws {
        for member in ["issuedAt", "lifetime"] {
            let times = [("issuedAt", "1"), ("lifetime", "1")].map { name, usual in
                #""\#(name)": \#(name == member ? time : usual)"#
            }.joined(separator: ", ")
            let line =
                #"{"id": 1, "credential": {"kind": "mondoo", "value": "YQ==", "#
                + #""receivedAt": 1, \#(times)}}"#
            #expect(throws: JSONError.self) { try JobResult(parsing: line.utf8, period: anyTime) }
        }
        let line = #"{"id": 1, "revoked": true, "clockSkew": \#(time)}"#
        do throws(JSONError) {
            #expect(try JobResult(parsing: line.utf8, period: anyTime).clockSkew == nil)
        } catch {}
    }

    @Test func `nothing a worker says steers a terminal`() throws {
        let evil = "\u{1B}[2J\u{9B}A\u{202E}b"
        let failure = Failure(.transient, at: .reply, evil, hint: evil)
        let sent = JobResult(id: 1, outcome: .failure(failure), warnings: [evil])
        let result = try JobResult(parsing: sent.line(), period: anyTime)
        guard case .failure(let other) = result.outcome else {
            Issue.record("no failure")
            return
        }
        let shown: [String?] = [other.message, other.hint, result.warnings.first]
        #expect(shown == [String?](repeating: "?[2J?A?b", count: 3))
        let step = StepReport.failed(.trust, .refused, evil, hint: evil, about: evil)
        guard
            case .steps(let steps) = try JobResult(
                parsing: JobResult(id: 1, outcome: .steps([step])).line(),
                period: anyTime
            ).outcome
        else {
            Issue.record("no steps")
            return
        }
        #expect([steps[0].text, steps[0].hint, steps[0].about] == shown)
    }

    @Test func `a worker cannot flood the log`() throws {
        let warnings = (0..<1000).map(String.init)
        let sent = JobResult(id: 1, outcome: .revoked, warnings: warnings)
        #expect(
            try JobResult(parsing: sent.line(), period: anyTime).warnings
                == Array(warnings.prefix(16))
        )
    }

    private static func credentialLine(
        value: String = "YQ==",
        kind: String = "mondoo",
        lifetime: String = "3600",
        received: Int64 = 5_000_000_000
    ) -> String {
        #"{"id": 1, "credential": {"kind": "\#(kind)", "value": "\#(value)", "issuedAt": 1, "#
            + #""lifetime": \#(lifetime), "receivedAt": \#(received)}}"#
    }

    private func credential(
        _ line: String,
        from start: Int64 = 2_000_000_000,
        until now: Int64 = 9_000_000_000
    ) throws -> Credential? {
        let result = try JobResult(parsing: line.utf8) { id in
            #expect(id == 1)
            return BootInstant(nanoseconds: start)...BootInstant(nanoseconds: now)
        }
        guard case .credential(let credential) = result.outcome else { return nil }
        return credential
    }

    // One absurd result kept an account from being refreshed for 292 years.
    @Test(arguments: [
        (Int64(0), Int64(2_000_000_000)), (2_000_000_000, 2_000_000_000),
        (5_000_000_000, 5_000_000_000), (9_000_000_001, 9_000_000_000), (.max, 9_000_000_000),
    ])
    func `a credential was received while its job ran`(said: Int64, taken: Int64) throws {
        let found = try credential(Self.credentialLine(received: said))
        #expect(found?.receivedAt == BootInstant(nanoseconds: taken))
    }

    @Test(arguments: [("1e11", 31_536_000.0), ("31536001", 31_536_000), ("0.5", 0.5)])
    func `no lifetime is longer than a year`(said: String, taken: Double) throws {
        let found = try credential(Self.credentialLine(lifetime: said))
        #expect(found?.lifetime == taken)
        #expect(found?.expiry == found?.receivedAt.advanced(bySeconds: taken))
    }

    @Test(arguments: [
        ("access-token", 65_536, true), ("access-token", 65_537, false),
        ("mondoo", 1_398_104, true), ("mondoo", 1_398_109, false),
    ])
    func `what is longer than any credential is none`(kind: String, count: Int, isTaken: Bool) {
        let line = Self.credentialLine(value: String(repeating: "a", count: count), kind: kind)
        #expect(((try? credential(line)) != nil) == isTaken)
    }

    @Test func `every text of a result is cut, however it came to be that long`() throws {
        let long = String(repeating: "x", count: 1000)
        let cut = String(repeating: "x", count: 600) + "…"
        let many = Array(repeating: "y", count: 1000).joined(separator: "\n")
        let fewer = Array(repeating: "y", count: 32).joined(separator: "\n")
        for (text, expected) in [(long, cut), (long + "\nb", cut + "\nb"), (many, fewer)] {
            let failure = Failure(.transient, at: .reply, text, hint: text)
            let sent = JobResult(id: 1, outcome: .failure(failure), warnings: [text])
            let result = try JobResult(parsing: sent.line(), period: anyTime)
            guard case .failure(let other) = result.outcome else { throw NoOutcome() }
            #expect(
                [other.message, other.hint, result.warnings.first]
                    == [String?](repeating: expected, count: 3)
            )
        }
    }

    private struct NoOutcome: Error {}

    @Test func `a step of a probe arrives as it was sent`() throws {
        let sent = StepReport.failed(.trust, .refused, "no", hint: "fix", about: "subject")
        let line = WorkerLine.line(sent, job: 7)
        guard case .step(let step, job: 7) = try WorkerLine(parsing: line, period: anyTime) else {
            throw NoOutcome()
        }
        #expect(step == sent)
    }

    @Test(arguments: [
        #"{"progress":{"step":"dns","state":"ok","found":"x"}}"#,
        #"{"id":"7","progress":{"step":"dns","state":"ok","found":"x"}}"#,
        #"{"id":7,"progress":{"step":"dns","state":"ok","found":"x"},"revoked":true}"#,
        #"{"id":7,"progress":{"step":"magic","state":"ok","found":"x"}}"#,
        #"{"id":7,"progress":{"step":"dns","found":"x"}}"#, #"{"id":7,"progress":null}"#,
        #"{"id":7,"progress":"dns"}"#,
    ])
    func `what is no step is refused`(_ line: String) {
        #expect(throws: JSONError.self) {
            try WorkerLine(parsing: line.utf8, period: anyTime)
        }
    }

    @Test func `a step's text is cut where it is too long`() throws {
        let sent = StepReport.ok(.dns, String(repeating: "x", count: 1 << 20))
        let line = WorkerLine.line(sent, job: 1)
        guard case .step(let step, _) = try WorkerLine(parsing: line, period: anyTime) else {
            throw NoOutcome()
        }
        #expect(step.text.utf8.count < 1 << 14)
    }

    @Test func `so many steps are no probe's`() throws {
        let steps = Array(repeating: StepReport.ok(.dns, "x"), count: 5000)
        let line = JobResult(id: 1, outcome: .steps(steps)).line()
        guard case .steps(let taken) = try JobResult(parsing: line, period: anyTime).outcome else {
            throw NoOutcome()
        }
        #expect(taken.count == 256)
    }

    @Test(arguments: Failure.Class.allCases, Failure.Step.allCases)
    func `a failure arrives as it was sent`(`class`: Failure.Class, step: Failure.Step) throws {
        let failure = Failure(`class`, at: step, "it \"failed\"", hint: "do é", retryAfter: 70.5)
        let result = try JobResult(
            parsing: JobResult(id: 1, outcome: .failure(failure)).line(),
            period: anyTime
        )
        guard case .failure(let other) = result.outcome else {
            Issue.record("no failure")
            return
        }
        #expect(other == failure)
    }

    @Test func `the steps of a probe arrive as they were sent`() throws {
        let sent: [StepReport] = [
            .ok(.dns, "é\n", about: "host"), .skipped(.tls, "none"),
            .warning(.clock, "late", hint: "wind it"),
            .failed(.trust, .refused, "no", hint: "mend", about: "subject"),
        ]
        let line = JobResult(id: 1, outcome: .steps(sent)).line()
        guard case .steps(let steps) = try JobResult(parsing: line, period: anyTime).outcome else {
            Issue.record("no steps")
            return
        }
        #expect(steps == sent)
        #expect(steps.map(\.exitCode) == [0, 0, 0, 77])
    }

    @Test func `a subject token and its proof arrive as they were sent`() throws {
        let token = SubjectToken(
            ClaimsFixture.token,
            source: "azure imds",
            isRenewable: false
        )
        let sent = JobResult(
            id: 1,
            outcome: .subjectToken(token.value),
            proof: JobResult.Proof(token)
        )
        let result = try JobResult(parsing: sent.line(), period: anyTime)
        #expect(result.proof == sent.proof)
        #expect(result.proof?.issuer == "https://i")
        #expect(result.proof?.isRenewable == false)
        guard case .subjectToken(let other) = result.outcome else {
            Issue.record("no token")
            return
        }
        #expect(other.isEqual(to: token.value))
    }

    static let badResults = [
        "", "{}", #"{"id":1}"#, #"{"id":1,"credential":{}}"#,
        #"{"id":1,"failure":{"class":"odd","step":"exchange","message":"x"}}"#,
        #"{"id":1,"credential":{"value":"x","kind":"mondoo","issuedAt":1,"lifetime":0,"receivedAt":1}}"#,
        #"{"id":1,"credential":{"value":"x","kind":"mondoo","issuedAt":1,"lifetime":1e30,"receivedAt":1}}"#,
        #"{"id":1,"credential":{"value":"x","kind":"mondoo","issuedAt":1e30,"lifetime":9,"receivedAt":1}}"#,
    ]

    @Test(arguments: badResults)
    func `what is no result is refused`(line: String) {
        #expect(throws: JSONError.self) { try JobResult(parsing: line.utf8, period: anyTime) }
    }

    @Test func `a failure prints its hint on a second line`() {
        #expect("\(Failure(.refused, at: .exchange, "no", hint: "do"))" == "no\nhint: do")
        #expect("\(Failure(.refused, at: .exchange, "no"))" == "no")
    }

    static let codes: [(Failure.Class, Int32)] = [
        (.transient, 75), (.throttled, 75), (.refused, 77), (.misconfigured, 78), (.noSource, 69),
    ]

    @Test(arguments: codes)
    func `a failure has its exit code`(`class`: Failure.Class, code: Int32) {
        #expect(`class`.exitCode == code)
    }

    @Test func `no rendering of a credential or job shows its secret`() throws {
        let job = Job(
            id: 1,
            kind: .exchange,
            path: "/a",
            document: Secret("hunter2"),
            environment: [:]
        )
        var dumped = ""
        dump(job, to: &dumped)
        let credential = Credential(
            kind: .mondoo,
            value: Secret("hunter2"),
            issuedAt: WallTime(secondsSinceEpoch: 0),
            lifetime: 1,
            receivedAt: .now
        )
        dump(JobResult(id: 1, outcome: .credential(credential)), to: &dumped)
        for text in [dumped, "\(job)", "\(credential)"] { #expect(!text.contains("hunter2")) }
    }
}

enum ClaimsFixture {
    static let token = `A token's claims`.token(#"{"iss":"https://i","sub":"s","exp":1700003600}"#)
}
