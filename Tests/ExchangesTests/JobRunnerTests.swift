import Federation
import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing
import Text
import TokenSources
import Worker

@Suite(.timeLimit(.minutes(1)))
struct JobRunnerTests {
    private let time = VirtualTimekeeper(wallClock: testDate)

    private func result(
        _ transport: ScriptedTransport,
        _ members: [String: JSON] = [:],
        kind: Job.Kind = .exchange,
        environment: [String: String] = [:]
    ) async -> JobResult {
        let job = Job(
            id: 3,
            kind: kind,
            path: "/etc/wif-agent/test.json",
            document: accountDocument(members),
            environment: environment
        )
        return await JobRunner(
            job: job,
            deadline: time.now.advanced(bySeconds: job.timeout),
            transport: transport,
            timekeeper: time,
            machine: Machine(isGoogle: false, isAzure: false)
        ).result()
    }

    /// GCP gives these tokens one after the other; Mondoo answers with the reply.
    private func network(_ tokens: [String], _ reply: HTTPResponse) -> ScriptedTransport {
        ScriptedTransport { (request, number) in
            if request.method == "POST" { return reply }
            let token = tokens[min(number, tokens.count - 1)]
            return .text(200, token, [("metadata-flavor", "Google")])
        }
    }

    private func sentToken(_ network: ScriptedTransport) throws -> String? {
        let body = network.sent.last { $0.method == "POST" }?.body
        return try JSON(parsing: try #require(body).bytes)["jwt_token"]?.string
    }

    private let gcp: [String: JSON] = ["credentialSource": ["provider": "gcp"]]

    @Test func `an actor's token goes with the subject's`() async throws {
        let reply = #"{"access_token":"given","token_type":"Bearer","expires_in":60}"#
        let network = ScriptedTransport([.success(.text(200, reply))])
        let members: [String: JSON] = [
            "service": "oauth", "tokenUrl": "https://sts.test/token",
            "credentialSource": ["environment": "SUBJECT"],
            "actorToken": ["environment": "ACTOR"], "actorTokenType": "urn:x",
        ]
        let done = await result(
            network,
            members,
            environment: ["SUBJECT": token(), "ACTOR": "the-actor"]
        )
        guard case .credential = done.outcome else {
            Issue.record("\(done.outcome)")
            return
        }
        let body = try #require(network.sent.first?.body?.text)
        #expect(body.hasSuffix("&actor_token=the-actor&actor_token_type=urn%3Ax"))
        #expect(body.contains("&subject_token=\(token())&"))
        let missing = await result(network, members, environment: ["SUBJECT": token()])
        guard case .failure(let failure) = missing.outcome else {
            Issue.record("\(missing.outcome)")
            return
        }
        #expect(failure.message == "actorToken: environment: the variable ACTOR is not set")
        #expect(failure.class == .noSource)
        #expect(network.sent.count == 1)
    }

    @Test func `a token becomes a credential`() async throws {
        let network = network([token()], try TestCredential().reply)
        let result = await result(network, gcp)
        guard case .credential(let credential) = result.outcome else {
            Issue.record("\(result)")
            return
        }
        #expect(result.id == 3)
        #expect(credential.lifetime == 3600)
        #expect(result.proof?.source == "gcp")
        #expect(result.proof?.subject == "subject-1")
        #expect(result.warnings.isEmpty)
        #expect(network.sent.count == 2)
    }

    @Test(arguments: [(3600.0, 16, 2), (3600.0, 13, 1), (10.0, 16, 1)])
    func `a proof of a wrong clock is dated by the reply's, once`(
        skew: Double,
        code: Int,
        count: Int
    ) async throws {
        time.stepWallClock(by: skew)
        let refusal = HTTPResponse.text(
            400,
            #"{"code":\#(code),"message":"no"}"#,
            [("date", testDateHeader)]
        )
        let network = ScriptedTransport([.success(refusal)])
        let result = await result(
            network,
            ["issuerUri": "https://sts.amazonaws.com"],
            environment: ["AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s"]
        )
        #expect(network.sent.count == count)
        #expect(result.clockSkew == skew)
        let proof = try sentToken(network) ?? ""
        #expect(proof.contains("20240102T030405Z") == (count == 2))
    }

    @Test func `a token with too little left is fetched once more`() async throws {
        let old = token(secondsLeft: 100)
        let network = network([old, token()], try TestCredential().reply)
        let result = await result(network, gcp)
        #expect(try sentToken(network) == token())
        #expect(result.warnings.isEmpty)
    }

    @Test func `is sent all the same if the second is no better, and explains the refusal`()
        async throws
    {
        let old = token(secondsLeft: 100)
        let refusal = HTTPResponse.text(401, #"{"code":16,"message":"denied"}"#)
        let network = network([old], refusal)
        let result = await result(network, gcp)
        #expect(network.sent.count == 3)
        #expect(try sentToken(network) == old)
        #expect(result.warnings.count == 1)
        guard case .failure(let failure) = result.outcome else { return }
        #expect(failure.class == .refused)
        #expect(failure.message.contains("denied (code 16, status 401); likely because"))
        #expect(failure.message.contains("has 100 s left"))
    }

    @Test func `a token that cannot be had again is not asked for again`() async throws {
        let old = token(secondsLeft: 100)
        let network = network([token()], try TestCredential().reply)
        let result = await result(
            network,
            ["credentialSource": ["environment": "ID"]],
            environment: ["ID": old]
        )
        #expect(try sentToken(network) == old)
        #expect(result.proof?.isRenewable == false)
        #expect(result.proof?.expiresAt == 1_704_164_745)
        #expect(result.warnings.count == 1)
    }

    @Test func `an issuer that auto has warned of is not warned of twice`() async throws {
        let other = token(issuer: "https://other.example")
        let network = ScriptedTransport { (request, _) async throws(HTTPError) in
            if request.url.contains("computeMetadata") {
                return .text(200, other, [("metadata-flavor", "Google")])
            }
            throw .refused
        }
        let result = await result(network)
        #expect(result.warnings.count == 1)
        #expect(result.warnings.first?.hasPrefix("auto: ") == true)
    }

    @Test func `a subject-token job gives the token, of another provider if asked`() async throws {
        let network = network([token()], .text(500))
        let result = await result(
            network,
            ["credentialSource": ["environment": "ID"]],
            kind: .subjectToken(provider: "gcp")
        )
        guard case .subjectToken(let secret) = result.outcome else {
            Issue.record("\(result)")
            return
        }
        #expect(secret.text == token())
        #expect(network.sent.count == 1)
    }

    @Test func `an unknown provider and a bad account are misconfigured`() async {
        let network = network([token()], .text(500))
        let unknown = await result(network, kind: .subjectToken(provider: "x"))
        let bad = await result(network, ["issuerUri": .null])
        for case .failure(let failure) in [unknown.outcome, bad.outcome] {
            #expect(failure.class == .misconfigured)
        }
        #expect(network.sent.isEmpty)
    }

    @Test func `ends itself at its deadline`() async throws {
        let time = time
        let network = ScriptedTransport { (request, _) async throws(HTTPError) in
            do {
                try await time.sleep(until: BootInstant(seconds: 1e6))
            } catch {
                throw HTTPError(.cancelled, url: request.url, detail: "")
            }
            return .text(200)
        }
        async let pending = result(network, gcp)
        await time.waitForSleepers(2)
        time.advance(by: 60)
        guard case .failure(let failure) = await pending.outcome else { return }
        #expect(failure.class == .transient)
        #expect(failure.message == "the job took longer than its 60 s")
    }
}

struct JobEnvironmentTests {
    @Test func `carries the allowed variables and the one the source names`() throws {
        let account = try account(["credentialSource": ["environment": "MY_TOKEN"]])
        let environment = ["MY_TOKEN": "a", "HTTPS_PROXY": "b", "SHELL": "c", "OTHER_TOKEN": "d"]
        let carried = Job.environment(for: account, from: environment)
        #expect(carried == ["MY_TOKEN": "a", "HTTPS_PROXY": "b"])
    }
}
