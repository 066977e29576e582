import Kernel
import Testing
import Text

@testable import Federation

@Suite struct `A template` {
    struct Row: Sendable, CustomTestStringConvertible {
        let template: String
        let text: String

        var testDescription: String { template }
    }

    /// $TOKEN stands for the token.
    static let rows = [
        Row(template: "{{credential}}", text: "$TOKEN"),
        Row(template: "a {{ credential }}b\n", text: "a $TOKENb\n"),
        Row(template: "{{credential}}{{expires_at}}", text: "$TOKEN2024-01-02T04:04:05Z"),
        Row(template: "x={{json.token_type}}", text: "x=Bearer"),
        Row(template: "{{json.access_token|url}}", text: "to%2Fk%2Ben%22%27%24"),
        Row(template: "{{credential|json}}", text: #"to/k+en\"'$"#),
        Row(template: "{{credential|shell}}", text: #"'to/k+en"'\''$'"#),
        Row(template: "{{credential|base64}}", text: "dG8vaytlbiInJA=="),
        Row(
            template: "{{env.V|url}}-{{env.WIF_AGENT_EXPIRES_AT}}",
            text: "to%2Fk%2Ben%22%27%24-2024-01-02T04:04:05Z"
        ),
        Row(template: "{ {{credential}} } }}", text: "{ $TOKEN } }}"),
        Row(template: "{{credential}} $HOME `id`", text: "$TOKEN $HOME `id`"),
    ]

    private static let token = #"to/k+en"'$"#

    @Test(arguments: rows)
    func `is filled with the credential's values`(row: Row) throws {
        let (account, output) = try Self.parsed(row.template)
        let credential = Credential(
            kind: .accessToken(type: "Bearer", scheme: "Bearer"),
            value: Secret(Self.token),
            issuedAt: WallTime(secondsSinceEpoch: 1_704_164_645),
            lifetime: 3600,
            receivedAt: .now
        )
        let text = try output.format.render(credential, for: account, template: output.template)
        let expected = row.text.split(separator: "$TOKEN", omittingEmptySubsequences: false)
            .joined(separator: Self.token)
        #expect(text.bytes.text == expected)
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        let template: String
        let problem: String
        var hint: String?

        var testDescription: String { template }
    }

    static let mistakes = [
        Mistake(
            template: "none",
            problem: "holds nothing of the credential",
            hint: "write {{credential}} where it belongs"
        ),
        Mistake(template: "{{credential", problem: "has no }} behind it"),
        Mistake(
            template: "{{credentail}}",
            problem: "{{credentail}} is not known",
            hint: "did you mean credential?"
        ),
        Mistake(template: "{{}}", problem: "{{}} is not known"),
        Mistake(
            template: "{{json.acces_token}}",
            problem: "json.access_token, json.token_type, json.expires_at",
            hint: "did you mean json.access_token?"
        ),
        Mistake(template: "{{json.mrn}}", problem: "{{json.mrn}} is not known"),
        Mistake(template: "{{env.HOME}}", problem: "one of env.V, env.WIF_AGENT_EXPIRES_AT"),
        Mistake(
            template: "{{credential|html}}",
            problem:
                "the escape html of {{credential|html}} is not known; one of json, shell, url, base64"
        ),
        Mistake(template: "{{credential|url|json}}", problem: "more than one escape"),
        Mistake(template: "{{credential|}}", problem: "the escape  of"),
        Mistake(template: "{{if x}}{{credential}}", problem: "{{if x}} is not known"),
    ]

    @Test(arguments: mistakes)
    func `with a mistake is an error of the account file`(row: Mistake) throws {
        let error = try #require(throws: AccountError.self) { try Self.parsed(row.template) }
        #expect(error.message.contains("outputs[0].template: "))
        #expect(error.message.contains(row.problem), "\(error.message)")
        if let hint = row.hint { #expect(error.hint == hint) }
    }

    @Test func `is missing`() throws {
        let error = #expect(throws: AccountError.self) { try Self.parsed(nil) }
        #expect(error?.message.contains("outputs[0].template: is missing") == true)
    }

    @Test func `names what Mondoo's document may have, and fails where it has not`() throws {
        let document = #"{"mrn": "//agents/a b", "private_key": "k\n", "certificate": "c", "n": 1}"#
        let account = try AccountFixture.mondoo(
            template: "{{json.mrn|url}} {{json.private_key|json}} {{env.MONDOO_CONFIG_BASE64}}"
        )
        let output = account.configuredOutputs[0]
        let credential = Credential(
            kind: .mondoo,
            value: Secret(base64Encoded(Array(document.utf8))),
            issuedAt: WallTime(secondsSinceEpoch: 0),
            lifetime: 3600,
            receivedAt: .now
        )
        let text = try output.format.render(credential, for: account, template: output.template)
        #expect(text.bytes.text == #"%2F%2Fagents%2Fa%20b k\n "# + credential.value.text)
        let other = try AccountFixture.mondoo(template: "{{json.space_mrn}}")
        let error = #expect(throws: FormatError.self) {
            try other.configuredOutputs[0].format.render(
                credential,
                for: other,
                template: other.configuredOutputs[0].template
            )
        }
        #expect(error?.problem == "the credential has no member space_mrn")
    }

    @Test func `is no format for a command, and one for a socket`() throws {
        #expect(!Format.commandWords.contains("template"))
        #expect(Output.words.contains("template"))
        let document = """
            {"type": "external_account", "tokenUrl": "https://a.example", "outputs": [{"format": "socket",
             "path": "/run/s", "content": "template", "template": "<{{credential}}>"}]}
            """
        let account = try Account(parsing: Secret(document), path: "/a.json")
        #expect(account.configuredOutputs[0].format == .template)
        #expect(account.configuredOutputs[0].template != nil)
    }

    private static func parsed(_ template: String?) throws -> (Account, Output) {
        var output: [String: JSON] = ["format": "template", "path": "/run/t"]
        output["template"] = template.map(JSON.string)
        let document: JSON = [
            "type": "external_account", "tokenUrl": "https://a.example", "variable": "V",
            "outputs": [.object(output)],
        ]
        let account = try Account(parsing: Secret(document.serialized()), path: "/a.json")
        return (account, account.configuredOutputs[0])
    }
}

extension AccountFixture {
    fileprivate static func mondoo(template: String) throws -> Account {
        let document: JSON = [
            "type": "external_account", "audience": "//captain.api.mondoo.app/spaces/x",
            "issuerUri": "https://accounts.google.com",
            "outputs": [
                ["format": "template", "path": "/run/t", "template": .string(template)]
            ],
        ]
        return try Account(parsing: Secret(document.serialized()), path: "/etc/wif-agent/m.json")
    }
}
