import Federation
import Testing
import Text

@testable import TokenSources

@Suite struct INITests {
    static let good: [(String, [String: [String: String]])] = [
        ("", [:]),
        ("# c\n; c\n\n  # c\n", [:]),
        ("[a]\nk=v", ["a": ["k": "v"]]),
        ("[a]\r\nk = v\r\n[b]\r\n", ["a": ["k": "v"], "b": [:]]),
        ("[a]\nK : V w \n", ["a": ["k": "V w"]]),
        ("[a]\nk=v # not a comment ; nor this", ["a": ["k": "v # not a comment ; nor this"]]),
        ("[a]\nk=\n[b]", ["a": ["k": ""], "b": [:]]),
        ("[a]\nk=x=y:z", ["a": ["k": "x=y:z"]]),
        ("[a]\n  k=v\n  l=w", ["a": ["k": "v", "l": "w"]]),
        ("[profile x y]\nk=v", ["profile x y": ["k": "v"]]),
        ("[a]\ns3 =\n  max = 1\n  min = 0\nk=v", ["a": ["s3": "\nmax = 1\nmin = 0", "k": "v"]]),
        ("[a]\nk=v\n\tmore\n", ["a": ["k": "v\nmore"]]),
        ("[a]\nk=%(x)s$HOME", ["a": ["k": "%(x)s$HOME"]]),
        ("[a]\nk=é€", ["a": ["k": "é€"]]),
    ]

    @Test(arguments: good)
    func `sections and keys are found`(text: String, expected: [String: [String: String]]) throws {
        #expect(try INI(parsing: text).sections == expected)
    }

    static let bad: [(String, Int, String)] = [
        ("k=v", 1, "a [section] must come before the first key"),
        ("[a]\nk", 2, "neither a [section] nor key = value"),
        ("[a]\n\n# x\n=v", 4, "a value without a key"),
        ("[a]\nk=1\nK=2", 3, "the key k is given twice in [a]"),
        ("[a]\n[b]\n[a]", 3, "the section [a] is given twice"),
        ("[a\nk=v", 1, "a section needs a name between [ and ]"),
        ("[]", 1, "a section needs a name between [ and ]"),
    ]

    @Test(arguments: bad)
    func `the line that breaks a rule is named`(text: String, line: Int, reason: String) {
        #expect(throws: INIError(line: line, reason: reason)) { try INI(parsing: text) }
    }

    @Test func `profiles have a prefix in one of the files`() throws {
        let file = try INI(
            parsing: """
                [default]
                a=1
                [profile x]
                a=2
                [profile "y z"]
                a=3
                [w]
                a=4
                [sso-session x]
                a=5
                [profile]
                a=6
                """
        )
        let profiles = AWSProfiles.profiles(in: file)
        #expect(profiles == ["default": ["a": "1"], "x": ["a": "2"], "y z": ["a": "3"]])
    }

    @Test func `the credentials file's values come first, key by key`() {
        let profiles = AWSProfiles(
            config: ["x": ["region": "r", "aws_access_key_id": "c"]],
            credentials: ["x": ["aws_access_key_id": "k"]]
        )
        #expect(profiles["x"] == ["region": "r", "aws_access_key_id": "k"])
        #expect(profiles["y"] == nil)
    }

    static let commands: [(String, [String]?)] = [
        ("", []), ("a b", ["a", "b"]), ("  a\tb ", ["a", "b"]), (#""a b" c"#, ["a b", "c"]),
        ("'a $b' c", ["a $b", "c"]), (#"a\ b"#, ["a b"]), (#"a"b"'c'"#, ["abc"]),
        (#""a\"b\\c\d""#, [#"a"b\c\d"#]), (#"'a\b'"#, [#"a\b"#]), (#"a "" b"#, ["a", "", "b"]),
        (#"a "b"#, nil), ("a 'b", nil), (#"a\"#, nil),
        ("a; rm $(b) | c", ["a;", "rm", "$(b)", "|", "c"]),
    ]

    @Test(arguments: commands)
    func `a command line is split as by a shell`(text: String, expected: [String]?) {
        #expect(shellWords(text) == expected)
    }
}
