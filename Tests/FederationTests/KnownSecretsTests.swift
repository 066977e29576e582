import Federation
import Kernel
import Testing
import Text

/// What of a job, of a document and of what a program prints is a secret.
@Suite struct KnownSecretsTests {
    private let known = KnownSecrets()

    private func cleaned(_ text: String) -> String { known.cleaned([text])[0] }

    @Test(arguments: [
        ("K3y-of-the-file", "<redacted>"), ("S3cr3t-pw9", "<redacted>"),
        ("t0ken-value-77", "<redacted>"), ("abcd-3fgh-1234", "<redacted>"),
        ("/v2/credentials", "/v2/credentials"), ("/home/user-name-1", "/home/user-name-1"),
        ("X-Header-Val-1", "<redacted>"), ("application/json-1", "application/json-1"),
    ])
    func `a job brings its file's, its variables' and its proxies'`(text: String, shown: String) {
        let document: JSON = [
            "credentialSource": [
                "options": ["clientSecret": "K3y-of-the-file"],
                "headers": ["X-Any": "X-Header-Val-1", "Accept": "application/json-1"],
            ]
        ]
        known.addInputs(
            of: Job(
                id: 1,
                kind: .exchange,
                path: "/a.json",
                document: Secret(document.serialized()),
                environment: [
                    "HTTPS_PROXY": "http://user:S3cr3t-pw9@proxy.test",
                    "MY_TOKEN": "t0ken-value-77",
                    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/abcd-3fgh-1234",
                    "HOME": "/home/user-name-1",
                ]
            )
        )
        #expect(cleaned("( \(text) )") == "( \(shown) )")
    }

    @Test(arguments: [
        ("t0ken-1234567\n", "t0ken-1234567", true),
        ("no t0ken-1234567 here", "t0ken-1234567", false),
        (#"{"token": "t0ken-1234567"}"#, "t0ken-1234567", true),
    ])
    func `a program prints a token or a document`(output: String, text: String, isSecret: Bool) {
        known.addOutput(Secret(output))
        #expect(cleaned(text) == (isSecret ? "<redacted>" : text))
    }

    @Test func `a template's text is one as a whole, and so are its longer strings`() {
        let content = #"{"a": "0123456789abcdeF", "b": "0123456789abcdE", "password": "sh0rt-pw9"}"#
        known.addAll(of: Secret(content))
        #expect(cleaned("( 0123456789abcdeF )") == "( <redacted> )")
        #expect(cleaned("( sh0rt-pw9 )") == "( <redacted> )")
        let lines = KnownSecrets()
        lines.addAll(of: Secret("alpha beta 77 gamma\n"))
        #expect(lines.cleaned(["( beta 77 gam )"]) == ["(<redacted> )"])
    }

    @Test(arguments: [("aB3dE6fH9kL2mN5p", true), ("aB3dE6fH9kL2mN5", false)])
    func `a string of a template's document counts from 16 characters on`(
        text: String,
        isSecret: Bool
    ) {
        // Escaped, so that it does not stand in the document's own text.
        let escaped = text.utf8.map { "\\u00" + String($0, radix: 16) }.joined()
        known.addAll(of: Secret(#"[{"a": "\#(escaped)"}]"#))
        #expect(cleaned("( \(text) )") == (isSecret ? "( <redacted> )" : "( \(text) )"))
    }

    @Test(arguments: [
        (#"{"tokens": [{"token": "t0ken-1234567"}]}"#, true),
        (#"{"tokens": ["t0ken-1234567"]}"#, true), (#"{"texts": ["t0ken-1234567"]}"#, false),
        (#"{"id": "t0ken-1234567"}"#, false), (#"{"id": {"secret": "t0ken-1234567"}}"#, true),
    ])
    func `a document's members are told by their names`(document: String, isSecret: Bool) {
        known.add(document)
        #expect(cleaned("( t0ken-1234567 )") == (isSecret ? "( <redacted> )" : "( t0ken-1234567 )"))
    }

    @Test(arguments: [
        ("eyJhbGciOiJ9.eyJpc3MiOiJ4In0.c2lnbmF0", true), ("eyJhbGciOiJ9.eyJpc3MiOiJ4In0", false),
        ("eyJhbGciOiJ9.eyJpc3MiOiJ4In0.c2lnbmF0.x", false),
        ("xyJhbGciOiJ9.eyJpc3MiOiJ4In0.c2lnbmF0", false),
    ])
    func `a JWT is one whatever its name`(value: String, isSecret: Bool) {
        known.add(value, named: "id")
        #expect(cleaned(value) == (isSecret ? "<redacted>" : value))
    }

    /// 48 bytes, which are 64 characters of base64; and three fewer.
    @Test(arguments: [(36, true), (33, false)])
    func `a document in base64 is looked into from 64 characters on`(length: Int, isRead: Bool) {
        let value = String("Zq4W8mLp2Vn7Ks9Jd3Xy6Tb1Rc5Hf0GgUuIi".prefix(length))
        known.add(base64Encoded(Array(#"{"token":"\#(value)"}"#.utf8)))
        #expect(cleaned(value) == (isRead ? "<redacted>" : value))
    }

    @Test func `512 secrets are known, of each 65536 bytes`() {
        for number in 1000..<1513 { known.add("k\(number)k\(number)k") }
        #expect(cleaned("( k1511k1511k )") == "( <redacted> )")
        #expect(cleaned("( k1512k1512k )") == "( k1512k1512k )")
        let long = KnownSecrets()
        long.add(String(repeating: "x", count: 65_529) + "aB3dE6fH9kL2")
        #expect(long.cleaned(["( xaB3dE6f )"]) == ["( <redacted> )"])
        #expect(long.cleaned(["( aB3dE6fH )"]) == ["( aB3dE6fH )"])
    }

    /// Short ones count as a whole alone, as they stand and decoded.
    @Test(arguments: [
        ("http://u:p%40w1@proxy:1", "p%40w1", true), ("http://u:p%40w1@proxy:1", "p@w1", true),
        ("http://u:a1:b2@proxy:1", "a1:b2", true), ("http://t0k-7@proxy:1", "t0k-7", true),
        ("http://scan7:pa55w0rd@proxy:1", "scan7", false),
    ])
    func `of a proxy's user and password the password is a secret`(
        url: String,
        text: String,
        isSecret: Bool
    ) {
        known.addProxy(url)
        #expect(cleaned("( \(text) )") == (isSecret ? "( <redacted> )" : "( \(text) )"))
    }

    @Test func `a short password of a template's document is one by itself`() {
        known.addAll(of: Secret(#"{"password": "pw-1a"}"#))
        #expect(cleaned("( pw-1a )") == "( <redacted> )")
    }

    @Test func `every text of a result is cleaned`() {
        known.add("t0ken-1234567")
        let text = "has t0ken-1234567 in it"
        let clean = "has <redacted> in it"
        let step = StepReport.failed(.token, .refused, text, hint: text, about: text)
        let cleanStep = known.cleaned(step)
        #expect([cleanStep.text, cleanStep.hint, cleanStep.about] == [clean, clean, clean])
        var proof = JobResult.Proof(SubjectToken(Secret("x"), source: text))
        (proof.issuer, proof.subject) = (text, text)
        let failure = Failure(.refused, at: .exchange, text, hint: text)
        let result = known.cleaned(
            JobResult(id: 1, outcome: .failure(failure), proof: proof, warnings: [text])
        )
        let found = [result.proof?.source, result.proof?.issuer, result.proof?.subject]
        #expect(found == [clean, clean, clean])
        #expect(result.warnings == [clean])
        guard case .failure(let cleaned) = result.outcome else { return #expect(Bool(false)) }
        #expect([cleaned.message, cleaned.hint] == [clean, clean])
        let data: JSON = ["b": [.string(text)], "a": ["c": .string("c")], "n": 1]
        guard case .data(let json) = known.cleaned(JobResult(id: 1, outcome: .data(data))).outcome
        else { return #expect(Bool(false)) }
        #expect(json == ["b": [.string(clean)], "a": ["c": .string("c")], "n": 1])
    }
}
