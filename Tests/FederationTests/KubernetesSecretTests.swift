import Federation
import Kernel
import Testing
import Text

@Suite struct `An output in a cluster's Secret` {
    private func parse(_ entry: JSON) throws -> Output {
        try #require(try AccountFixture.parse(["outputs": [entry]]).configuredOutputs.first)
    }

    @Test func `all of it is read`() throws {
        let output = try parse([
            "format": "kubernetes-secret", "namespace": "team-1", "name": "scan.mondoo",
            "key": "a_B.json",
            "content": "json", "onExpiry": "remove", "force": true, "directory": "/sa",
        ])
        var secret = KubernetesSecret(namespace: "team-1", name: "scan.mondoo", key: "a_B.json")
        (secret.onExpiry, secret.overwrites, secret.directory) = (.remove, true, "/sa")
        #expect(output.kind == .kubernetesSecret(.json, secret))
        #expect(output.path == "team-1/scan.mondoo/a_B.json")
        #expect(output.word == "kubernetes-secret")
    }

    @Test func `little is needed`() throws {
        let output = try parse(["format": "kubernetes-secret", "name": "s", "key": "k"])
        #expect(output.kind == .kubernetesSecret(.raw, KubernetesSecret(name: "s", key: "k")))
        #expect(output.path == "s/k")
        let directory = "/var/run/secrets/kubernetes.io/serviceaccount"
        #expect(output.secret?.directory == directory)
    }

    @Test func `the content may be a template`() throws {
        let output = try parse([
            "format": "kubernetes-secret", "name": "s", "key": "k", "content": "template",
            "template": "token={{credential}}",
        ])
        #expect(output.template != nil)
        #expect(output.format == .template)
    }

    /// A member of the entry, its value, and what the error says of it.
    static let bad: [(String, JSON, String)] = [
        ("name", .null, "name: is missing; the name of a Secret is expected"),
        ("key", .null, "key: is missing; the key of the Secret's data is expected"),
        ("name", "", "name: is empty"),
        ("name", "Scan", "\"Scan\" is not a name that a Secret can have"),
        ("name", "a_b", "is not a name that a Secret can have"),
        ("name", "-a", "is not a name that a Secret can have"),
        ("name", "a-", "is not a name that a Secret can have"),
        ("name", "a..b", "is not a name that a Secret can have"),
        ("name", "a.-b", "is not a name that a Secret can have"),
        ("name", "a/b", "is not a name that a Secret can have"),
        (
            "name", .string(String(repeating: "a", count: 254)),
            "is not a name that a Secret can have"
        ),
        ("namespace", "a.b", "\"a.b\" is not a name that a namespace can have"),
        ("namespace", "ü", "is not a name that a namespace can have"),
        (
            "namespace", .string(String(repeating: "a", count: 64)),
            "is not a name that a namespace can have"
        ),
        ("key", "a b", "\"a b\" is not a key that a Secret can have"),
        ("key", "..", "is not a key that a Secret can have"),
        ("key", ".", "is not a key that a Secret can have"),
        ("key", "..data", "is not a key that a Secret can have"),
        ("key", "a/b", "is not a key that a Secret can have"),
        ("key", .string(String(repeating: "a", count: 254)), "is not a key that a Secret can have"),
        ("content", "socket", "\"socket\" is not known"),
        ("content", "header", "header is not for Mondoo"),
        ("content", "template", "template: is missing"), ("force", "maybe", "force"),
        ("onExpiry", "burn", "onExpiry"), ("directory", "sa", "is a relative path"),
        ("path", "/run/x", "belongs to a file, and kubernetes-secret is not one"),
        ("mode", "0600", "belongs to a file, and kubernetes-secret is not one"),
    ]

    @Test(arguments: bad)
    func `any other is refused`(member: String, value: JSON, message: String) {
        var entry: [String: JSON] = ["format": "kubernetes-secret", "name": "s", "key": "k"]
        entry[member] = value == .null ? nil : value
        let error = #expect(throws: AccountError.self) { try parse(.object(entry)) }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [".dockerconfigjson", "tls.crt", "A", "a--b", "-x_", "a..b"])
    func `keys that the API takes are taken`(key: String) throws {
        let output = try parse([
            "format": "kubernetes-secret", "name": "s", "key": .string(key),
        ])
        #expect(output.secret?.key == key)
    }

    @Test func `two to the same key are refused, and two keys of one Secret are not`() throws {
        let one: JSON = ["format": "kubernetes-secret", "name": "s", "key": "k"]
        let other: JSON = ["format": "kubernetes-secret", "name": "s", "key": "l"]
        let error = #expect(throws: AccountError.self) {
            try AccountFixture.parse(["outputs": [one, one]])
        }
        #expect(error?.message.contains("outputs[1].key: s/k is given twice") == true)
        #expect(try AccountFixture.parse(["outputs": [one, other]]).configuredOutputs.count == 2)
    }

    @Test func `the option's form says the same`() throws {
        let service = try AccountFixture.parse().service
        func option(_ text: String) throws -> Output {
            try Output(parsing: text, for: service, variable: "V")
        }
        let long = try option("kubernetes-secret:acme/s/k,content=json,force=true")
        var secret = KubernetesSecret(namespace: "acme", name: "s", key: "k")
        secret.overwrites = true
        #expect(long.kind == .kubernetesSecret(.json, secret))
        let short = try option("kubernetes-secret:s/k")
        #expect(short.kind == .kubernetesSecret(.raw, KubernetesSecret(name: "s", key: "k")))
        for text in ["s", "a/b/c/d", "", "/s/k"] {
            #expect(throws: AccountError.self) { try option("kubernetes-secret:\(text)") }
        }
    }

    // MARK: The job

    private func change(_ action: SecretChange.Action) throws -> SecretChange {
        var secret = KubernetesSecret(namespace: "n", name: "s", key: "k")
        (secret.overwrites, secret.directory) = (true, "/sa")
        return SecretChange(
            action,
            secret,
            of: try AccountFixture.parse(),
            formerIdentities: ["one"],
            issuedAt: WallTime(secondsSinceEpoch: 1000.5),
            expiresAt: WallTime(secondsSinceEpoch: 2000)
        )
    }

    @Test func `a change arrives as it was sent`() throws {
        for action in [SecretChange.Action.write(Secret([0, 255, 10])), .remove, .look] {
            let sent = try change(action)
            let job = Job(
                id: 1,
                kind: .secret(sent),
                path: "/a.json",
                document: Secret("{}"),
                environment: [:]
            )
            #expect(job.timeout == 10)
            guard case .secret(let read) = try Job(parsing: job.line()).kind else {
                Issue.record("another kind")
                return
            }
            #expect(read.secret == sent.secret)
            #expect(read.account == "mondoo")
            #expect(read.identity == sent.identity)
            #expect(read.formerIdentities == ["one"])
            #expect(read.issuedAt == sent.issuedAt)
            #expect(read.expiresAt == sent.expiresAt)
            switch (read.action, action) {
            case (.write(let bytes), .write): #expect(bytes.bytes == [0, 255, 10])
            case (.remove, .remove), (.look, .look): break
            default: Issue.record("\(read.action)")
            }
        }
    }

    @Test(arguments: [
        "{}", #"{"name":"s","key":"k","account":"a","identity":"i","issuedAt":1,"expiresAt":2}"#,
        #"{"name":"s","key":"k","account":"a","identity":"i","issuedAt":1,"expiresAt":2,"action":"write"}"#,
    ])
    func `what is no change is refused`(json: String) {
        #expect(throws: JSONError.self) {
            try Job(parsing: #"{"account":{},"kind":"secret","secret":\#(json)}"#.utf8)
        }
    }

    // MARK: Whose it is

    @Test func `the identity that others may read holds no secret of the account file`() throws {
        let source: JSON = [
            "url": "https://issuer.test/token", "headers": ["Authorization": "Bearer hidden-word"],
        ]
        let text = try AccountFixture.parse(["credentialSource": source]).identity
            .textWithoutSecrets
        #expect(!text.contains("hidden-word"))
        #expect(text.contains("https://issuer.test/token"))
        let literal = try AccountFixture.parse(["jwtToken": "hidden-word"])
        #expect(!literal.identity.textWithoutSecrets.contains("hidden-word"))
        // Nor that of the account whose credential it uses.
        let user = try AccountFixture.parse(["credentialSource": ["account": "base"]])
            .chained(to: literal.identity)
        #expect(user.identity.text.contains("hidden-word"))
        #expect(!user.identity.textWithoutSecrets.contains("hidden-word"))
    }

    @Test func `it tells accounts apart as the identity does`() throws {
        let one = try AccountFixture.parse().identity.textWithoutSecrets
        let other = try AccountFixture.parse(["audience": "//captain.api.mondoo.app/spaces/other"])
        #expect(one != other.identity.textWithoutSecrets)
        let outputs = try AccountFixture.parse(["lifetime": 60])
        #expect(one == outputs.identity.textWithoutSecrets)
    }
}
