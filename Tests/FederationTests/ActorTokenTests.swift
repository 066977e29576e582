import Federation
import Kernel
import Testing
import Text

/// RFC 8693 section 2.1
@Suite struct `An actor token` {
    private static let base: [String: JSON] = [
        "type": "external_account", "service": "oauth", "tokenUrl": "https://sts.test/token",
        "audience": "a", "credentialSource": ["environment": "SUBJECT"],
    ]

    private func parse(_ changes: [String: JSON]) throws -> Account {
        let members = Self.base.merging(changes) { $1 }.filter { $0.value != .null }
        let document = Secret(JSON.object(members).serialized())
        return try Account(parsing: document, path: "/etc/wif-agent/user.json")
    }

    @Test func `it has a source and a type of its own`() throws {
        let account = try parse(["actorToken": ["file": "/run/actor"]])
        guard case .file("/run/actor", _)? = account.actor?.source else {
            Issue.record("\(account.actor as Any)")
            return
        }
        #expect(account.actor?.type == "urn:ietf:params:oauth:token-type:jwt")
        let other = try parse([
            "actor_token": ["account": "base"],
            "actor_token_type": "urn:ietf:params:oauth:token-type:access_token",
        ])
        #expect(other.chainedAccounts == [.actor: "base"])
        #expect(other.actor?.type == "urn:ietf:params:oauth:token-type:access_token")
        #expect(try parse([:]).actor == nil)
    }

    @Test func `its source has what a subject's has`() throws {
        let account = try parse(["actorToken": ["environment": "ACTOR"]])
        let environment = ["SUBJECT": "s", "ACTOR": "a", "OTHER": "o"]
        let carried = Job.environment(for: account, from: environment)
        #expect(carried == ["SUBJECT": "s", "ACTOR": "a"])
        #expect(Job.Kind.exchange.allowance(for: account, in: [:]) == [])
        let reading = try parse(["actorToken": ["file": "/run/actor"]])
        #expect(Job.Kind.exchange.allowance(for: reading, in: [:]) == .files)
        // The subject token alone needs no file.
        let kind = Job.Kind.subjectToken(provider: nil)
        #expect(kind.allowance(for: reading, in: [:]) == [])
        let program: JSON = ["executable": ["command": ["/usr/bin/actor"]]]
        let running = try parse(["actorToken": program])
        #expect(Job.Kind.exchange.allowance(for: running, in: [:]) == .programs)
    }

    @Test func `it belongs to the identity`() throws {
        let one = try parse(["actorToken": ["file": "/run/actor"]])
        #expect(one.identity != (try parse([:])).identity)
        #expect(one.identity != (try parse(["actorToken": ["file": "/run/other"]])).identity)
    }

    static let bad: [([String: JSON], String)] = [
        (
            [
                "service": "mondoo", "audience": "//captain.api.mondoo.app/spaces/x",
                "issuerUri": "https://issuer.test",
            ],
            "actorToken: Mondoo takes no actor token; it goes with the service oauth"
        ),
        (["service": "bright", "projectId": "p"], "actorToken: Bright takes no actor token"),
        (
            ["service": "conductorone", "clientId": "a@t.conductor.one/wfe"],
            "actorToken: ConductorOne takes no actor token"
        ),
        (["service": "token", "tokenUrl": .null], "takes no actor token"),
        (
            ["grant": "jwt-bearer"],
            "actorToken: goes with the grant token-exchange, and not with jwt-bearer"
        ),
        (["grant": "client-credentials"], "and not with client-credentials"),
        (["grant": "login"], "and not with login"), (["grant": "bearer"], "and not with bearer"),
        (["actorToken": "a"], "actorToken"), (["actorToken": [:]], "actorToken: exactly one of"),
        (["actorToken": ["provider": "auto"]], "actorToken: auto is for the subject token"),
        (["actorToken": ["provider": "gpc"]], "actorToken.provider: \"gpc\" is not known"),
        (["actorToken": ["account": "user"]], "actorToken: account: is this account itself"),
        (["actorToken": ["file": "actor"]], "actorToken.file: is a relative path (actor)"),
        (
            ["actorToken": .null, "actorTokenType": "x"],
            "actorToken: is missing; the source of the actor token is expected"
        ),
        (
            ["parameters": ["actor_token": "x"]],
            "parameters.actor_token: is set by the grant token-exchange itself"
        ),
    ]

    @Test(arguments: bad)
    func `where nobody takes it, or it is nobody's, it is refused`(
        changes: [String: JSON],
        message: String
    ) throws {
        let base: [String: JSON] = ["actorToken": ["file": "/run/actor"]]
        let error = #expect(throws: AccountError.self) {
            try parse(base.merging(changes) { $1 })
        }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test func `a misspelt key in it is a warning`() throws {
        let account = try parse(["actorToken": ["file": "/run/actor", "fromat": "text"]])
        #expect(account.warnings.contains { $0.text.contains("fromat") }, "\(account.warnings)")
    }
}
