import Crypto
import Federation
import FoundationEssentials
import Kernel
import Serving
import Testing
import Text

@testable import wif_emulator

@Suite struct `Mondoo's service accounts` {
    /// A row changes one thing in a call that is accepted.
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var claims: [String: JSON] = [:]
        var isOthersKey = false
        var kid: String?
        var body = "{}"
        /// Seconds from now.
        var issued: Int64 = 0
        var expires: Int64 = 60
        var status = 401
    }

    static let rows = [
        Row(testDescription: "as it should be", status: 200),
        Row(testDescription: "without the body's hash", claims: ["chash": .null], status: 200),
        Row(testDescription: "another's key", isOthersKey: true),
        Row(testDescription: "an unknown account", kid: "//agents/none"),
        Row(testDescription: "another body", body: "{ }"),
        Row(testDescription: "another subject", claims: ["sub": "//agents/none"]),
        Row(testDescription: "another issuer", claims: ["iss": "mondoo"]),
        Row(testDescription: "expired", expires: -1),
        Row(testDescription: "from the future", issued: 600),
    ]

    @Test(arguments: rows)
    func `a call is accepted for its signature`(row: Row) throws {
        var options = Options()
        options.platforms = []
        let world = try World(options, urls: [.issuers: "http://i", .mondoo: "http://m"])
        let mondoo = try Mondoo(world: world)
        let account = try account(world, mondoo)
        let mrn = try #require(account["mrn"]?.string)
        let own = try PrivateKey(pem: Secret(#require(account["private_key"]?.string)))
        let key = row.isOthersKey ? try PrivateKey.generate(.p384) : own
        let now = Clock().seconds
        let claims: [String: JSON] = [
            "sub": .string(mrn), "iss": "mondoo/ams", "iat": .integer(now + row.issued),
            "exp": .integer(now + row.expires),
            // Of the body "{}".
            "chash": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        ]
        let changed = claims.merging(row.claims) { $1 }.filter { $0.value != .null }
        let bearer = try key.signJWS(
            payload: JSON.object(changed).serialized(),
            header: ["kid": row.kid ?? mrn, "typ": "JWT"]
        )
        let response = try mondoo.answer(
            call("/AgentManager/PingPong", row.body, ["authorization": "Bearer \(bearer)"])
        )
        #expect(response.status == row.status)
    }

    /// What an exchange of the custom issuer's token gives.
    private func account(_ world: World, _ mondoo: Mondoo) throws -> JSON {
        let issuer = try #require(world.issuer(named: "custom"))
        let now = Clock().seconds
        let token = try issuer.token(claims: [
            "sub": "workload", "aud": "a", "iat": .integer(now), "exp": .integer(now + 300),
        ])
        let body: JSON = [
            "issuer_uri": .string(issuer.url), "audience": .string(world.options.scope),
            "jwt_token": .string(token),
        ]
        let text = String(decoding: body.serialized(), as: UTF8.self)
        let path = "/SecureTokenService/ExchangeExternalToken"
        let reply = try JSON(parsing: mondoo.answer(call(path, text, [:])).body)
        let encoded = try #require(reply["base64_credential"]?.string)
        return try JSON(parsing: #require(base64Decoded(encoded)))
    }

    private func call(
        _ path: String,
        _ body: String,
        _ headers: [String: String]
    ) -> HTTPServerRequest {
        HTTPServerRequest(
            method: "POST",
            target: path,
            path: path,
            query: [],
            headers: [HTTPField("content-type", "application/json")]
                + headers.map { HTTPField($0.key, $0.value) },
            body: Array(body.utf8)
        )
    }
}
