import Crypto
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

/// The probe against a network of the test's own making; the built programs' is in EndToEndTests.
@Suite(.timeLimit(.minutes(1)))
struct ProbeTests {
    private static let issuer = "https://issuer.test"
    private static let key = Result { try PrivateKey.generate(.p256) }

    /// A network with a service, an issuer and whatever the row changes of it.
    private struct Network {
        var documents: [String: String] = [:]
        var exchange = HTTPResponse.text(401, #"{"code":16,"message":"denied"}"#)
        var ping = 200
        var isServiceUp = true

        init() throws {
            let jwk = try ProbeTests.key.get().publicJWK(keyID: "k1")
            let unknown: JSON = ["kty": "AKP", "kid": "pq", "alg": "ML-DSA-65", "x5c": ["a"]]
            let keys: JSON = [
                "keys": [unknown, .object(jwk.mapValues(JSON.string))]
            ]
            documents["/keys"] = String(decoding: keys.serialized(), as: UTF8.self)
            documents["/.well-known/openid-configuration"] = #"""
                {"issuer":"https://issuer.test","jwks_uri":"https://issuer.test/keys",
                 "response_types_supported":["id_token"],"subject_types_supported":["public"],
                 "id_token_signing_alg_values_supported":["ES256"]}
                """#
        }

        func transport() -> ScriptedTransport {
            ScriptedTransport { (request, _) throws(HTTPError) in
                let url = request.url
                if url.hasPrefix(ProbeTests.issuer) {
                    let path = String(url.dropFirst(ProbeTests.issuer.count))
                    guard let text = self.documents[path] else { return .text(404, "none") }
                    return .text(200, text)
                }
                guard self.isServiceUp else { throw HTTPError.refused }
                if url.hasSuffix("/PingPong") { return .text(self.ping, "{}") }
                guard request.method == "POST" else {
                    return .text(404, "", [("date", testDateHeader)])
                }
                return self.exchange
            }
        }
    }

    private func steps(
        _ network: Network,
        token text: String? = nil,
        trust: String? = nil
    ) async throws -> ([StepReport], ScriptedTransport) {
        let time = VirtualTimekeeper(wallClock: testDate)
        let claims: JSON = [
            "iss": .string(Self.issuer), "sub": "me", "aud": .string(mondooScope),
            "iat": 1_704_164_640, "exp": 1_704_168_240,
        ]
        let token =
            try text
            ?? Self.key.get().signJWS(payload: claims.serialized(), header: ["kid": "k1"])
        let document = accountDocument([
            "issuerUri": .string(Self.issuer), "credentialSource": ["environment": "T"],
        ])
        let job = Job(
            id: 1,
            kind: .probe(trust: trust),
            path: "/etc/wif-agent/test.json",
            document: document,
            environment: ["T": token]
        )
        let transport = network.transport()
        let told = Box()
        let result = await JobRunner(
            job: job,
            deadline: time.now.advanced(bySeconds: job.timeout),
            transport: transport,
            timekeeper: time,
            machine: Machine(isGoogle: false, isAzure: false),
            telling: { step in told.add("\(step)") }
        ).result()
        let line = String(decoding: result.line(), as: UTF8.self)
        let signature = String(token.suffix(24))
        #expect(signature.count < 9 || !line.contains(signature), "a token is in the report")
        #expect(!line.contains("PRIVATE KEY"))
        guard
            case .steps(let steps) = try JobResult(parsing: result.line(), period: anyTime).outcome
        else {
            Issue.record("\(result.outcome)")
            return ([], transport)
        }
        #expect(told.all == steps.map { "\($0)" }, "each step is told of as the result has it")
        return (steps, transport)
    }

    private func state(_ name: StepReport.Name, in steps: [StepReport]) -> StepReport.State? {
        steps.first { $0.name == name }?.state
    }

    @Test func `the whole road is walked, and the credential tried`() async throws {
        var network = try Network()
        network.exchange = try TestCredential().reply
        let (steps, transport) = try await steps(network)
        let taken: [StepReport.Name] = [
            .http, .clock, .source, .issuer, .times, .subject, .discovery, .keys, .signature,
            .exchange, .reply, .credential,
        ]
        for name in taken { #expect(state(name, in: steps) == .ok, "\(name)") }
        #expect(!steps.contains { $0.state == .failed })
        let ping = try #require(transport.sent.last)
        #expect(ping.url == "https://mondoo.test/AgentManager/PingPong")
        let bearer = try #require(
            ping.headers.first { $0.name == "Authorization" }?.value.text.dropFirst(7)
        )
        let claims = try #require(TokenClaims(decoding: Secret(String(bearer))))
        #expect(claims.header["alg"] == "ES384")
        #expect(claims.all["iss"] == "mondoo/ams")
        #expect(claims.all["iat"] == 1_704_164_645)
        #expect(
            claims.all["chash"]
                == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        )
    }

    @Test func `a credential that the service does not know is told of`() async throws {
        var network = try Network()
        network.exchange = try TestCredential().reply
        network.ping = 401
        let (steps, _) = try await steps(network)
        let step = try #require(steps.first { $0.name == .credential })
        #expect(step.class == .refused)
        #expect(step.text.contains("401"))
    }

    @Test(arguments: [
        ("lacks jwks_uri", StepReport.Name.discovery, #"{"issuer":"https://issuer.test"}"#),
        (
            "names the issuer https://issuer.test/", .discovery,
            #"{"issuer":"https://issuer.test/","jwks_uri":"x","response_types_supported":[],"#
                + #""subject_types_supported":[],"id_token_signing_alg_values_supported":[]}"#
        ),
        (
            "is plain http", .discovery,
            #"{"issuer":"https://issuer.test","jwks_uri":"http://issuer.test/keys","#
                + #""response_types_supported":[],"subject_types_supported":[],"#
                + #""id_token_signing_alg_values_supported":[]}"#
        ),
        ("is not JSON", .discovery, "<html>"),
        ("is not a JSON object", .discovery, "[]"),
    ])
    func `what is wrong with a discovery document is named`(
        words: String,
        name: StepReport.Name,
        document: String
    ) async throws {
        var network = try Network()
        network.documents["/.well-known/openid-configuration"] = document
        let (steps, _) = try await steps(network)
        let step = try #require(steps.first { $0.state == .failed })
        #expect(step.name == name)
        #expect(step.text.contains(words), "\(step.text)")
        #expect(step.hint != nil)
        #expect(state(.keys, in: steps) == .skipped)
    }

    @Test func `a key that is not published, or another's, is told of`() async throws {
        var network = try Network()
        network.documents["/keys"] = #"{"keys":[{"kty":"AKP","kid":"pq"}]}"#
        var (steps, _) = try await steps(network)
        #expect(steps.filter { $0.name == .keys }.map(\.state) == [.ok, .failed])
        let other = try PrivateKey.generate(.p256).publicJWK(keyID: "k1").mapValues(JSON.string)
        network.documents["/keys"] = String(
            decoding: JSON.object(["keys": [.object(other)]]).serialized(),
            as: UTF8.self
        )
        (steps, _) = try await self.steps(network)
        #expect(steps.filter { $0.name == .keys }.map(\.state) == [.ok, .ok])
        #expect(state(.signature, in: steps) == .failed)
    }

    @Test(arguments: [
        (#"{"keys":{}}"#, "lacks the array"),
        (#"{"keys":[]}"#, "not among the issuer's 0"),
        (#"{"keys":[1,null,"x",{"kid":7},{"kid":"k1"}]}"#, "cannot be used"),
        (#"{"keys":[{"kid":"k1","kty":"oct","k":"c2VjcmV0"}]}"#, "cannot be used"),
        (#"{"keys":[{"kid":"k1","kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}"#, "x has 1 bytes"),
        (
            #"{"keys":[{"kid":"k1","kty":"RSA","n":"\#(String(repeating: "A", count: 9000))","e":"AQAB"}]}"#,
            "bytes"
        ),
        (#"{"keys":\#(String(repeating: "[", count: 5000))"#, "not JSON"),
    ])
    func `keys that are none are told of`(document: String, words: String) async throws {
        var network = try Network()
        network.documents["/keys"] = document
        let (steps, _) = try await steps(network)
        let step = try #require(steps.first { $0.state == .failed })
        #expect(step.name == .keys)
        #expect(step.text.contains(words), "\(step.text)")
    }

    @Test func `a kind of key that is not known here says nothing of the service`() async throws {
        var network = try Network()
        network.documents["/keys"] = #"{"keys":[{"kty":"AKP","kid":"k1","alg":"ML-DSA-65"}]}"#
        let (steps, _) = try await steps(network)
        #expect(steps.filter { $0.name == .keys }.map(\.state) == [.ok, .ok])
        let step = try #require(steps.first { $0.name == .signature })
        #expect(step.state == .warning)
        #expect(step.text.hasPrefix("cannot be told here: "), "\(step.text)")
    }

    @Test func `a token that names no key is verified with each`() async throws {
        var network = try Network()
        let other = try PrivateKey.generate(.p256).publicJWK(keyID: "k0").mapValues(JSON.string)
        let own = try Self.key.get().publicJWK(keyID: "k1").mapValues(JSON.string)
        let keys: JSON = ["keys": [.object(other), .object(own)]]
        network.documents["/keys"] = String(decoding: keys.serialized(), as: UTF8.self)
        let claims: JSON = ["iss": .string(Self.issuer), "sub": "me", "exp": 1_704_168_240]
        let token = try Self.key.get().signJWS(payload: claims.serialized(), header: [:])
        let (steps, _) = try await steps(network, token: token)
        #expect(state(.signature, in: steps) == .ok)
    }

    @Test func `what was expected to be refused and is accepted is a warning`() async throws {
        var network = try Network()
        network.documents = [:]
        network.exchange = try TestCredential().reply
        let (steps, _) = try await steps(network)
        #expect(state(.discovery, in: steps) == .warning)
        #expect(!steps.contains { $0.state == .failed })
    }

    @Test func `a service that is away is not asked to exchange`() async throws {
        var network = try Network()
        network.isServiceUp = false
        let (steps, transport) = try await steps(network)
        #expect(state(.connection, in: steps) == .failed)
        #expect(state(.exchange, in: steps) == .skipped)
        #expect(!transport.sent.contains { $0.method == "POST" })
    }

    @Test(arguments: [("me", true), ("you", false)])
    func `a trust is asked before the service is`(subject: String, isTrusted: Bool) async throws {
        let trust = #"{"issuer":"https://issuer.test","subject":"\#(subject)"}"#
        let (steps, transport) = try await steps(try Network(), trust: trust)
        let step = steps.first { $0.name == .trust && $0.about == "subject" }
        #expect(step?.state == (isTrusted ? .ok : .failed))
        #expect(transport.sent.contains { $0.method == "POST" } == isTrusted)
    }

    @Test func `no token, no exchange`() async throws {
        let (steps, _) = try await steps(try Network(), token: " ")
        #expect(steps.first { $0.state == .failed }?.class == .noSource)
        #expect(state(.exchange, in: steps) == .skipped)
    }
}
