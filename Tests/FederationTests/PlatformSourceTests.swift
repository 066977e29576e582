import Kernel
import Testing
import Text

@testable import Federation

@Suite("Sources of CI systems, url and executable")
struct PlatformSourceTests {
    private func source(_ json: JSON) throws(AccountError) -> TokenSource {
        try AccountFixture.parse(["credentialSource": json]).tokenSource
    }

    @Test(arguments: TokenSource.providers)
    func `every provider works without options`(name: String) throws {
        #expect(try source(["provider": .string(name)]).name == name)
        #expect(TokenSource(provider: name)?.name == name)
    }

    static let parsed: [(JSON, String)] = [
        (["provider": "gitlab", "variable": "MY_TOKEN"], #"gitlab(variable: "MY_TOKEN")"#),
        (["provider": "terraform", "tag": "PROD"], #"terraform(tag: Optional("PROD"))"#),
        (["provider": "circleci", "variable": "CIRCLE_OIDC_TOKEN"], "CIRCLE_OIDC_TOKEN"),
        (["provider": "buildkite", "lifetime": 900], "buildkite(lifetime: 900)"),
        (["provider": "kubernetes", "path": "/t"], #"file(path: "/t")"#),
        (["provider": "kubernetes", "lifetime": 700], "lifetime: 700"),
        (["provider": "spiffe", "path": "/svid"], #"file(path: "/svid")"#),
        (["provider": "spiffe"], "workloadAPI(socket: nil, id: nil)"),
        (
            ["provider": "spiffe", "socket": "unix:///run/spire.sock", "spiffeId": "spiffe://d/w"],
            #"workloadAPI(socket: Optional("/run/spire.sock"), id: Optional("spiffe://d/w"))"#
        ),
        (["provider": "spiffe", "socket": "/s"], #"workloadAPI(socket: Optional("/s"), id: nil)"#),
        (["provider": "fly", "socket": "/s"], #"fly(socket: "/s")"#),
        (["provider": "spacelift", "path": "/s"], #"spacelift(path: "/s")"#),
        (["provider": "azure-pipelines", "serviceConnectionId": "g"], #"Optional("g")"#),
        (["url": "http://127.0.0.1/t/", "headers": ["X_A": "b"]], #"url: "http://127.0.0.1/t/""#),
        (["url": "https://h/t", "headers": ["X_A": "b"]], #"name: "X_A""#),
        (
            ["executable": ["command": ["/bin/x", "a b"]]],
            #"command: ["/bin/x", "a b"], timeLimit: 30"#
        ),
        (
            ["executable": ["command": "/bin/x 'a b' c\\ d", "timeout_millis": 5000]],
            #"command: ["/bin/x", "a b", "c d"], timeLimit: 5"#
        ),
        (["executable": ["command": "/x", "output_file": "/o"]], #"outputFile: Optional("/o")"#),
    ]

    @Test(arguments: parsed)
    func `options are read`(json: JSON, expected: String) throws {
        #expect("\(try source(json))".contains(expected))
    }

    static let refused: [(JSON, String)] = [
        (
            ["provider": "spiffe", "socket": "tcp://127.0.0.1:1"],
            "socket: \"tcp://127.0.0.1:1\" is not the path of a Unix"
        ),
        (["provider": "spiffe", "socket": "unix://host/s"], "is not the path of a Unix socket"),
        (
            ["provider": "spiffe", "path": "/t", "socket": "/s"],
            "socket: goes with the Workload API"
        ),
        (
            ["provider": "spiffe", "spiffeId": "d/w"],
            "spiffeId: \"d/w\" is not spiffe://DOMAIN/PATH"
        ),
        (["provider": "gitlab", "variable": "a b"], "is not a name that a variable can have"),
        (["provider": "terraform", "tag": "TYPE"], "tag: letters"),
        (["provider": "kubernetes", "path": "/t", "lifetime": 700], "lifetime: goes with"),
        (["provider": "kubernetes", "lifetime": 500], "600 to 86400"),
        (["url": "http://example.com/t"], "url: is plain http"),
        (["url": "https://h", "headers": ["a": 1]], "headers.a: a string is expected"),
        (["url": "https://h", "headers": []], "headers: an object is expected"),
        (["executable": ["command": "x"]], "the program's absolute path is expected"),
        (["executable": [:]], "the program's absolute path is expected"),
        (["executable": ["command": "/x 'a"]], "not closed"),
        (["executable": ["command": "/x", "timeoutMillis": 4999]], "5000 to 120000"),
        (["executable": ["command": ["/x", 1]]], "command[1]"),
    ]

    @Test(arguments: refused)
    func `what makes no sense is refused`(json: JSON, message: String) {
        let error = #expect(throws: AccountError.self) { try source(json) }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        ("a  b", ["a", "b"]), (" 'a b'\"c\" ", ["a bc"]), ("''", [""]),
        ("\"a\\\"b\\n\"", ["a\"b\\n"]),
        ("a\\ b", ["a b"]), ("", []), ("'a'\u{301} '\u{301}b'", ["a\u{301}", "\u{301}b"]),
    ])
    func `words are split as a shell splits them`(line: String, words: [String]) {
        #expect(shellWords(line) == words)
    }

    @Test func `jobs that start programs are known`() throws {
        let program = try source(["executable": ["command": "/x"]])
        #expect(program.runsPrograms(in: [:]))
        let buildkite = try source(["provider": "buildkite"])
        #expect(buildkite.runsPrograms(in: [:]))
        #expect(!buildkite.runsPrograms(in: ["BUILDKITE_AGENT_ACCESS_TOKEN": "t"]))
        let account = try AccountFixture.parse([:])
        #expect(!Job.Kind.exchange.runsPrograms(for: account, in: [:]))
        #expect(Job.Kind.subjectToken(provider: "circleci").runsPrograms(for: account, in: [:]))
    }

    @Test func `unknown keys are told of at every depth`() throws {
        let account = try AccountFixture.parse([
            "credentialSource": [
                "executable": ["command": "/x", "timeoutMilis": 6000], "header": [:],
            ]
        ])
        #expect(account.warnings.count == 2)
        #expect(account.warnings.first?.text.contains("did you mean timeoutMillis?") == true)
        let format: JSON = ["file": "/t", "format": ["type": "text", "typ": "x"]]
        let other = try AccountFixture.parse(["credentialSource": format])
        #expect(other.warnings.count == 1)
    }

    @Test func `a file of Google's is read as it is`() throws {
        let account = try AccountFixture.parse([
            "subjectTokenType": "urn:ietf:params:oauth:token-type:id_token",
            "service_account_impersonation_url":
                "https://i/v1/projects/-/serviceAccounts/a@p.iam.gserviceaccount.com:generateAccessToken",
            "credential_source": ["executable": ["command": "/bin/x -y", "timeout_millis": 6000]],
        ])
        guard case .executable(let program) = account.tokenSource else {
            Issue.record("another source")
            return
        }
        #expect(program.command == ["/bin/x", "-y"])
        #expect(program.impersonatedEmail == "a@p.iam.gserviceaccount.com")
        #expect(program.tokenType.hasSuffix(":id_token"))
    }
}
