import RegularExpressions
import Testing

@Suite struct `A regular expression` {
    struct Match: Sendable {
        let pattern: String
        let yes: [String]
        let no: [String]

        init(_ pattern: String, yes: [String] = [], no: [String] = []) {
            (self.pattern, self.yes, self.no) = (pattern, yes, no)
        }
    }

    static let matches: [Match] = [
        Match("", yes: ["", "a"]), Match("abc", yes: ["xabcx"], no: ["ab", ""]),
        Match("a|b|", yes: ["", "c"]),
        Match("^a$", yes: ["a"], no: ["ab", "ba", "a\n"]),
        Match(#"\Aa\z"#, yes: ["a"], no: ["ba", "a\n"]),
        Match("(?m)^a$", yes: ["b\na\nc"], no: ["ba"]),
        Match("^.$", yes: ["x", "é", "😀"], no: ["", "\n", "xy"]), Match("(?s)^.$", yes: ["\n"]),
        Match("^[a-c]+$", yes: ["abc"], no: ["abd"]),
        Match("^[^a-c]$", yes: ["d", "\n"], no: ["a"]),
        Match("^[]a]$", yes: ["]", "a"], no: ["b"]), Match("^[^]a]$", yes: ["b"], no: ["]"]),
        Match("^[a-]$", yes: ["a", "-"], no: ["b"]), Match(#"^[\]\\-]$"#, yes: ["]", "\\", "-"]),
        Match(#"^[\d_]+$"#, yes: ["1_2"], no: ["a"]),
        Match(#"^\d\D\w\W\s\S$"#, yes: ["1a_- x"], no: ["1a_-xx"]), Match(#"^\w$"#, no: ["é"]),
        Match(#"^\s$"#, yes: ["\t", "\u{C}"], no: ["\u{B}", "\u{A0}"]),
        Match("^[[:alpha:]]+[[:digit:]]$", yes: ["ab1"], no: ["1b1"]),
        Match("^[[:^alpha:]]$", yes: ["1"], no: ["a"]), Match("^[[:space:]]$", yes: ["\u{B}"]),
        Match("^[[:word:][:punct:]]+$", yes: ["a_!~"], no: [" "]),
        Match("^(?:ab)+$", yes: ["abab"], no: ["aba"]), Match("^(a)(?P<n>b)(?<m>c)$", yes: ["abc"]),
        Match("(?i)^straSSe$", yes: ["STRASSE", "strasse"]), Match("(?i)É", yes: ["é"]),
        Match("^(?i:a)b$", yes: ["Ab"], no: ["AB"]),
        Match("^(?i)a(?-i)b$", yes: ["Ab"], no: ["aB"]),
        Match("^(?:(?i)a)b$", yes: ["Ab"], no: ["AB"]), Match("(?i)^[a-c]$", yes: ["B"]),
        Match("(?i)^[^a]$", no: ["A"]),
        Match("^a*$", yes: ["", "aaa"], no: ["b"]),
        Match("^a+?b??$", yes: ["a", "aab"], no: ["b"]),
        Match("^a{2}$", yes: ["aa"], no: ["a", "aaa"]),
        Match("^a{2,}$", yes: ["aa", "aaaa"], no: ["a"]),
        Match("^a{1,2}$", yes: ["a", "aa"], no: ["", "aaa"]), Match("^a{0}$", yes: [""], no: ["a"]),
        Match("^a{,2}$", yes: ["a{,2}"], no: ["aa"]),
        Match("^a{x}$", yes: ["a{x}"]), Match("^{$", yes: ["{"]),
        Match(#"\bweb\b"#, yes: ["a web b", "web"], no: ["webs"]),
        Match(#"\Bb"#, yes: ["ab"], no: ["b"]),
        Match(#"^\.\*\+\?\(\)\[\]\{\}\|\^\$\\\/\-$"#, yes: [".*+?()[]{}|^$\\/-"]),
        Match(#"^\x41\x{1F600}\101\n\t$"#, yes: ["A😀A\n\t"]),
        Match(#"^\Qa.b\E+$"#, yes: ["a.bb"], no: ["axb"]),
        Match(#"^\p{Lu}\pL\PL\p{^L}$"#, yes: ["Éa1!"], no: ["éa1!"]),
        Match("^(a*)*$", yes: ["aaa", ""], no: ["b"]), Match("^(|a)+$", yes: ["aa"]),
        Match("^a(?i)*$", yes: ["", "aa"], no: ["A"]),
        Match("^*a", yes: ["a"]),
        Match("^repo:acme/(web|api):.*$", yes: ["repo:acme/api:x"], no: ["repo:acme/apis:x"]),
        Match("a.*b.*c", yes: ["xaxbxcx"], no: ["acb"]),
        Match("^(a|ab)(c|bcd)$", yes: ["abcd", "ac"], no: ["abd"]),
    ]

    @Test(arguments: matches)
    func `finds what RE2 finds`(match: Match) throws {
        let expression = try RegularExpression(match.pattern)
        for text in match.yes {
            #expect(expression.occurs(in: text) { _ in }, "\(match.pattern) in \(text)")
        }
        for text in match.no {
            #expect(!expression.occurs(in: text) { _ in }, "\(match.pattern) not in \(text)")
        }
    }

    static let refused: [Row] = [
        Row("(", "has a '(' without its ')'"), Row(")", "has a ')' without its '('"),
        Row("[a", "has a '[' without its ']'"), Row("[]", "has a '[' without its ']'"),
        Row("*a", "has nothing to repeat before '*'"),
        Row("a|+", "has nothing to repeat before '+'"),
        Row("(?i)*", "has nothing to repeat before '*'"),
        Row("a|{2}", "has nothing to repeat before '{'"), Row("a**", "repeats a repetition"),
        Row("a{2}{3}", "repeats a repetition"),
        Row("a*??", "repeats a repetition"),
        Row("a{1001}", "repeats more than 1000 times"),
        Row("(a{100}){11}", "repeats more than 1000 times"),
        Row("a{2,1}", "has a repeat count whose end is before its start"),
        Row("[b-a]", "has a range whose end is before its start"),
        Row(#"(a)\1"#, "refers back to a group, which RE2 does not do"),
        Row("a(?=b)", "looks ahead or behind, which RE2 does not do"),
        Row("a(?!b)", "looks ahead or behind, which RE2 does not do"),
        Row("(?<=a)b", "looks ahead or behind, which RE2 does not do"),
        Row("(?>a)", "has an unknown group, (?>"),
        Row("(?)", "has an unknown group, (?)"), Row("(?i-)", "has an unknown group, (?)"),
        Row(#"\Z"#, "uses \\Z"), Row(#"\y"#, "has an unknown escape, \\y"),
        Row(#"\"#, "ends with a backslash"),
        Row(#"\xg1"#, "has a \\x escape that names no character"),
        Row("[[:foo:]]", "has an unknown class [:…:]"),
        Row(#"\p{Greek}"#, "uses a Unicode class that is not known here"),
        Row(
            "(.{500}){2}(.{500}){2}(.{500}){2}(.{500}){2}",
            "is too large once its repeats are written out"
        ), Row("(?P<1-a>b)", "has a group name that is not one"),
        Row(String(repeating: "(", count: 100), "nests too deeply"),
        Row(String(repeating: "a", count: 2049), "is longer than 2048 bytes"),
    ]

    @Test(arguments: refused)
    func `is refused for what RE2 refuses`(row: Row) {
        let error = #expect(throws: RegexError.self) { try RegularExpression(row.source) }
        #expect(error?.reason == row.expected)
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: ["^(a+)+$", "^(a|a)*$", "(.*)*b", "^(a?){500}a{500}$", "(x+x+)+y"]
    )
    func `takes no exponential time`(pattern: String) throws {
        let expression = try RegularExpression(pattern)
        let text = String(repeating: "a", count: 500) + String(repeating: "x", count: 500)
        var work = 0
        _ = expression.occurs(in: text) { work += $0 }
        // 1,001 characters, each at most once through the 4,000 instructions, 16 of them a step.
        #expect(work <= 1001 * (1 + 4_000 / 16))
    }

    @Test func `ends when its work is refused`() throws {
        struct Spent: Error, Equatable {}
        let expression = try RegularExpression("(a|b){500}z")
        let text = String(repeating: "a", count: 100_000)
        var work = 0
        #expect(throws: Spent()) {
            try expression.occurs(in: text) { step throws(Spent) in
                work += step
                if work > 1_000 { throw Spent() }
            }
        }
        #expect(work < 1_300)
    }
}
