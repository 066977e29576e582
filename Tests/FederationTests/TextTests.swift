import Federation
import Testing
import Text

@Suite struct `Text from elsewhere` {
    static let texts: [(String, String)] = [
        ("plain é 😀", "plain é 😀"),
        ("a\nb\tc\rd", "a b c d"),
        ("\u{1B}[31mred\u{0}\u{7F}\u{9B}", "?[31mred???"),
        ("a\u{202E}b\u{200B}c\u{2028}d", "a?b?c?d"),
        ("\r\n", "  "),
        (String(repeating: "x", count: 300), String(repeating: "x", count: 300)),
        (String(repeating: "x", count: 301), String(repeating: "x", count: 300) + "…"),
        (String(decoding: [0x61, 0xFF], as: UTF8.self), "a\u{FFFD}"),
    ]

    @Test(arguments: texts)
    func `it is made fit for a message`(text: String, printable: String) {
        #expect(text.printable == printable)
    }

    @Test(arguments: [
        ("plain\nlines", "plain\nlines"), ("a\nb\u{1B}c\u{200B}", "a\nb?c?"), ("\u{1B}", "?"),
    ])
    func `what steers a terminal goes, and lines stay`(text: String, shown: String) {
        #expect(text.withoutControls == shown)
        #expect(text.bounded == shown)
    }

    @Test func `lines have 600 characters and a text 32 lines`() {
        let longest = String(repeating: "x", count: 600)
        #expect("\(longest)\n\(longest)".bounded == "\(longest)\n\(longest)")
        #expect("\(longest)x\ny".bounded == "\(longest)…\ny")
        #expect("\(longest)xx".bounded == "\(longest)…")
        let lines = [String](repeating: "x", count: 32).joined(separator: "\n")
        #expect(lines.bounded == lines)
        #expect((lines + "\ny").bounded == lines)
    }

    @Test func `forty characters of base64 look encoded`() {
        let run = "aB3" + String(repeating: "x", count: 36)
        #expect(run.printable == run)
        #expect((run + "x").printable == "<redacted>")
    }

    @Test func `a million bytes are cut`() {
        let marks = "e" + String(repeating: "\u{301}", count: 1_000_000)
        #expect(marks.printable.unicodeScalars.count <= 302)
    }

    static let spaces: [(String, String)] = [
        ("", ""), (" ", ""), (" a b\r\n", "a b"), ("\ta", "a"), ("\u{A0}a", "\u{A0}a"),
    ]

    @Test(arguments: spaces)
    func `white space at the ends goes`(text: String, trimmed: String) {
        #expect(text.trimmed == trimmed)
    }

    static let words: [(String, String?)] = [
        ("audiance", "audience"), ("Audience", "audience"), ("outpus", "outputs"),
        ("x", nil), ("", nil), ("something-else", nil),
    ]

    @Test(arguments: words)
    func `the nearest name is suggested, if one is near`(word: String, expected: String?) {
        #expect(nearest(to: word, among: ["audience", "outputs", "type"]) == expected)
    }

    static let encodings: [(String, String)] = [
        ("", ""),
        ("AZaz09-._~", "AZaz09-._~"),
        ("//captain.api.mondoo.app/spaces/a b", "%2F%2Fcaptain.api.mondoo.app%2Fspaces%2Fa%20b"),
        ("é😀", "%C3%A9%F0%9F%98%80"),
        ("a+b&c=d?e#f%", "a%2Bb%26c%3Dd%3Fe%23f%25"),
    ]

    @Test(arguments: encodings)
    func `only unreserved characters stay as they are`(text: String, encoded: String) {
        #expect(percentEncoded(text) == encoded)
    }
}

@Suite struct `Tokens in foreign text` {
    static let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEyMzQ1Njc4OTAifQ"

    @Test(arguments: [
        (
            "bad token \(token).\(token).\(token) here",
            "bad token <redacted>.<redacted>.<redacted> here"
        ),
        ("\"\(token)\"", "\"<redacted>\""),
        ("//captain.api.mondoo.app/spaces/my-space", "//captain.api.mondoo.app/spaces/my-space"),
        (
            "repo:acme-organization/infrastructure-live-production-eu:ref:refs/heads/main",
            "repo:acme-organization/infrastructure-live-production-eu:ref:refs/heads/main"
        ),
        ("system:serviceaccount:team-4:Scanner", "system:serviceaccount:team-4:Scanner"),
    ])
    func `are left out, and names are not`(text: String, printable: String) {
        #expect(text.printable == printable)
    }

    @Test func `are left out where the text is cut, too`() {
        let text = String(repeating: "x ", count: 140) + Self.token
        #expect(!text.printable.contains("eyJ"))
    }
}
