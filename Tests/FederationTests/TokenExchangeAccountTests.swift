import Federation
import Kernel
import TestSupport
import Testing
import Text

/// Account files of the services that exchange tokens by RFC 8693.
@Suite struct `An account of a token exchange` {
    private static let clientID = "quiet-bear-88456@acme.conductor.one/wfe"

    private func parse(
        _ members: [String: JSON],
        environment: [String: String] = [:]
    ) throws(AccountError) -> Account {
        let all = members.merging(["type": "external_account"]) { own, _ in own }
        return try Account(
            parsing: Secret(JSON.object(all).serialized()),
            path: "/etc/wif-agent/x.json",
            environment: environment
        )
    }

    private func service(_ account: Account) throws -> TokenExchangeService {
        guard case .tokenExchange(let service) = account.service else {
            throw AccountError("no token exchange")
        }
        return service
    }

    static let implied: [([String: JSON], String)] = [
        (["clientId": .string(clientID)], "conductorone"),
        (["clientId": .string(clientID), "tokenUrl": "https://x/auth/v1/token"], "conductorone"),
        (["clientId": "id", "tokenUrl": "https://x/t"], "oauth"),
        (["token_url": "https://x/t"], "oauth"),
        (
            [
                "universe_domain": "googleapis.com",
                "audience": "//iam.googleapis.com/projects/1/locations/global/x",
            ], "oauth"
        ),
        (["audience": "//iam.googleapis.com/projects/1/locations/global/x"], "oauth"),
        (["service": "bright", "projectId": "p"], "bright"),
        (["service": "oauth", "tokenUrl": "https://x/t", "clientId": "a@b/wfe"], "oauth"),
        (["audience": "//m", "issuerUri": "https://i"], "mondoo"),
    ]

    @Test(arguments: implied)
    func `the keys tell the service`(members: [String: JSON], name: String) throws {
        let account = try parse(members)
        #expect(account.service.name == name)
        #expect(account.warnings.isEmpty)
    }

    static let clients: [(String, String?)] = [
        ("quiet-bear-88456@acme.conductor.one/wfe", "acme.conductor.one"),
        ("a@c1.dev.example.com/wfe", "c1.dev.example.com"), ("a@acme/wfe", "acme.conductor.one"),
        ("a@ACME/wfe", "acme.conductor.one"), ("a@h.example:8443/wfe", "h.example:8443"),
        ("a/wfe", nil), ("@acme/wfe", nil), ("a@/wfe", nil), ("a@b@c/wfe", nil), ("a@b/c/wfe", nil),
        ("a@b c/wfe", nil),
    ]

    @Test(arguments: clients)
    func `a client id alone tells ConductorOne's host`(id: String, host: String?) throws {
        guard let host else {
            #expect(throws: AccountError.self) { try parse(["clientId": .string(id)]) }
            return
        }
        let account = try parse(["clientId": .string(id)])
        let service = try service(account)
        let domain = String(host.prefix { $0 != ":" })
        #expect(service.tokenURL.url == "https://\(host)/auth/v1/token")
        #expect(service.tenantDomain == domain)
        #expect(account.tokenAudience == domain)
        #expect(service.clientID == id)
        #expect(service.format == .form)
        #expect(account.variable == "CONDUCTORONE_ACCESS_TOKEN")
        #expect(account.service.companionVariables.map(\.value) == [id])
        #expect(!account.service.canRevoke)
    }

    @Test func `ConductorOne's variables supply what the file leaves out, and no more`() throws {
        let environment = [
            "CONDUCTORONE_CLIENT_ID": Self.clientID, "CONDUCTORONE_TENANT_DOMAIN": "other",
            "CONDUCTORONE_OIDC_TOKEN": "t",
        ]
        let bare = try parse(["service": "conductorone"], environment: environment)
        #expect(try service(bare).tokenURL.host == "other.conductor.one")
        #expect(bare.tokenAudience == "other.conductor.one")
        #expect(bare.effectiveSource(in: environment).name == "environment")
        let given = try parse(["clientId": "a@mine/wfe"], environment: environment)
        #expect(try service(given).tokenURL.host == "mine.conductor.one")
        let server = environment.merging(["CONDUCTORONE_SERVER_URL": "https://c1.example/"]) { $1 }
        let served = try parse(["service": "conductorone"], environment: server)
        #expect(try service(served).tokenURL.url == "https://c1.example/auth/v1/token")
        #expect(served.tokenAudience == "c1.example")
        let gcp: JSON = ["provider": "gcp"]
        let sourced = try parse(["clientId": "a@b/wfe", "credentialSource": gcp])
        #expect(sourced.effectiveSource(in: environment).name == "gcp")
    }

    static let bright: [(JSON?, String, String)] = [
        (nil, "https://app.brightsec.com", "https://app.brightsec.com/api/v1/token"),
        ("https://b.example", "https://b.example", "https://b.example/api/v1/token"),
        ("https://b.example/", "https://b.example", "https://b.example/api/v1/token"),
        ("https://b.example/api/v1/token", "https://b.example", "https://b.example/api/v1/token"),
        (
            "https://b.example/x/api/v1/token", "https://b.example/x",
            "https://b.example/x/api/v1/token"
        ),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v1/token"),
    ]

    @Test(arguments: bright)
    func `Bright's addresses follow from its base`(url: JSON?, base: String, token: String) throws {
        var members: [String: JSON] = ["service": "bright", "projectId": "a b"]
        members["tokenUrl"] = url
        let account = try parse(members)
        let service = try service(account)
        #expect(service.tokenURL.url == token)
        #expect(service.revokeURL?.url == base + "/api/v1/revoke")
        #expect(service.resources == [base + "/api/v1/projects/a%20b"])
        #expect(service.format == .json)
        #expect(service.scheme == "Api-Key")
        #expect(service.subjectTokenType.hasSuffix(":id_token"))
        #expect(account.variable == "BRIGHT_TOKEN")
        #expect(account.revokesOnExit(ofCommand: true))
        #expect(!account.revokesOnExit(ofCommand: false))
    }

    /// Its variables, what the file says, and what follows: token endpoint and resource.
    static let brightVariables: [([String: String], [String: JSON], String, String)] = [
        (
            ["BRIGHT_PROJECT_ID": "p 1", "BRIGHT_BASE_URL": "https://b.example"], [:],
            "https://b.example/api/v1/token", "https://b.example/api/v1/projects/p%201"
        ),
        (
            ["BRIGHT_PROJECT_ID": "p", "BRIGHT_BASE_URL": " https://b.example/ "], [:],
            "https://b.example/api/v1/token", "https://b.example/api/v1/projects/p"
        ),
        (
            ["BRIGHT_PROJECT_ID": "p"], [:], "https://app.brightsec.com/api/v1/token",
            "https://app.brightsec.com/api/v1/projects/p"
        ),
        (
            ["BRIGHT_PROJECT_ID": "p", "BRIGHT_BASE_URL": "nonsense"],
            ["projectId": "q", "tokenUrl": "https://c.example"], "https://c.example/api/v1/token",
            "https://c.example/api/v1/projects/q"
        ),
    ]

    @Test(arguments: brightVariables)
    func `Bright's variables supply what the file leaves out, and no more`(
        environment: [String: String],
        members: [String: JSON],
        token: String,
        resource: String
    ) throws {
        let account = try parse(
            members.merging(["service": "bright"]) { $1 },
            environment: environment
        )
        let service = try service(account)
        #expect(service.tokenURL.url == token)
        #expect(service.resources == [resource])
        #expect(account.warnings.isEmpty, "\(account.warnings)")
        // The worker, which parses the file anew, has them.
        #expect(Job.environment(for: account, from: environment) == environment)
    }

    @Test(arguments: [
        (["BRIGHT_BASE_URL": "ftp://x"], "tokenUrl: BRIGHT_BASE_URL "),
        (["BRIGHT_BASE_URL": "http://b.example"], "tokenUrl: BRIGHT_BASE_URL "),
        (["BRIGHT_PROJECT_ID": "https://b/p"], "projectId: https://b/p is an address"),
    ])
    func `a variable of Bright's that is no good is named`(
        environment: [String: String],
        message: String
    ) {
        let error = #expect(throws: AccountError.self) {
            try parse(["service": "bright"], environment: environment)
        }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test func `ConductorOne's variables alone are an account`() throws {
        let environment = [
            "CONDUCTORONE_CLIENT_ID": "a@acme/wfe", "CONDUCTORONE_OIDC_TOKEN": "t",
        ]
        let account = try #require(try Account.implied(by: environment))
        #expect(account.service.kind == .conductorone)
        #expect(try service(account).tokenURL.url == "https://acme.conductor.one/auth/v1/token")
        #expect(account.effectiveSource(in: environment).name == "environment")
        #expect(try Account.implied(by: ["CONDUCTORONE_OIDC_TOKEN": "t"]) == nil)
        #expect(try Account.implied(by: ["BRIGHT_PROJECT_ID": "p"]) == nil)
        #expect(throws: AccountError.self) {
            try Account.implied(by: ["CONDUCTORONE_CLIENT_ID": "a"])
        }
    }

    @Test func `Google's file works as it is generated`() throws {
        let members: [String: JSON] = [
            "universe_domain": "googleapis.com",
            "audience":
                "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": "https://sts.googleapis.com/v1/token",
            "token_info_url": "https://sts.googleapis.com/v1/introspect",
            "service_account_impersonation_url":
                "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b.c:generateAccessToken",
            "service_account_impersonation": ["token_lifetime_seconds": 1200],
            "quota_project_id": "q", "workforce_pool_user_project": "w",
            "credential_source": ["file": "/run/token", "format": ["type": "text"]],
        ]
        let account = try parse(members)
        let service = try service(account)
        #expect(account.warnings.isEmpty)
        #expect(account.tokenAudience == members["audience"]?.string)
        #expect(service.scopes == ["https://www.googleapis.com/auth/cloud-platform"])
        #expect(service.requestedTokenType?.hasSuffix(":access_token") == true)
        #expect(service.impersonation?.lifetime == 1200)
        #expect(service.impersonation?.url.host == "iamcredentials.googleapis.com")
        #expect(service.userProject == "w")
    }

    @Test func `audience, resource and scopes may be lists`() throws {
        let account = try parse([
            "tokenUrl": "https://x/t", "audience": ["a", "b"], "scopes": "read",
            "resource": ["https://r/1", "urn:r:2"], "requestFormat": "json",
            "revokeUrl": "https://x/r", "lifetime": 60,
        ])
        let service = try service(account)
        #expect(service.audiences == ["a", "b"])
        #expect(account.tokenAudience == "a")
        #expect(service.resources == ["https://r/1", "urn:r:2"])
        #expect(service.scopes == ["read"])
        #expect(service.format == .json)
        #expect(account.service.canRevoke)
        #expect(account.warnings.isEmpty)
    }

    static let bad: [([String: JSON], String)] = [
        (["service": "oauth"], "tokenUrl: is missing"),
        (["service": "conductorone"], "clientId: is missing"),
        (["service": "conductorone", "clientId": "x"], "clientId: \"x\" is not of the form"),
        (
            ["clientId": "a@b/wfe", "requestFormat": "json"],
            "requestFormat: the service takes form"
        ),
        (["tokenUrl": "http://x/t"], "tokenUrl: is plain http"),
        (["tokenUrl": "https://x/t", "client_secret": "s"], "clientSecret: is a long-lived key"),
        (["tokenUrl": "https://x/t", "resource": "a#b"], "resource: an absolute URI"),
        (["tokenUrl": "https://x/t", "resource": "https://a/#b"], "resource: an absolute URI"),
        (["tokenUrl": "https://x/t", "audience": 1], "audience: a string or an array of strings"),
        (["tokenUrl": "https://x/t", "audience": [""]], "audience: holds an empty string"),
        (
            ["tokenUrl": "https://x/t", "requestFormat": "xml"],
            "requestFormat: \"xml\" is not known"
        ),
        (
            [
                "tokenUrl": "https://x/t", "serviceAccountImpersonationUrl": "https://i/x",
                "serviceAccountImpersonation": ["tokenLifetimeSeconds": 599],
            ], "serviceAccountImpersonation.tokenLifetimeSeconds: is out of range"
        ),
        (["service": "bright", "projectId": 7], "projectId: a string is expected"),
    ]

    @Test(arguments: bad)
    func `what cannot be is refused`(members: [String: JSON], text: String) {
        let error = #expect(throws: AccountError.self) { try parse(members) }
        let message = error?.message ?? ""
        #expect(message.hasPrefix("account file /etc/wif-agent/x.json: \(text)"), "\(message)")
    }

    @Test func `a missing project and an odd client are worth a warning`() throws {
        #expect(try parse(["service": "bright"]).warnings.count == 1)
        let personal = try parse(["service": "conductorone", "clientId": "a@b/pcc"])
        #expect(personal.warnings.count == 1)
    }

    @Test func `a revocation crosses the process boundary`() throws {
        let job = Job(
            id: 7,
            kind: .revoke(Secret("tok")),
            path: "/a",
            document: Secret("{}"),
            environment: [:]
        )
        let line = job.line()
        let read = try Job(parsing: line)
        #expect(read.timeout == 5)
        guard case .revoke(let credential) = read.kind else {
            Issue.record("\(read)")
            return
        }
        #expect(credential.text == "tok")
        let result = JobResult(id: 7, outcome: .revoked).line()
        guard case .revoked = try JobResult(parsing: result, period: anyTime).outcome else {
            Issue.record("no revocation")
            return
        }
        #expect(throws: JSONError.self) {
            try Job(parsing: Array(#"{"account":"{}","kind":"revoke"}"#.utf8))
        }
    }
}
