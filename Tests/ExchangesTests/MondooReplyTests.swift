import Exchanges
import Federation
import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct MondooReplyTests {
    @Test func `a good reply is a credential of the documented lifetime`() async throws {
        let good = try TestCredential()
        let result = try await exchange(.success(good.reply))
        let credential = try #require(result.credential)
        #expect(credential.kind == .mondoo)
        #expect(credential.value.text == good.encoded)
        #expect(credential.lifetime == 3600)
        #expect(credential.issuedAt == testDate)
        #expect(credential.expiresAt == testDate.advanced(bySeconds: 3600))
        #expect(credential.receivedAt == BootInstant(seconds: 1000))
        #expect(result.clockSkew == 0)
        #expect(result.warnings.isEmpty)
    }

    @Test(
        arguments: [
            (600.0, nil, 600.0), (31_536_000, nil, 3600), (31_536_000, 86_400, 86_400),
            (600, 86_400, 600), (86_400, 60, 60),
        ] as [(Double, Int64?, Double)]
    )
    func `the earlier of certificate and lifetime ends it`(
        _ certificate: Double,
        _ lifetime: Int64?,
        _ expected: Double
    ) async throws {
        let end = testDate.advanced(bySeconds: certificate)
        let reply = try TestCredential(notAfter: end).reply
        let members: [String: JSON] = lifetime.map { ["lifetime": .integer($0)] } ?? [:]
        let result = try await exchange(.success(reply), account: members)
        #expect(result.credential?.lifetime == expected)
    }

    @Test(arguments: [-7200.0, 0, 7200])
    func `the service's clock rules, and the skew is told`(_ skew: Double) async throws {
        let end = testDate.advanced(bySeconds: 600)
        let result = try await exchange(
            .success(try TestCredential(notAfter: end).reply),
            wallClock: testDate.advanced(bySeconds: skew)
        )
        #expect(result.credential?.lifetime == 600)
        #expect(result.credential?.issuedAt == testDate)
        #expect(result.clockSkew == skew)
        #expect(result.warnings.count == (skew == 0 ? 0 : 1))
    }

    @Test func `without a Date the local clock serves`() async throws {
        let encoded = try TestCredential().encoded
        let reply = HTTPResponse.text(200, #"{"base64_credential":"\#(encoded)"}"#)
        let result = try await exchange(.success(reply))
        #expect(result.credential?.lifetime == 3600)
        #expect(result.clockSkew == nil)
    }

    @Test(arguments: [(299.0, true), (301, false)])
    func `a start in the near future is accepted`(_ wait: Double, _ isGood: Bool) async throws {
        let start = testDate.advanced(bySeconds: wait)
        let result = try await exchange(.success(try TestCredential(notBefore: start).reply))
        #expect((result.credential != nil) == isGood)
    }

    @Test func `a certificate past its end is refused`() async throws {
        let end = testDate.advanced(bySeconds: -1)
        let result = try await exchange(.success(try TestCredential(notAfter: end).reply))
        #expect(result.failure?.message.hasSuffix("certificate expired 1 s ago") == true)
        #expect(result.failure?.class == .transient)
        #expect(result.failure?.step == .reply)
    }

    @Test func `a key of another certificate is refused`() async throws {
        let result = try await exchange(
            .success(try TestCredential(keyOfAnother: true).reply)
        )
        #expect(result.failure?.message.contains("does not belong") == true)
    }

    @Test(arguments: ["mrn", "private_key", "certificate", "api_endpoint"])
    func `a missing or empty member is named`(_ key: String) async throws {
        for value in [nil, "", .null, 1] as [JSON?] {
            var credential = try TestCredential()
            credential.members[key] = value
            let result = try await exchange(.success(credential.reply))
            #expect(result.failure?.message.hasSuffix("the credential has no \(key)") == true)
        }
    }

    @Test(arguments: ["space_mrn", "scope_mrn", "parent_mrn"])
    func `any one scope will do`(_ key: String) async throws {
        var credential = try TestCredential()
        credential.members["space_mrn"] = nil
        let without = try await exchange(.success(credential.reply))
        #expect(without.failure?.message.contains("has none of scope_mrn") == true)
        credential.members[key] = .string(mondooScope)
        #expect(try await exchange(.success(credential.reply)).credential != nil)
    }

    @Test(
        arguments: [
            ("https://mondoo.test", [:], true), ("https://MONDOO.test:443/", [:], true),
            ("https://mondoo.test/api", [:], true), ("mondoo.test", [:], true),
            ("https://us.api.mondoo.com", [:], false),
            ("https://mondoo.test.evil.example", [:], false),
            ("https://evil.mondoo.test", [:], false), ("https://mondoo.test:8443", [:], false),
            ("http://mondoo.test", [:], false), ("http://127.0.0.1", [:], false),
            ("file:///etc/shadow", [:], false), ("https://user:pw@mondoo.test", [:], false),
            ("https://mondoo.test@evil.example", [:], false), ("//mondoo.test", [:], false),
            ("https://api.example:8443/x", ["apiEndpoint": "https://api.example:8443"], true),
            ("https://api.example", ["apiEndpoint": "https://api.example:8443"], false),
            ("https://mondoo.test", ["apiEndpoint": "https://api.example"], false),
            ("http://127.0.0.1:7", ["universeDomain": "http://127.0.0.1:7"], true),
            ("http://127.0.0.1:8", ["universeDomain": "http://127.0.0.1:7"], false),
        ] as [(String, [String: JSON], Bool)]
    )
    func `the API must be where the account says`(
        _ url: String,
        _ members: [String: JSON],
        _ isGood: Bool
    ) async throws {
        var credential = try TestCredential()
        credential.members["api_endpoint"] = .string(url)
        let result = try await exchange(.success(credential.reply), account: members)
        #expect((result.credential != nil) == isGood, "\(result)")
        if isGood { return }
        #expect(result.failure?.step == .reply)
        #expect(result.failure?.message.contains("the credential's api_endpoint") == true)
        #expect(result.failure?.message.contains("pw") != true)
    }

    private static let organization = "//captain.api.mondoo.app/organizations/o"
    private static let elsewhere = "//captain.api.mondoo.app/spaces/other"

    @Test(
        arguments: [
            (mondooScope, ["scope_mrn": elsewhere], "the credential's scope_mrn is"),
            (mondooScope, ["space_mrn": elsewhere], "the credential's space_mrn is"),
            (mondooScope, ["space_mrn": elsewhere, "scope_mrn": mondooScope], "space_mrn is"),
            (mondooScope, ["space_mrn": nil, "parent_mrn": elsewhere], "parent_mrn is"),
            (mondooScope, ["mrn": elsewhere + "/serviceaccounts/f"], "the credential's mrn is"),
            (
                mondooScope, ["mrn": "//agents.api.mondoo.app/organizations/o/serviceaccounts/f"],
                nil
            ),
            (mondooScope, ["parent_mrn": organization], nil),
            (mondooScope, ["parent_mrn": elsewhere], nil),
            (
                organization,
                [
                    "space_mrn": organization, "scope_mrn": organization,
                    "mrn": "//agents.api.mondoo.app/organizations/o/serviceaccounts/f",
                ], nil
            ),
            (organization, ["space_mrn": organization + "2"], "space_mrn is"),
        ] as [(String, [String: String?], String?)]
    )
    func `another scope than the one asked for is refused`(
        _ asked: String,
        _ members: [String: String?],
        _ text: String?
    ) async throws {
        var credential = try TestCredential()
        for (key, value) in members { credential.members[key] = value.map(JSON.string) }
        let result = try await exchange(
            .success(credential.reply),
            account: ["audience": .string(asked)]
        )
        guard let text else {
            #expect(result.credential != nil, "\(result)")
            #expect(result.warnings.isEmpty)
            return
        }
        let message = try #require(result.failure).message
        #expect(message.contains(text) && message.contains("\(asked) was asked for"), "\(message)")
    }

    @Test func `a scope that cannot be compared is told of`() async throws {
        let result = try await exchange(
            .success(try TestCredential().reply),
            account: ["audience": .string(Self.organization)]
        )
        #expect(result.credential != nil)
        #expect(
            result.warnings == [
                "the credential is for \(mondooScope) (space_mrn), and \(Self.organization) was asked for"
            ]
        )
    }

    // A reply that drips does not make the credential live longer.
    @Test(arguments: [(24.0, 3600.0, true), (24, 25, true), (24, 24, false), (24, 10, false)])
    func `the lifetime counts from when the request was sent`(
        _ duration: Double,
        _ lifetime: Double,
        _ isAlive: Bool
    ) async throws {
        let time = VirtualTimekeeper(wallClock: testDate.advanced(bySeconds: 0.25))
        let reply = try TestCredential(notAfter: testDate.advanced(bySeconds: lifetime)).reply
        let network = ScriptedTransport { (_, _) async throws(HTTPError) in
            time.advance(by: duration)
            return reply
        }
        let context = ExchangeContext(
            transport: network,
            environment: [:],
            timekeeper: time,
            deadline: time.now.advanced(bySeconds: 60)
        )
        let start = time.now
        let subject = SubjectToken(Secret(token()), source: "test")
        let result = await context.exchange(subject, for: try account(), findings: [])
        guard isAlive else {
            #expect(result.failure?.message.contains("its reply took 24 s") == true, "\(result)")
            return
        }
        let credential = try #require(result.credential)
        #expect(credential.receivedAt == start)
        // The reply's Date is cut to whole seconds; the local clock, which agrees, knows the rest.
        #expect(credential.lifetime == lifetime - 0.25)
        #expect(credential.expiry == start.advanced(bySeconds: lifetime - 0.25))
        #expect(credential.expiresAt == testDate.advanced(bySeconds: lifetime))
        #expect(result.clockSkew == 0.25)
    }

    @Test(arguments: [
        ("", "the reply is not JSON"), ("[]", "the reply has no base64_credential"),
        ("{}", "the reply has no base64_credential"),
        (#"{"base64_credential":""}"#, "the reply has no base64_credential"),
        (#"{"base64_credential":"e30"}"#, "is not base64"),
        (#"{"base64_credential":"e3 0="}"#, "is not base64"),
        (#"{"base64_credential":"e30=\n"}"#, "is not base64"),
        (#"{"base64_credential":"eA=="}"#, "the credential is not JSON"),
        (#"{"base64_credential":"W10="}"#, "the credential is not a JSON object"),
        ("<html>", "the reply is not JSON"),
    ])
    func `garbage is refused and not shown`(_ body: String, _ text: String) async throws {
        let result = try await exchange(.success(.text(200, body)))
        #expect(result.failure?.message.contains(text) == true, "\(result)")
        #expect(result.failure?.step == .reply)
    }

    @Test(arguments: [
        ("certificate", "x", "no PEM block 'CERTIFICATE'"),
        ("private_key", "x", "no PEM block 'PRIVATE KEY'"),
        (
            "private_key", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
            "'EC PRIVATE KEY' instead of 'PRIVATE KEY'"
        ),
    ])
    func `a key that its user cannot read is refused`(
        _ key: String,
        _ value: String,
        _ text: String
    ) async throws {
        var credential = try TestCredential()
        credential.members[key] = .string(value)
        let result = try await exchange(.success(credential.reply))
        #expect(result.failure?.message.contains(text) == true, "\(result)")
    }
}

struct PreExchangeCheckTests {
    @Test(
        arguments: [
            (3000, mondooIssuer, []), (181, mondooIssuer, []), (180, mondooIssuer, [.time]),
            (-5, mondooIssuer, [.time]), (3000, "\(mondooIssuer)/", [.issuer]),
            (60, "https://other.example", [.time, .issuer]),
        ] as [(Int, String, [Finding.Kind])]
    )
    func `finds what Mondoo refuses`(
        _ left: Int,
        _ issuer: String,
        _ kinds: [Finding.Kind]
    ) throws {
        let subject = SubjectToken(
            Secret(token(secondsLeft: left, issuer: issuer)),
            source: "test"
        )
        let found = findings(of: subject, for: try account(), at: testDate)
        #expect(found.map(\.kind) == kinds)
    }

    @Test func `says the trailing slash, and both issuers`() throws {
        func text(_ issuer: String) throws -> String? {
            let subject = SubjectToken(Secret(token(issuer: issuer)), source: "test")
            return findings(of: subject, for: try account(), at: testDate).first?.text
        }
        #expect(try text("\(mondooIssuer)/")?.contains("in the trailing slash alone") == true)
        let other = try text("https://other.example")
        #expect(other == "has the issuer https://other.example, and issuerUri is \(mondooIssuer)")
    }

    @Test func `what is no JWT is not judged`() throws {
        let subject = SubjectToken(Secret("opaque"), source: "test")
        #expect(findings(of: subject, for: try account(), at: testDate).isEmpty)
    }
}
