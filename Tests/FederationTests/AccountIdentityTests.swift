import Federation
import Kernel
import Testing
import Text

@Suite struct `An account's identity` {
    private static let base: [String: JSON] = [
        "type": "external_account", "audience": "//x/spaces/y",
        "issuerUri": "https://issuer.example",
    ]

    private func account(
        _ members: [String: JSON],
        environment: [String: String] = [:]
    ) throws -> Account {
        let document = Secret(JSON.object(members).serialized())
        return try Account(parsing: document, path: "/etc/mondoo.json", environment: environment)
    }

    @Test(
        arguments: [
            ("audience", "//x/spaces/z"), ("issuerUri", "https://issuer.example/"),
            ("universeDomain", "https://eu.api.mondoo.com"), ("tokenAudience", "api://app"),
            ("credentialSource", ["provider": "gcp"]), ("jwtToken", "e30.e30.x"),
            ("aKeyOfTheFuture", true),
        ] as [(String, JSON)]
    )
    func `is another one where it matters whose credential it is`(key: String, value: JSON) throws {
        let changed = Self.base.merging([key: value]) { $1 }
        #expect(try account(Self.base).identity != account(changed).identity)
    }

    @Test(
        arguments: [
            ("outputs", [["format": "raw", "path": "/run/x"]]), ("lifetime", 7), ("variable", "X"),
            ("onRefresh", [["command": ["/bin/true"]]]), ("proxy", "http://p.example:1"),
            ("caFile", "/etc/ca"), ("revokeOnExit", true), ("tokenUrl", .null),
        ] as [(String, JSON)]
    )
    func `stays where only the way changes`(key: String, value: JSON) throws {
        let changed = Self.base.merging([key: value]) { $1 }
        #expect(try account(Self.base).identity == account(changed).identity)
    }

    @Test func `does not depend on the order or the spelling of keys`() throws {
        let snake: [String: JSON] = [
            "issuer_uri": "https://issuer.example", "audience": "//x/spaces/y",
            "type": "external_account",
        ]
        #expect(try account(Self.base).identity == account(snake).identity)
    }

    @Test func `includes what the environment supplies`() throws {
        let members: [String: JSON] = ["type": "external_account", "service": "conductorone"]
        let identities = try ["a@first.conductor.one/wfe", "a@second.conductor.one/wfe"].map {
            try account(members, environment: ["CONDUCTORONE_CLIENT_ID": $0]).identity
        }
        #expect(identities[0] != identities[1])
    }

    /// Only the address differs: the name of the host, and so the token's audience, is the same.
    @Test func `includes an address that the environment supplies`() throws {
        let members: [String: JSON] = ["type": "external_account", "service": "conductorone"]
        let identities = try ["https://c1.example:8443", "https://c1.example:9443"].map {
            let environment = [
                "CONDUCTORONE_CLIENT_ID": "a@first.conductor.one/wfe",
                "CONDUCTORONE_SERVER_URL": $0,
            ]
            return try account(members, environment: environment).identity
        }
        #expect(identities[0] != identities[1])
    }

    @Test func `survives being written down, and shows nothing`() throws {
        let identity = try account(Self.base.merging(["jwtToken": "secret.secret.secret"]) { $1 })
            .identity
        #expect(AccountIdentity(text: identity.text) == identity)
        #expect(!"\(identity)".contains("secret.secret"))
    }
}
