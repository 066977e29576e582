import Federation
import Kernel
import Testing
import Text

@Suite struct `An account file` {
    @Test func `the console's file works unmodified`() throws {
        let account = try AccountFixture.parse()
        #expect(account.name == "mondoo")
        #expect(account.warnings.isEmpty)
        #expect(account.issuer == "https://accounts.google.com")
        #expect(account.tokenAudience == "//captain.api.mondoo.app/spaces/quiet-river-123456")
        #expect(account.lifetime == 3600)
        #expect(account.variable == "MONDOO_CONFIG_BASE64")
        #expect(account.tokenSource.name == "auto")
        #expect(account.service.name == "mondoo")
        guard case .mondoo(let mondoo) = account.service else { return }
        #expect(mondoo.universe.url == "https://us.api.mondoo.com")
        #expect(mondoo.issuer == account.issuer)
        #expect(mondoo.audience == account.tokenAudience)
    }

    @Test func `its default output is a socket in the runtime directory`() throws {
        let outputs = try AccountFixture.parse().outputs(in: "/run/wif-agent")
        #expect(outputs.map(\.path) == ["/run/wif-agent/mondoo.sock"])
        #expect(outputs.map(\.word) == ["socket"])
        #expect(outputs.first?.format == .raw)
    }

    @Test func `keys may be in snake case`() throws {
        let account = try AccountFixture.parse([
            "issuerUri": .null, "issuer_uri": "https://issuer.example/",
            "token_audience": "other", "universeDomain": .null,
            "universe_domain": "https://eu.api.mondoo.com/", "ca_file": "/etc/ca.pem",
            "credential_source": ["file": "/run/t", "format": ["type": "text"]],
        ])
        #expect(account.issuer == "https://issuer.example/")
        #expect(account.tokenAudience == "other")
        #expect(account.caFile == "/etc/ca.pem")
        guard case .mondoo(let mondoo) = account.service else { return }
        #expect(mondoo.universe.url == "https://eu.api.mondoo.com")
        #expect(mondoo.issuer == "https://issuer.example/")
    }

    @Test func `every further key is read`() throws {
        let account = try AccountFixture.parse([
            "service": "mondoo", "lifetime": 900, "variable": "MY_CRED",
            "proxy": "http://proxy.example:3128", "revokeOnExit": true,
            "onRefresh": [
                ["command": ["/usr/bin/systemctl", "reload", "x"], "timeout": 5],
                ["signal": "HUP", "pidFile": "/run/x.pid"],
            ],
        ])
        #expect(account.lifetime == 900)
        #expect(account.variable == "MY_CRED")
        #expect(account.proxy?.url == "http://proxy.example:3128")
        #expect(account.revokeOnExit == true)
        #expect(account.hooks.count == 2)
        #expect(account.warnings.isEmpty)
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var changes: [String: JSON]
        var message: String
        var hint: String?

        init(_ changes: [String: JSON], _ message: String, hint: String? = nil) {
            self.changes = changes
            self.message = message
            self.hint = hint
        }

        var testDescription: String { message }
    }

    static let bad: [Bad] = [
        Bad(
            ["type": .null],
            "type: is missing; \"external_account\" is expected",
            hint: #"add "type": "external_account""#
        ),
        Bad(
            ["type": "service_account"],
            "type: \"external_account\" is expected, found \"service_account\"",
            hint:
                "name the external_account file, the one that the service's console generates for a"
                + " workload; a file of another type is no account file"
        ),
        Bad(["type": 1], "type: a string is expected, found a number", hint: "write it in quotes"),
        Bad(
            ["audience": .null],
            "audience: is missing; the scope MRN is expected",
            hint:
                #"add "audience", the scope MRN; or, where the account is not Mondoo's, add "service", or the tokenUrl of an RFC 8693 service"#
        ),
        Bad(
            ["audience": []],
            "audience: a string is expected, found an array",
            hint: "write one string, without the brackets around it"
        ),
        Bad(
            ["audience": " "],
            "audience: is empty",
            hint:
                #"write it as in "audience": "//captain.api.mondoo.app/spaces/SPACE-ID", as the service has it"#
        ),
        Bad(
            ["issuerUri": .null],
            "issuerUri: is missing; the issuer that Mondoo trusts is expected",
            hint:
                #"add "issuerUri", the issuer that Mondoo trusts; or, where the account is not Mondoo's, add "service", or the tokenUrl of an RFC 8693 service"#
        ),
        Bad(
            ["audience": .null, "audence": "x"],
            "audience: is missing; the scope MRN is expected",
            hint: "rename audence, which is there, to audience"
        ),
        Bad(
            ["issuerUri": false],
            "issuerUri: a string is expected, found a boolean",
            hint: "write it in quotes"
        ),
        Bad(
            ["issuer_uri": "x"],
            "issuerUri: is given twice, also as issuer_uri",
            hint: "keep one of issuerUri and issuer_uri, and remove the other"
        ),
        Bad(
            ["service": "mondo"],
            "service: \"mondo\" is not known; one of mondoo",
            hint: "did you mean mondoo? write \"service\": \"mondoo\""
        ),
        Bad(
            ["universeDomain": "http://us.api.mondoo.com"],
            "universeDomain: is plain http to a host that needs https",
            hint: "write https://us.api.mondoo.com"
        ),
        Bad(
            ["universeDomain": "https://a b"],
            "universeDomain: is not a URL",
            hint: #"write it as in "universeDomain": "https://us.api.mondoo.com""#
        ),
        Bad(
            ["universeDomain": "https://x:y@a"],
            "universeDomain: holds a user name or password",
            hint: "leave USER:PASSWORD@ out of it"
        ),
        Bad(
            ["lifetime": "3600"],
            "lifetime: a number of seconds is expected, found a string",
            hint: "write 3600 without quotes"
        ),
        Bad(
            ["lifetime": 0],
            "lifetime: is out of range; 1 to 31536000 is expected, found 0",
            hint: "write a number of seconds from 1 to 31536000"
        ),
        Bad(
            ["lifetime": -1],
            "lifetime: is out of range; 1 to 31536000 is expected, found -1",
            hint: "write a number of seconds from 1 to 31536000"
        ),
        Bad(
            ["variable": 1],
            "variable: a string is expected, found a number",
            hint: "write it in quotes"
        ),
        Bad(
            ["caFile": "ca.pem"],
            "caFile: is a relative path (ca.pem); an absolute one is expected",
            hint: "write the absolute path, from / on, such as /ca.pem"
        ),
        Bad(
            ["caFile": "/a\u{0}b"],
            "caFile: holds a control character, behind \"/a\"",
            hint: #"write it anew: "caFile": "/ab""#
        ),
        Bad(
            ["proxy": "socks5://p"],
            "proxy: socks5://p has the scheme socks5, not https",
            hint: "write http://HOST:PORT, the port as a number"
        ),
        Bad(
            ["revokeOnExit": "yes"],
            "revokeOnExit: true or false is expected, found a string",
            hint: "write true or false, without quotes"
        ),
        Bad(
            ["tokenAudience": ["a"]],
            "tokenAudience: a string is expected, found an array",
            hint: "write one string, without the brackets around it"
        ),
        Bad(
            ["onRefresh": [:]],
            "onRefresh: an array of objects is expected, found an object",
            hint: "write an array: put [ before the object, ] behind it"
        ),
        Bad(
            ["onRefresh": ["x"]],
            "onRefresh[0]: an object is expected, found a string",
            hint: "write an object, in { and }"
        ),
        Bad(
            ["onRefresh": [["command": ["true"]]]],
            "onRefresh[0].command: the program's absolute path is expected",
            hint: "write the absolute path, from / on; command -v true shows it"
        ),
        Bad(
            ["onRefresh": [["command": "/bin/true"]]],
            "onRefresh[0].command: an array of strings is expected, found a string",
            hint: #"write an array, its program with the whole path: ["/bin/true"]"#
        ),
        Bad(
            ["onRefresh": [["command": ["/bin/true", 1]]]],
            "onRefresh[0].command[1]: a string is expected, found a number",
            hint: "write it in quotes"
        ),
        Bad(
            ["onRefresh": [["signal": "HUP"]]],
            "onRefresh[0].pidFile: is missing",
            hint: #"add "pidFile", an absolute path"#
        ),
        Bad(
            ["onRefresh": [[:]]],
            "onRefresh[0].command: exactly one of command, signal and unit is expected, found none",
            hint: "keep one of them; write a second hook for the other"
        ),
        Bad(
            ["onRefresh": [["unit": "x.service", "signal": "HUP"]]],
            "onRefresh[0].command: exactly one of command, signal and unit is expected, found"
                + " signal and unit",
            hint: "keep one of them; write a second hook for the other"
        ),
        Bad(
            ["onRefresh": [["unit": "x"]]],
            "onRefresh[0].unit: \"x\" is not a unit's name: it has no suffix",
            hint: "write x.service"
        ),
        Bad(
            ["onRefresh": [["unit": "*.service"]]],
            "onRefresh[0].unit: \"*.service\" is not a unit's name"
        ),
        Bad(
            ["onRefresh": [["unit": "-H.service"]]],
            "onRefresh[0].unit: \"-H.service\" is not a unit's name"
        ),
        Bad(
            ["onRefresh": [["unit": "x.service", "action": "stop"]]],
            "onRefresh[0].action: \"stop\" is not known",
            hint:
                "write one of them: try-reload-or-restart, reload-or-restart, reload,"
                + " try-restart, restart"
        ),
        Bad(
            ["onRefresh": [["command": ["/bin/true"], "timeout": 0]]],
            "onRefresh[0].timeout: is out of range; 1 to 3600 is expected",
            hint: "write a number of seconds from 1 to 3600"
        ),
        Bad(
            ["private_key": "-----BEGIN", "type": .null],
            "private_key: this is a service-account file, a credential itself",
            hint:
                "it needs no agent; put the external_account file of a workload identity provider in its place:"
                + " the console generates it for a provider, and wif-agent provider create --scope MRN --out FILE makes"
                + " both. Remove this key from here, and at Mondoo where no other program uses it"
        ),
    ]

    @Test(arguments: bad)
    func `an error names file, key, what was found and what is expected`(row: Bad) {
        let error = #expect(throws: AccountError.self) { try AccountFixture.parse(row.changes) }
        let prefix = "account file /etc/wif-agent/mondoo.json: "
        #expect(error?.message.hasPrefix(prefix + row.message) == true, "\(error?.message ?? "")")
        #expect(error?.hint == row.hint)
        #expect(error?.failure.class == .misconfigured)
    }

    static let documents: [(String, String)] = [
        (
            "",
            "is not JSON: the text ends where a value is expected (line 1, column 1); the file"
                + " is empty"
        ),
        ("{", "is not JSON: a name in quotes is expected (line 1, column 2)"),
        ("[]", "an object is expected, found an array"),
        ("\"type: x\"", "an object is expected, found a string"),
        ("type: external_account\naudience: x\n", "is YAML, and only JSON is read"),
        ("---\ntype: x\n", "is YAML, and only JSON is read"),
        ("# comment\n\nuniverse_domain: x\n", "is YAML, and only JSON is read"),
        (String(repeating: " ", count: 65_537), "is over 65536 bytes"),
    ]

    @Test(arguments: documents)
    func `what is no JSON object is refused`(text: String, reason: String) {
        let error = #expect(throws: AccountError.self) {
            try AccountFixture.parse(text: text.utf8)
        }
        #expect(error?.message == "account file /etc/wif-agent/mondoo.json: \(reason)")
    }

    static let unknown: [(String, String?)] = [
        ("audiance2", "audience"), ("univers_domain", "universeDomain"), ("lifetme", "lifetime"),
        ("comment", nil), ("Outputs", "outputs"),
    ]

    @Test(arguments: unknown)
    func `an unknown key is a warning with the nearest known one`(key: String, near: String?) throws
    {
        let account = try AccountFixture.parse([key: 1])
        #expect(account.warnings.count == 1)
        let guess = near.map { "; did you mean \($0)?" } ?? ""
        #expect(account.warnings.first?.text.hasSuffix(": unknown key, ignored\(guess)") == true)
    }

    @Test func `unknown keys inside are reported with their place`() throws {
        let account = try AccountFixture.parse([
            "credentialSource": ["provider": "gcp", "audiense": "x"],
            "outputs": [["format": "raw", "path": "/run/a", "mod": "0600"]],
        ])
        #expect(account.warnings.count == 2)
        let unknown = "credentialSource.audiense: unknown key"
        #expect(account.warnings.contains { $0.text.contains(unknown) })
        #expect(account.warnings.contains { $0.text.contains("outputs[0].mod: unknown key") })
        #expect(account.warnings.contains { $0.text.hasSuffix("did you mean mode?") })
    }

    static let names: [(String, String?)] = [
        ("/etc/wif-agent/mondoo.json", "mondoo"), ("/a.b_c-D1.json", "a.b_c-D1"), ("/x", "x"),
        ("/a.json.json", "a.json"), ("/\(String(repeating: "a", count: 64)).json", nil),
        ("/control.json", nil), ("/exchange.json", nil), ("/listen", nil), ("/state.json", nil),
        ("/.json", nil), ("/.hidden.json", nil), ("/a b.json", nil), ("/é.json", nil),
        ("/-x.json", nil), ("/\(String(repeating: "a", count: 65)).json", nil), ("/a\nb.json", nil),
    ]

    @Test(arguments: names)
    func `the name is the file's base name, by the rules`(path: String, name: String?) throws {
        let long = String(repeating: "a", count: 64)
        let expected = path == "/\(long).json" ? long : name
        if let expected {
            #expect(try AccountName.ofFile(at: path) == expected)
        } else {
            #expect(throws: AccountError.self) { try AccountName.ofFile(at: path) }
        }
    }

    static let variables: [(String, Bool)] = [
        ("A", true), ("_a9", true), ("MONDOO_CONFIG_BASE64", true), ("PATHS", true), ("LD", true),
        ("", false), ("9A", false), ("A-B", false), ("A B", false), ("É", false), ("A=B", false),
        ("PATH", false), ("path", false), ("IFS", false), ("ENV", false), ("BASH_ENV", false),
        ("NODE_OPTIONS", false), ("LD_PRELOAD", false), ("ld_library_path", false),
        ("GITHUB_ENV", false), ("RUNNER_TEMP", false), ("WIF_AGENT_FILE", false), ("A\n", false),
    ]

    @Test(arguments: variables)
    func `a variable's name is safe`(name: String, isSafe: Bool) {
        #expect(VariableName.isSafe(name) == isSafe)
        do {
            #expect(try AccountFixture.parse(["variable": .string(name)]).variable == name)
            #expect(isSafe)
        } catch {
            #expect(!isSafe, "\(error)")
        }
    }

    @Test func `no rendering shows the file's bytes`() throws {
        let account = try AccountFixture.parse(["jwtToken": "a.secret.token"])
        var dumped = ""
        dump(account, to: &dumped)
        #expect(!dumped.contains("secret.token"))
        #expect(account.warnings.allSatisfy { !$0.text.contains("secret.token") })
    }
}
