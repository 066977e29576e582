import Crypto
import Federation
import FoundationEssentials
import Kernel
import Serving
import Testing
import Text

@testable import wif_emulator

@Suite struct `Mondoo's exchange` {
    /// A row changes one thing in an exchange that succeeds.
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var claims: [String: JSON] = [:]
        var fields: [String: JSON] = [:]
        var type = "application/json"
        var code: Int64?
    }

    static let rows = [
        Row(testDescription: "as it should be"),
        Row(testDescription: "type with a parameter", type: "application/json; charset=utf-8"),
        Row(testDescription: "unknown field", fields: ["x": 1]),
        Row(testDescription: "list of audiences", claims: ["aud": ["a", "allowed"]]),
        Row(testDescription: "other type", type: "text/plain", code: 3),
        Row(testDescription: "no token", fields: ["jwt_token": ""], code: 3),
        Row(testDescription: "no JWT", fields: ["jwt_token": "abc"], code: 3),
        Row(testDescription: "other issuer", fields: ["issuer_uri": "https://x"], code: 5),
        Row(testDescription: "other scope", fields: ["audience": "//x"], code: 5),
        Row(testDescription: "expired", claims: ["exp": 1], code: 16),
        Row(testDescription: "about to expire", claims: ["exp": .integer(now + 179)], code: 16),
        Row(testDescription: "no expiry", claims: ["exp": .null], code: 16),
        Row(testDescription: "not valid yet", claims: ["nbf": .integer(now + 600)], code: 16),
        Row(testDescription: "from the future", claims: ["iat": .integer(now + 600)], code: 16),
        Row(testDescription: "says another issuer", claims: ["iss": "https://x"], code: 16),
        Row(testDescription: "other subject", claims: ["sub": "else"], code: 7),
        Row(testDescription: "other audience", claims: ["aud": "else"], code: 7),
        Row(testDescription: "no audience", claims: ["aud": .null], code: 7),
        Row(testDescription: "other claim", claims: ["team": "blue"], code: 7),
        Row(testDescription: "no nested claim", claims: ["kubernetes.io": .null], code: 7),
    ]
    private static let now = Clock().seconds

    @Test(arguments: rows)
    func `each rule is held`(row: Row) throws {
        let (world, mondoo) = try scene()
        let claims: [String: JSON] = [
            "sub": "workload", "aud": "allowed", "iat": .integer(world.clock.seconds),
            "exp": .integer(world.clock.seconds + 300), "team": "red",
            "kubernetes.io": ["namespace": "default"],
        ]
        let issuer = try #require(world.issuer(named: "custom"))
        let token = try issuer.token(
            claims: claims.merging(row.claims) { $1 }.filter { $0.value != .null }
        )
        let fields: [String: JSON] = [
            "issuer_uri": .string(issuer.url), "audience": "//captain/spaces/s",
            "jwt_token": .string(token),
        ]
        let response = try mondoo.answer(
            request(row.type, JSON.object(fields.merging(row.fields) { $1 }).serialized())
        )
        let reply = try JSON(parsing: response.body)
        #expect(reply["code"] == row.code.map(JSON.integer))
        if row.code == nil { try checkCredential(reply) }
    }

    static let mistyped: [(String, String)] = [
        (#""mappings":{"jwt_claims.team":1}"#, "is not a string"),
        (#""mappings":{"jwt_claim.team":"red"}"#, "did you mean jwt_claims.team?"),
        (#""mappings":{"aws_claims.account":"1"}"#, "does not go with the issuer"),
        (#""allowedAudiences":["a",1]"#, "allowedAudiences"),
        (#""allowedAudiences":"a""#, "allowedAudiences"),
        (#""subjct":"s""#, "did you mean subject?"),
        (#""expiration":86401"#, "1 to 86400"),
    ]

    @Test(arguments: mistyped)
    func `a trust that is mistyped is refused, not loosened`(member: String, why: String) {
        var options = Options()
        let text = #"{"issuer":"custom","subject":"s","name":"n","description":"d",\#(member)}"#
        #expect {
            try options.trusts.add(JSON(parsing: text.utf8))
        } throws: {
            (($0 as? UsageError).map { "\($0)" } ?? "").contains(why)
        }
    }

    @Test func `claims are compared byte by byte`() throws {
        let (world, mondoo) = try scene(team: "caf\u{e9}")
        let claims: [String: JSON] = [
            "sub": "workload", "aud": "allowed", "iat": .integer(world.clock.seconds),
            "exp": .integer(world.clock.seconds + 300), "kubernetes.io": ["namespace": "default"],
        ]
        let issuer = try #require(world.issuer(named: "custom"))
        for (team, status) in [("caf\u{e9}", 200), ("cafe\u{301}", 403)] {
            let token = try issuer.token(claims: claims.merging(["team": .string(team)]) { $1 })
            let fields: JSON = [
                "issuer_uri": .string(issuer.url), "audience": "//captain/spaces/s",
                "jwt_token": .string(token),
            ]
            let response = try mondoo.answer(request("application/json", fields.serialized()))
            #expect(response.status == status)
        }
    }

    @Test func `a token that somebody else signed is refused`() throws {
        let (world, mondoo) = try scene()
        let issuer = try #require(world.issuer(named: "custom"))
        let other = try Issuer(name: "custom", url: issuer.url, kind: .p256)
        let body: JSON = [
            "issuer_uri": .string(issuer.url), "audience": "//captain/spaces/s",
            "jwt_token": .string(try other.token(claims: ["sub": "workload"])),
        ]
        let response = try mondoo.answer(request("application/json", body.serialized()))
        #expect(response.status == 401)
    }

    @Test func `JSON that is broken is an unknown error, as in Go`() throws {
        let response = try scene().mondoo.answer(request("application/json", Array("{".utf8)))
        #expect(response.status == 500)
        #expect(try JSON(parsing: response.body)["code"] == 2)
    }

    @Test func `protobuf is spoken with who speaks it`() throws {
        let mondoo = try scene().mondoo
        let message: [UInt8] = [0x0A, 1, 0x61, 0x12, 1, 0x62, 0x1A, 1, 0x63]
        let response = try mondoo.answer(request("application/protobuf", message))
        #expect(response.status == 404)
        #expect(response.headers["Content-Type"] == "application/protobuf")
        #expect(response.body.prefix(3) == [0x08, 5, 0x12])
        let broken = try mondoo.answer(request("application/protobuf", [0x0A, 9, 0x61]))
        #expect(broken.status == 500)
    }

    private func scene(team: String = "red") throws -> (world: World, mondoo: Mondoo) {
        var options = Options()
        options.platforms = []
        try options.trusts.add(
            JSON(
                parsing: Array(
                    """
                    {"issuer":"custom","subject":"workload","audience":"//captain/spaces/s",
                     "allowedAudiences":["allowed"],
                     "mappings":{"jwt_claims.team":"\(team)",
                                 "jwt_claims.kubernetes.io/namespace":"default"}}
                    """.utf8
                )
            )
        )
        let world = try World(options, urls: [.issuers: "http://i", .mondoo: "http://m"])
        return (world, try Mondoo(world: world))
    }

    private func request(_ type: String, _ body: [UInt8]) -> HTTPServerRequest {
        let path = "/SecureTokenService/ExchangeExternalToken"
        return HTTPServerRequest(
            method: "POST",
            target: path,
            path: path,
            query: [],
            headers: [HTTPField("content-type", type)],
            body: body
        )
    }

    private func checkCredential(_ reply: JSON) throws {
        let text = try #require(reply["base64_credential"]?.string)
        let credential = try JSON(parsing: #require(base64Decoded(text)))
        #expect(credential["space_mrn"] == "//captain/spaces/s")
        #expect(credential["api_endpoint"] == "http://m")
        let key = try PrivateKey(pem: Secret(#require(credential["private_key"]?.string)))
        let certificate = try Certificate(
            pem: Array(#require(credential["certificate"]?.string).utf8)
        )
        #expect(key.kind == .p384)
        #expect(certificate.belongs(to: key))
        #expect(certificate.notAfter.seconds(since: certificate.notBefore) == 3600)
    }
}
