import Federation
import Kernel
import TestSupport
import Testing
import Text

/// Secrets of the kinds that are met, none of them anybody's.
enum SampleSecret: String, CaseIterable {
    case jwt = """
        eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2V4YW1wbGUiLCJzdWIiOiJ4In0.\
        c2lnbmF0dXJlLXRoYXQtaXMtbG9uZ19lbm91Z2gtdG8td3JhcA
        """
    case hexadecimal = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    case gitLab = "glpat-Zx8vQ2mN5kT7wR1yB4cD"
    case slashes = "Ab3/dEf7hIj/Kl9nO+pQ/rS2tUv/Wx5zA/bC8dE/f+G="
    case underscores = "tok_Zq4_8mWx_Lp2-Vn7-Ks9_Jd3"
}

extension String {
    fileprivate func wrapped(at columns: Int, with separator: String) -> String {
        var lines: [Substring] = []
        var rest = self[...]
        while !rest.isEmpty {
            lines.append(rest.prefix(columns))
            rest = rest.dropFirst(columns)
        }
        return lines.joined(separator: separator)
    }

    fileprivate var hexadecimal: String {
        utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// All of its pieces of so many characters.
    fileprivate func pieces(of length: Int) -> [String] {
        let characters = Array(self)
        guard characters.count >= length else { return [] }
        return (0...(characters.count - length)).map { String(characters[$0..<($0 + length)]) }
    }
}

private func cleaned(_ text: String, of secrets: String...) -> String {
    let known = KnownSecrets()
    for secret in secrets { known.add(secret) }
    return known.cleaned([text])[0]
}

@Suite(.timeLimit(.minutes(5)))
struct SecretSearchTests {
    private static let ways: [(String, @Sendable (String) -> String)] = [
        ("whole", { $0 }),
        ("wrapped at 32", { $0.wrapped(at: 32, with: "\n") }),
        ("wrapped at 9", { $0.wrapped(at: 9, with: " ") }),
        ("in groups of four", { $0.wrapped(at: 4, with: "-") }),
        ("quoted", { "\"\($0)\"" }),
        ("percent-encoded", { percentEncoded($0) }),
        ("percent-encoded whole", { $0.utf8.map { "%" + "\($0)".hexadecimalByte }.joined() }),
        ("base64", { base64Encoded(Array($0.utf8)) }),
        ("base64, wrapped", { base64Encoded(Array($0.utf8)).wrapped(at: 19, with: " ") }),
        ("base64 of a pair", { base64Encoded(Array("u:\($0)".utf8)) }),
        ("base64 of a longer pair", { base64Encoded(Array("us:\($0)".utf8)) }),
        ("base64url", { base64URLEncoded(Array($0.utf8)) }),
        ("base64, percent-encoded", { percentEncoded(base64Encoded(Array("\($0)???".utf8))) }),
        ("hexadecimal", { $0.hexadecimal }),
        ("HEXADECIMAL", { $0.hexadecimal.uppercased() }),
        ("hexadecimal pairs", { $0.hexadecimal.wrapped(at: 2, with: ":") }),
        ("JSON with escapes", { $0.split(separator: "/").joined(separator: "\\/") }),
    ]

    @Test(arguments: SampleSecret.allCases)
    func `no piece of eight stays, however it is written`(_ sample: SampleSecret) {
        let secret = sample.rawValue
        for (name, write) in Self.ways {
            let written = write(secret)
            let text = cleaned("the service says: bad token \(written) refused", of: secret)
            #expect(text.hasPrefix("the service says: bad token "), "\(name): \(text)")
            #expect(text.hasSuffix(" refused"), "\(name): \(text)")
            #expect(text.contains("<redacted>"), "\(name): \(text)")
            // What base64 makes of the end with other bytes behind it is not the secret's alone.
            let pieces = written.pieces(of: 8).dropLast(8)
            #expect(!pieces.contains(where: text.contains), "\(name): \(text)")
        }
    }

    @Test(arguments: SampleSecret.allCases)
    func `every piece of eight goes`(_ sample: SampleSecret) {
        let secret = sample.rawValue
        let known = KnownSecrets()
        known.add(secret)
        let pieces = secret.pieces(of: 8)
        for (piece, text) in zip(pieces, known.cleaned(pieces.map { "( \($0) )" })) {
            // One that is letters alone could be a word.
            if piece.allSatisfy({ $0.isLetter && $0.isLowercase }) { continue }
            #expect(text == "( <redacted> )", "\(piece)")
        }
    }

    @Test(arguments: [
        ("password123", "the proxy wants a user name and password (407)", nil),
        ("password123", "bad password123 given", "bad <redacted> given"),
        ("correct-horse-battery-staple", "the correct horse came", nil),
        ("correct-horse-battery-staple", "correct-horse-battery", "<redacted>"),
        ("changeit", "use changeit here", "use <redacted> here"),
        ("s3cr3t", "user:s3cr3t@host", "user:<redacted>@host"),
        ("s3cr3t", "as3cr3ts", nil), ("proxy", "the proxy answers", nil),
        ("8080", "127.0.0.1:8080", nil), ("abc", "abc abc", nil),
        ("https1234", "https://example.test", nil),
        // From 16 characters on a piece goes even if it is a word.
        ("correcthorsebattery7", "the correcthorsebat came", nil),
        ("correcthorsebattery7", "the correcthorsebatt came", "the <redacted> came"),
        // A secret of four characters is looked for, one of three is not.
        ("s3cr", "user:s3cr@host", "user:<redacted>@host"), ("s3c", "user:s3c@host", nil),
        // One that is all of the text, its beginning or its end.
        ("s3cr3t", "s3cr3t", "<redacted>"), ("s3cr3t", "s3cr3t@host", "<redacted>@host"),
        ("s3cr3t", "user:s3cr3t", "user:<redacted>"), ("s3cr3t", "s3cr3", nil),
        // Two pieces side by side are as one.
        ("correcthorsebattery7", "the correctebattery came", "the correctebattery came"),
        ("correcthorsebattery7", "the correcthebattery came", "the <redacted> came"),
    ])
    func `words stay words`(_ secret: String, _ text: String, _ expected: String?) {
        #expect(cleaned(text, of: secret) == expected ?? text)
    }

    @Test(arguments: [
        // Percent-encoded in part: nothing else in the text is the secret's.
        ("abC1d$fG2hI", "at abC1d%24fG2hI", "at <redacted>"),
        ("abC1dJfG2hI", "at abC1d%4AfG2hI", "at <redacted>"),
        ("abC1dJfG2hI", "at abC1d%4afG2hI", "at <redacted>"),
        ("JbC1dFf2", "%4AbC1dFf2", "<redacted>"), ("abC1dJfG2hI", "100 %", nil),
        ("abC1dfG2hI$", "at abC1dfG2hI%24 x", "at <redacted> x"),
        // The first eight letters, without what separates them.
        ("Ab-3dEf-7hIj", "at Ab3dEf7h", "at <redacted>"),
        // Fewer than eight, whatever stands before them.
        ("abC1dJfG2hI", "\u{0}abC1dJf", nil), ("abC1dJfG2hI", "\u{0}\u{0}\u{0}\u{0}abC1", nil),
        // Whole digits of base64: what follows is not the secret's.
        ("abC1dJfG2hI8", base64Encoded(Array("abC1dJfG2hI8".utf8)) + "A", "<redacted>A"),
    ])
    func `nothing but the secret goes, and all of it`(
        _ secret: String,
        _ text: String,
        _ expected: String?
    ) {
        #expect(cleaned(text, of: secret) == expected ?? text)
    }

    @Test func `of a document only what its names say is looked for`() {
        let text =
            "https://sts.amazonaws.com/?Action=GetCallerIdentity signed AKIAEXAMPLE 9f86d081884c7d65"
        let proof = #"""
            {"url":"https://sts.amazonaws.com/?Action=GetCallerIdentity","method":"POST","headers":[
            {"key":"host","value":"sts.amazonaws.com"},{"key":"Authorization","value":"AWS4-HMAC-SHA256
            Credential=AKIAEXAMPLE/20240102/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=9f86d081884c7d65"}]}
            """#.split(separator: "\n").joined(separator: " ")
        let expected = text.split(separator: " 9f86")[0] + " <redacted>"
        #expect(cleaned(text, of: proof) == expected)
    }

    @Test func `a key in a credential is known from the credential`() {
        let key =
            "-----BEGIN PRIVATE KEY-----\nMIG2AgEAMBAGByqGSM49AgEGBSuBBAAi\nBIGeMIGbAgEBBDBx\n"
            + "-----END PRIVATE KEY-----\n"
        let document = JSON.object([
            "mrn": "//agents/spaces/some-space-1234/x", "private_key": .string(key),
        ]).serialized()
        let text = "//agents/spaces/some-space-1234/x BEGIN PRIVATE KEY MIG2AgEAMBAGByq"
        let expected = "//agents/spaces/some-space-1234/x BEGIN PRIVATE KEY <redacted>"
        #expect(cleaned(text, of: base64Encoded(document)) == expected)
    }

    @Test(arguments: [
        ("http://user:p4ss/w0rd@proxy.example:3128", "p4ss/w0rd"),
        ("user:p4ssw0rd1@proxy.example", "p4ssw0rd1"),
        ("http://user:p4ss%2Fw0rd@proxy.example:3128", "p4ss/w0rd"),
        ("http://t0ken-in-it@proxy.example", "t0ken-in-it"),
        // Short ones, with a colon, and percent-encoded.
        ("http://user:p4ss1@proxy.example", "p4ss1"), ("user:p4%2Fs@proxy.example", "p4/s"),
        ("http://user:p4:ssw0rd@proxy.example:3128", "p4:ssw0rd"),
    ])
    func `a proxy's password is known, its host is not secret`(_ url: String, _ password: String) {
        let known = KnownSecrets()
        known.addProxy(url)
        let texts = [
            "<\(password)> at proxy.example",
            "Basic \(base64Encoded(Array("user:\(password)".utf8)))",
        ]
        let clean = known.cleaned(texts)
        #expect(clean[0] == "<<redacted>> at proxy.example")
        #expect(known.cleaned(["user at proxy.example"]) == ["user at proxy.example"])
        // The padding is no part of any secret.
        let padding = String(texts[1].reversed().prefix { $0 == "=" })
        if url.contains("user:") { #expect(clean[1] == "Basic <redacted>" + padding) }
    }

    @Test(arguments: [
        ("access_token", true), ("X-Amz-Security-Token", true), ("SecretAccessKey", true),
        ("client_assertion", true), ("Authorization", true), ("IDENTITY_HEADER", true),
        ("base64_credential", true), ("private_key", true), ("jwtToken", true), ("JWT_TOKEN", true),
        ("TFC_WORKLOAD_IDENTITY_TOKEN_A", true), ("Set-Cookie", true), ("saml_response", true),
        ("token_type", false), ("subject_token_type", false), ("AWS_ACCESS_KEY_ID", false),
        ("AZURE_FEDERATED_TOKEN_FILE", false), ("token_endpoint", false), ("tokenAudience", false),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", false), ("scope", false), ("kid", false), ("aud", false),
    ])
    func `names tell what is secret`(_ name: String, _ isSecret: Bool) {
        #expect(isSecretName(name) == isSecret)
    }
}

extension String {
    /// A number below 256 in decimal digits as two hexadecimal ones.
    fileprivate var hexadecimalByte: String {
        let digits = String(UInt8(self) ?? 0, radix: 16, uppercase: true)
        return digits.count == 1 ? "0\(digits)" : digits
    }
}
