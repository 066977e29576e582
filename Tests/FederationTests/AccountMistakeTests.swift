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
        Row("[\(account),\(account)]", "an object is expected", "jq '.[1]' \(file)"),
        Row(
            "{\"type\":\"external_account\",\"sops\":{\"version\":\"3\"}}",
            "encrypted with SOPS",
            "sops --decrypt"
        ),
        Row("$ANSIBLE_VAULT;1.1;AES256\n6231\n", "with ansible-vault", "ansible-vault decrypt"),
        Row("-----BEGIN PGP MESSAGE-----\n", "with PGP", "gpg --decrypt"),
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
        ("variable", "GITHUB_TOKEN", "begins with GITHUB_", "GH_TOKEN"),
        ("variable", "RUNNER_NAME", "begins with RUNNER_", "such as NAME"),
        ("variable", "PATH", "changes how programs run", "such as ACCESS_TOKEN"),
        ("variable", "MONDOO-CONFIG", "is no variable's name", "MONDOO_CONFIG"),
        ("service", "brightsec", "is not known", "\"service\": \"bright\""),
        ("service", "oidc", "is not known", "\"service\": \"oauth\""),
        ("credentialSource", ["provider": "github-actions"], "is not known", "\"github\""),
        ("credentialSource", ["provider": "google"], "is not known", "\"gcp\""),
        ("credentialSource", ["provider": "eks"], "is not known", "\"aws\""),
        ("credentialSource", ["provider": "k8s"], "is not known", "\"kubernetes\""),
        ("credentialSource", ["provider": "Azure"], "is not known", "\"azure\""),
        ("credentialSource", ["provider": "file"], "another kind of source", "{\"file\": "),
        (
            "outputs", [["format": "yaml", "path": "/run/x"]], "is not known",
            "\"format\": \"json\""
        ),
        (
            "outputs", [["format": "json", "path": "/run/x/"]], "names a directory",
            "/run/x/credential.json"
        ),
    ]

    @Test(arguments: [
        ("//captain.api.mondoo.com/spaces/demo", "//captain.api.mondoo.app/spaces/demo"),
        ("//iam.api.mondoo.app/spaces/demo/bindings/1", "//captain.api.mondoo.app/spaces/demo"),
        ("demo", "write the space's or organization's"),
    ])
    func `an audience that is no scope's MRN is doubted, with the one to write`(
        value: String,
        hint: String
    ) throws {
        let account = try AccountFixture.parse(["audience": .string(value)])
        let warning = try #require(account.warnings.first)
        #expect(warning.hint?.contains(hint) == true, "\(warning)")
        #expect(warning.isDoubt)
    }

    @Test(arguments: [
        ("https://us.mondoo.com", "us.api.mondoo.com"),
        ("https://eu1.api.mondoo.com", "eu.api.mondoo.com"),
        ("https://edge.mondoo.com", "api.edge.mondoo.com"),
        ("https://us.api.mondo.com", "us.api.mondoo.com"),
        ("https://captain.api.mondoo.app", "us.api.mondoo.com"),
    ])
    func `a host that is none of Mondoo's is doubted, with the one that is near`(
        value: String,
        host: String
    ) throws {
        let account = try AccountFixture.parse(["universeDomain": .string(value)])
        let hint = try #require(account.warnings.first?.hint)
        #expect(hint.contains("https://\(host)"), "\(hint)")
        #expect(account.service.addressOddity?.contains(host) == true)
    }

    @Test func `the role is told by the ARN of its session`() {
        let error = #expect(throws: AccountError.self) {
            let arn = "arn:aws:sts::123456789012:assumed-role/scanner/i-0abc"
            let text = #"{"type": "external_account", "service": "aws", "roleArn": "\#(arn)"}"#
            return try AccountFixture.parse(text: text.utf8)
        }
        #expect(error?.hint?.contains("arn:aws:iam::123456789012:role/scanner") == true)
    }

    @Test func `every error of a file is told, each once`() throws {
        let text = """
            {"type": "external-account", "audience": "//captain.api.mondoo.app/spaces/YOUR_SPACE_ID",
             "issuerUri": "https://accounts.google.com", "lifetime": "1h",
             "universeDomain": "https://us.api.mondoo.com/SecureTokenService/ExchangeExternalToken",
             "outputs": [{"format": "json", "path": "~/x"}]}
            """
        let errors = Account.errors(in: Secret(text), path: "/etc/wif-agent/mondoo.json")
        let keys = ["audience", "type", "universeDomain", "lifetime", "outputs[0].path"]
        #expect(errors.count == keys.count, "\(errors)")
        for key in keys { #expect(errors.contains { $0.message.contains(": \(key): ") }, "\(key)") }
        let whole = Account.errors(in: Secret("{"), path: "/etc/wif-agent/mondoo.json")
        #expect(whole.count == 1)
        let good = Secret(Self.account)
        #expect(Account.errors(in: good, path: "/etc/wif-agent/mondoo.json").isEmpty)
    }

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
