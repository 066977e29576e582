import Crypto
import Federation
import Serving
import Testing
import Text

@testable import wif_emulator

/// ConductorOne, Bright, Google and the endpoint of the RFC itself.
@Suite struct `Token exchanges` {
    /// A row changes one thing in an exchange that succeeds.
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var role = RoleName.conductorone
        var claims: [String: JSON] = [:]
        /// Empty takes the parameter away.
        var fields: [String: String] = [:]
        var isJSON = false
        var error: String?
    }

    private static let now = Clock().seconds

    static let rows = [
        Row(testDescription: "as it should be"),
        Row(testDescription: "JSON", isJSON: true, error: "invalid_request"),
        Row(testDescription: "another client", fields: ["client_id": "x"], error: "invalid_client"),
        Row(testDescription: "no client", fields: ["client_id": ""], error: "invalid_request"),
        Row(
            testDescription: "other grant",
            fields: ["grant_type": "password"],
            error: "unsupported_grant_type"
        ),
        Row(testDescription: "no JWT", fields: ["subject_token": "a"], error: "invalid_request"),
        Row(
            testDescription: "other type",
            fields: ["subject_token_type": "urn:ietf:params:oauth:token-type:saml2"],
            error: "invalid_request"
        ),
        Row(
            testDescription: "602 s old",
            claims: ["iat": .integer(now - 602)],
            error: "invalid_grant"
        ),
        Row(testDescription: "five minutes old", claims: ["iat": .integer(now - 300)]),
        Row(testDescription: "no iat", claims: ["iat": .null], error: "invalid_grant"),
        Row(testDescription: "expired", claims: ["exp": 1], error: "invalid_grant"),
        Row(testDescription: "audience", claims: ["aud": "x"], error: "invalid_grant"),
        Row(testDescription: "issuer", claims: ["iss": "https://x"], error: "invalid_grant"),
        Row(testDescription: "subject", claims: ["sub": "x"], error: "invalid_grant"),

        Row(testDescription: "Bright", role: .bright),
        Row(testDescription: "Bright in JSON", role: .bright, isJSON: true),
        Row(testDescription: "Bright, no resource", role: .bright, fields: ["resource": ""]),
        Row(
            testDescription: "Bright, other project",
            role: .bright,
            fields: ["resource": "http://b/api/v1/projects/x"],
            error: "invalid_grant"
        ),
        Row(
            testDescription: "Bright, no project",
            role: .bright,
            fields: ["resource": "http://c/api/v1/projects/demo"],
            error: "invalid_target"
        ),
        Row(
            testDescription: "Bright, audience",
            role: .bright,
            claims: ["aud": "x"],
            error: "invalid_grant"
        ),

        Row(testDescription: "RFC 8693", role: .oauth),
        Row(testDescription: "RFC 8693 in JSON", role: .oauth, isJSON: true),
        Row(
            testDescription: "fragment",
            role: .oauth,
            fields: ["resource": "https://x/#y"],
            error: "invalid_target"
        ),

        Row(testDescription: "Google", role: .google),
        Row(
            testDescription: "no scope",
            role: .google,
            fields: ["scope": ""],
            error: "invalid_request"
        ),
        Row(
            testDescription: "no name",
            role: .google,
            fields: ["audience": "x"],
            error: "invalid_request"
        ),
        Row(
            testDescription: "no provider",
            role: .google,
            fields: ["audience": "//iam.googleapis.com/x"],
            error: "invalid_target"
        ),
        Row(
            testDescription: "Google's audience",
            role: .google,
            claims: ["aud": "x"],
            error: "invalid_grant"
        ),
        Row(
            testDescription: "over a day",
            role: .google,
            claims: ["iat": .integer(now - 10), "exp": .integer(now + 86_400)],
            error: "invalid_grant"
        ),
    ]

    @Test(arguments: rows)
    func `each rule is held`(row: Row) throws {
        let scene = try Scene()
        let reply = try scene.exchange(row)
        #expect(reply["error"]?.string == row.error)
        #expect((reply["access_token"] == nil) == (row.error != nil))
    }

    @Test func `a token that fits two projects needs a resource`() throws {
        let trusts = ["one", "two"].map {
            #"{"service":"bright","issuer":"custom","projectId":"\#($0)","#
                + #""condition":"sub == 'workload'","allowedAudiences":["https://app.brightsec.com"]}"#
        }
        let scene = try Scene(arguments: ["--trust", "[\(trusts.joined(separator: ","))]"])
        var row = Row(testDescription: "", role: .bright, fields: ["resource": ""])
        #expect(try scene.exchange(row)["error"] == "invalid_request")
        row.fields["resource"] = "http://b/api/v1/projects/two"
        #expect(try scene.exchange(row)["access_token"] != nil)
    }

    @Test(arguments: [(20, true), (21, false)])
    func `a project holds twenty credentials`(count: Int, isFine: Bool) {
        let trust =
            #"{"service":"bright","issuer":"custom","projectId":"p","condition":"sub == 'x'","#
            + #""allowedAudiences":["a"]}"#
        let all = Array(repeating: trust, count: count).joined(separator: ",")
        var isTaken = true
        do { _ = try Command(parsing: ["--trust", "[\(all)]"]) } catch { isTaken = false }
        #expect(isTaken == isFine)
    }

    @Test func `a revoked token opens nothing any more`() throws {
        let scene = try Scene()
        let token = try #require(
            scene.exchange(Row(testDescription: "", role: .bright))["access_token"]?.string
        )
        for scheme in ["Api-Key", "Bearer", "api-key"] {
            #expect(try scene.status("/api/v1/projects/demo", "\(scheme) \(token)") == 200)
        }
        #expect(try scene.status("/api/v1/projects/other", "Bearer \(token)") == 403)
        for _ in 1...2 {
            let body: JSON = ["token": .string(token), "token_type_hint": "access_token"]
            let reply = try scene.post(
                .bright,
                "/api/v1/revoke",
                "application/json",
                body.serialized()
            )
            #expect(reply.status == 200)
        }
        #expect(try scene.status("/api/v1/projects/demo", "Api-Key \(token)") == 401)
    }

    @Test(arguments: [
        ("3600s", "", 200), ("43201s", "", 400), ("x", "", 400), ("3600s", "x", 401),
    ])
    func `a service account is impersonated`(lifetime: String, token: String, status: Int) throws {
        let scene = try Scene()
        let federated = try #require(
            scene.exchange(Row(testDescription: "", role: .google))["access_token"]?.string
        )
        let body: JSON = ["scope": ["s"], "lifetime": .string(lifetime)]
        let bearer = HTTPField("authorization", "Bearer \(token.isEmpty ? federated : token)")
        let type = "application/json"
        let path = GoogleSTS.impersonationPath
        let reply = try scene.post(.google, path, type, body.serialized(), [bearer])
        #expect(reply.status == status)
        let other = try scene.post(.google, path + "x", type, body.serialized(), [bearer])
        #expect(other.status == (status == 401 ? 401 : 403))
    }
}

/// All services with the tokens of one issuer.
private struct Scene {
    let world: World
    let players: [RoleName: any Role]

    private static let prefix = "urn:ietf:params:oauth:token-type:"

    init(arguments: [String] = []) throws {
        guard case .run(var options) = try Command(parsing: arguments) else {
            throw UsageError("nothing to run")
        }
        options.platforms = []
        let world = try World(options, urls: [.issuers: "http://i", .bright: "http://b"])
        self.world = world
        var players: [RoleName: any Role] = [:]
        for name in [RoleName.conductorone, .bright, .oauth, .google] {
            players[name] = try role(name, in: world)
        }
        self.players = players
    }

    func exchange(_ row: `Token exchanges`.Row) throws -> JSON {
        let issuer = try #require(world.issuer(named: "custom"))
        let base: [String: JSON] = [
            "sub": "workload", "iat": .integer(world.clock.seconds),
            "exp": .integer(world.clock.seconds + 300),
            "aud": [
                "acme.conductor.one", "https://app.brightsec.com",
                .string(GoogleSTS.audience(of: issuer)),
            ],
        ]
        let claims = base.merging(row.claims) { $1 }.filter { $0.value != .null }
        var fields = [
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": try issuer.token(claims: claims),
            "subject_token_type": Self.prefix + "jwt",
        ]
        fields.merge(extra(row.role, issuer)) { $1 }
        fields.merge(row.fields) { $1 }
        let body =
            row.isJSON
            ? JSON.object(fields.mapValues(JSON.string)).serialized()
            : Array(fields.map { "\($0)=\(percentEncoded($1))" }.joined(separator: "&").utf8)
        let type = row.isJSON ? "application/json" : OAuthParameters.form
        return try JSON(parsing: post(row.role, path(row.role), type, body).body)
    }

    private func path(_ role: RoleName) -> String {
        switch role {
        case .conductorone: "/auth/v1/token"
        case .bright: "/api/v1/token"
        case .google: "/v1/token"
        default: "/oauth/token"
        }
    }

    private func extra(_ role: RoleName, _ issuer: Issuer) -> [String: String] {
        switch role {
        case .conductorone: ["client_id": world.conductorOneClient(for: issuer)]
        case .bright: ["resource": "http://b/api/v1/projects/demo"]
        case .google:
            [
                "audience": GoogleSTS.audience(of: issuer), "scope": "s",
                "requested_token_type": Self.prefix + "access_token",
            ]
        default: [:]
        }
    }

    func post(
        _ role: RoleName,
        _ path: String,
        _ type: String,
        _ body: [UInt8],
        _ headers: [HTTPField] = []
    ) throws -> HTTPServerResponse {
        let request = HTTPServerRequest(
            method: "POST",
            target: path,
            path: path,
            headers: [HTTPField("content-type", type)] + headers,
            body: body
        )
        return try #require(players[role]).answer(request)
    }

    /// Of a look at one of Bright's projects.
    func status(_ path: String, _ authorization: String) throws -> Int {
        let request = HTTPServerRequest(
            method: "GET",
            target: path,
            path: path,
            headers: [HTTPField("authorization", authorization)]
        )
        return try #require(players[.bright]).answer(request).status
    }
}
