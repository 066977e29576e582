import Federation
import Kernel
import Testing
import Text

/// The keys that say how a token endpoint is asked.
@Suite struct `A grant` {
    private static let base: [String: JSON] = [
        "type": "external_account", "service": "oauth", "tokenUrl": "https://sts.test/token",
    ]

    private func account(_ members: [String: JSON]) throws(AccountError) -> Account {
        let document = JSON.object(Self.base.merging(members) { $1 }).serialized()
        return try Account(parsing: Secret(document), path: "/etc/wif-agent/x.json")
    }

    /// Keys, and what the error says.
    static let bad: [([String: JSON], String)] = [
        (
            ["grant": "jwt-baerer"],
            "grant: \"jwt-baerer\" is not known; one of token-exchange, jwt-bearer,"
                + " client-credentials, login, bearer\nhint: did you mean jwt-bearer? write \"grant\": \"jwt-bearer\""
        ),
        (["grant": 1], "grant: a string is expected, found a number\nhint: write it in quotes"),
        (
            ["parameters": "a=b"],
            "parameters: an object is expected, found a string\nhint: write an object, in { and }"
        ),
        (
            ["parameters": ["a": 1]],
            "parameters.a: a string is expected, found a number\nhint: write it in quotes"
        ),
        (
            ["parameters": ["audience": "a"]],
            "parameters.audience: is set by the grant token-exchange itself\nhint: write it as the"
                + " key audience"
        ),
        (
            ["parameters": ["subject_token": "a"]],
            "parameters.subject_token: is set by the grant token-exchange itself"
        ),
        (
            ["grant": "jwt-bearer", "parameters": ["assertion": "a"]],
            "parameters.assertion: is set by the grant jwt-bearer itself"
        ),
        (
            ["grant": "client-credentials", "parameters": ["client_id": "a"]],
            "parameters.client_id: is set by the grant client-credentials itself\nhint: write it as"
                + " the key clientId"
        ),
        (
            ["grant": "login", "parameters": ["jwt": "a"]],
            "parameters.jwt: is set by the grant login itself"
        ),
        (
            ["grant": "client-credentials", "parameters": ["client_secret": "a"]],
            "parameters.client_secret: is a long-lived key, and wif-agent uses no such keys\nhint:"
                + " remove it: the subject token is the only proof, and the service must be set up"
                + " to accept it"
        ),
        (
            ["grant": "jwt-bearer", "subjectTokenType": "urn:x"],
            "subjectTokenType: goes with the grant token-exchange, and not with jwt-bearer"
        ),
        (
            ["grant": "login", "scopes": "a"],
            "scopes: is not sent with the grant login\nhint: name it in parameters as the service"
                + " knows it"
        ),
        (
            ["tokenName": "id_token"],
            "tokenName: id_token goes with the grant login, and the grant is token-exchange"
        ),
        (
            ["response": "auth"],
            "response: an object is expected, found a string\nhint: write an object, in { and }"
        ),
        (
            ["response": ["lifetime": "ttl"]],
            "response.credential: is missing; the path of the credential (a.b) is expected"
                + "\nhint: add \"credential\", the path of the credential (a.b)"
        ),
        (
            ["response": ["credential": "auth..token"]],
            "response.credential: \"auth..token\" is not a path of members, such as auth.token"
        ),
        (
            ["service": "google", "audience": "//iam.googleapis.com/x", "grant": "login"],
            "grant: Google takes the grant token-exchange only\nhint: write it as in \"grant\":"
                + " \"token-exchange\""
        ),
        (
            ["service": "google"],
            "audience: is missing; the provider's full resource name is expected\nhint: add"
                + " \"audience\", the provider's full resource name"
        ),
    ]

    @Test(
        arguments: ["client_secret", "password", "refresh_token"],
        ["s3cr\u{A0}et", "s3cr$HOME", "<s3cret>", " s3cret"]
    )
    func `a secret among the parameters stands in no error`(name: String, secret: String) {
        #expect {
            try account(["parameters": [name: .string(secret)]])
        } throws: { error in
            let text = (error as? AccountError)?.description ?? "s3cr"
            return text.contains("parameters.\(name): is a long-lived key")
                && !text.contains("s3cr")
        }
    }

    @Test(arguments: bad)
    func `bad input is told by its key`(members: [String: JSON], text: String) {
        #expect(throws: AccountError.self) { try account(members) }
        do {
            _ = try account(members)
        } catch {
            #expect("\(error)" == "account file /etc/wif-agent/x.json: \(text)")
        }
    }

    @Test func `every key belongs to the identity`() throws {
        let plain = try account([:]).identity
        for (key, value) in [
            ("grant", "jwt-bearer"), ("parameters", ["a": "b"]),
            ("response", ["credential": "token"]),
        ] as [(String, JSON)] {
            #expect(try account([key: value]).identity != plain)
        }
    }

    @Test func `Google by its word has Google's endpoints`() throws {
        let account = try account([
            "service": "google", "tokenUrl": .null, "audience": "//iam.googleapis.com/x",
        ])
        guard case .tokenExchange(let service) = account.service else {
            return #expect(Bool(false))
        }
        #expect(account.service.name == "google")
        #expect(service.tokenURL.url == "https://sts.googleapis.com/v1/token")
        #expect(service.scopes == ["https://www.googleapis.com/auth/cloud-platform"])
    }

    @Test(arguments: [
        ("tokenUrl", "https://sts.test/token"), ("clientId", "x"), ("scopes", "a"),
        ("resource", "https://r"), ("revokeUrl", "https://r"),
    ])
    func `the service token has no exchange`(key: String, value: String) {
        let plain: [String: JSON] = ["service": "token", "tokenUrl": .null]
        let members = plain.merging([key: .string(value)]) { $1 }
        do {
            _ = try account(members)
            Issue.record("accepted")
        } catch {
            #expect(error.message.contains("\(key): goes with an exchange"))
        }
    }

    @Test func `a token that cannot be replaced is told of at once`() throws {
        let source: JSON = ["environment": "CI_TOKEN"]
        let members: [String: JSON] = [
            "service": "token", "tokenUrl": .null, "credentialSource": source,
        ]
        #expect(
            try account(members).warnings.map(\.text) == [
                "account file /etc/wif-agent/x.json: credentialSource: environment gives no other"
                    + " token later: the credential ends when this one does"
            ]
        )
        #expect(try account(["credentialSource": source]).warnings.isEmpty)
    }
}
