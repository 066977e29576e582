import Federation
import Kernel
import Testing
import Text

/// What is said of files that are nearly an account file, or something else altogether.
@Suite struct AccountMistakeTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let text: String
        let cause: String
        let hint: String
        var testDescription: String { cause }

        init(_ text: String, _ cause: String, _ hint: String) {
            (self.text, self.cause, self.hint) = (text, cause, hint)
        }
    }

    static let account = String(
        decoding: JSON.object(AccountFixture.members).serialized(),
        as: UTF8.self
    )
    private static let quoted = String(
        decoding: JSON.string(account).serialized(),
        as: UTF8.self
    )
    private static let encoded = base64Encoded(account.utf8)
    private static let file = "/etc/wif-agent/mondoo.json"

    static let rows = [
        // Wrapped in something else.
        Row(quoted, "inside of a string", "jq -r '.' \(file)"),
        Row("\"\(encoded)\"", "in base64", "jq -r '@base64d' \(file)"),
        Row(
            "{\"mondoo.json\":\(quoted)}",
            "below the name \"mondoo.json\", as text in quotes",
            "jq -r '.[\"mondoo.json\"]' \(file)"
        ),
        Row(
            "{\"wif\":{\"value\":\(account),\"sensitive\":false}}",
            "below the names \"wif\", \"value\"",
            "jq '.wif.value' \(file)"
        ),
        Row(
            "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"data\":{\"a.json\":\(quoted)}}",
            "a manifest for a cluster (ConfigMap)",
            "jq -r '.data[\"a.json\"]' \(file)"
        ),
        Row(
            "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"type\":\"Opaque\",\"data\":{\"a\":\"\(encoded)\"}}",
            "below the names \"data\", \"a\", in base64",
            "jq -r '.data.a|@base64d' \(file)"
        ),
        Row(
            "apiVersion: v1\nkind: ConfigMap\ndata:\n  mondoo.json: |\n    {}\n",
            "it is a manifest for a cluster",
            "what stands below line 4"
        ),
        Row("{\"data\":{\"binding\":{}}}", "a reply of Mondoo's GraphQL API", "member config"),
        // Files of other programs.
        Row(
            "{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":\"x\"}",
            "the key of a Google service account (a@b)",
            "create-cred-config"
        ),
        Row(
            "{\"type\":\"authorized_user\",\"client_id\":\"x\",\"refresh_token\":\"y\"}",
            "a person's login of gcloud",
            "create-cred-config"
        ),
        Row("{\"issuer\":\"https://a\",\"jwks_uri\":\"b\"}", "discovery document", "issuerUri"),
        Row(
            "{\"id_token\":\"x\",\"expires_in\":1}",
            "reply with a token",
            "subjectTokenFieldName"
        ),
        Row("{\"client_id\":\"x\",\"client_secret\":\"y\"}", "a client's secret", "no secret"),
        // Marks that are not seen, and text around it.
        Row("{\n\u{A0}\u{A0}\"type\": \"x\"}", "U+00A0 stands there", "write a plain space"),
        Row("{\"type\":\u{200B} \"x\"}", "U+200B stands there", "delete it"),
        Row("{\"type\"\u{FF1A} \"x\"}", "a character of full width", "write : for it"),
        Row(
            "no config file, using defaults\n\n{\n\"type\": 1}",
            "begins in line 3",
            "before the {"
        ),
    ]

    @Test(arguments: rows)
    func `a file that holds something else is named, with what to do`(row: Row) {
        let error = #expect(throws: AccountError.self) {
            try AccountFixture.parse(text: row.text.utf8)
        }
        #expect(error?.message.contains(row.cause) == true, "\(error?.message ?? "")")
        #expect(error?.hint?.contains(row.hint) == true, "\(error?.hint ?? "")")
    }

    static let values: [(String, JSON, String, String)] = [
        ("lifetime", "1h", "found a string \"1h\"", "write 3600 without quotes"),
        ("lifetime", "PT30M", "found a string", "write 1800 without"),
        ("lifetime", "1 h 30 min", "found a string", "write 5400 without"),
        ("lifetime", "soon", "found a string", "write a number of seconds without quotes"),
        ("lifetime", "3600", "found a string", "write 3600 without quotes"),
        ("audience", "${SPACE_MRN}", "${SPACE_MRN}", "//captain.api.mondoo.app/spaces/"),
        ("audience", "%SPACE_MRN%", "%SPACE_MRN%", "variables are not expanded"),
        ("audience", "#{SPACE_MRN}#", "#{SPACE_MRN}", "variables are not expanded"),
        ("audience", "((space-mrn))", "((space-mrn))", "variables are not expanded"),
        ("issuerUri", "https://a.example/@TENANT_KEY@/v2", "@TENANT_KEY@", "in place of"),
    ]

    @Test(arguments: values)
    func `a value in another form is named, with the one to write`(
        key: String,
        value: JSON,
        cause: String,
        hint: String
    ) {
        let error = #expect(throws: AccountError.self) { try AccountFixture.parse([key: value]) }
        #expect(error?.message.contains(cause) == true, "\(error?.message ?? "")")
        #expect(error?.hint?.contains(hint) == true, "\(error?.hint ?? "")")
    }

    @Test(arguments: [
        ("systemctl reload x", "[\"/usr/bin/systemctl\", \"reload\", \"x\"]"),
        ("/bin/a && /bin/b 'c d'", "[\"/bin/sh\", \"-c\", \"/bin/a && /bin/b 'c d'\"]"),
        ("/bin/a > /tmp/x", "[\"/bin/sh\", \"-c\", \"/bin/a > /tmp/x\"]"),
        ("/bin/a 'b c'", "[\"/bin/a\", \"b c\"]"),
    ])
    func `a hook as a line is written as an array that does the same`(line: String, array: String) {
        let error = #expect(throws: AccountError.self) {
            try AccountFixture.parse(["onRefresh": [["command": .string(line)]]])
        }
        #expect(error?.hint?.hasSuffix(array) == true, "\(error?.hint ?? "")")
    }

    @Test func `words for a shell in an array are a warning`() throws {
        let account = try AccountFixture.parse([
            "onRefresh": [["command": ["/bin/a", "&&", "/bin/b"]]]
        ])
        #expect(account.warnings.first?.text.contains("no shell") == true)
        #expect(account.warnings.first?.hint?.contains("[\"/bin/sh\", \"-c\"") == true)
        let shell = try AccountFixture.parse([
            "onRefresh": [["command": ["/bin/sh", "-c", "a", "&&"]]]
        ])
        #expect(shell.warnings.isEmpty)
    }

    @Test(arguments: ["https://a.example/%C3%A4%20b", "https://a.example/x@y", "user@host"])
    func `what only looks like a template is taken`(value: String) throws {
        #expect(try AccountFixture.parse(["tokenAudience": .string(value)]).tokenAudience == value)
    }
}
