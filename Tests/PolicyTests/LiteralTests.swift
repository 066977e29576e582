import Policy
import Testing
import Text

@Suite struct `Literals and lexing` {
    static let good: [Row] = [
        Row("null", "null"), Row("true", "true"), Row("false", "false"),
        Row("42", "42"), Row("-42", "-42"), Row("0x1F", "31"), Row("-0x10", "-16"),
        Row("9223372036854775807", "9223372036854775807"),
        Row("-9223372036854775808", "-9223372036854775808"),
        Row("--5", "5"), Row("- 5", "-5"), Row("1-1", "0"), Row("1 - -1", "2"),
        Row("7u", "7u"), Row("0xFFu", "255u"),
        Row("18446744073709551615u", "18446744073709551615u"),
        Row("1.5", "1.5"), Row(".5", "0.5"), Row("1e3", "1000.0"), Row("2.5E-1", "0.25"),
        Row("-1.5", "-1.5"), Row("1e+2", "100.0"),
        Row(#""a\"b""#, #""a\"b""#), Row("'a\"b'", #""a\"b""#),
        Row(#"'\x41\u00e9\U0001F600'"#, "\"Aé😀\""),
        Row(#"'\101\?\`\''"#, #""A?`'""#),
        Row(#"'\a\b\f\n\r\t\v'"#, #""\u0007\u0008\u000c\n\r\t\u000b""#),
        Row(#"r'\d+'"#, #""\\d+""#), Row(#"R"a\""#, #""a\\""#),
        Row("'''a'b\n\"c'''", #""a'b\n\"c""#), Row(#""""x"y""""#, #""x\"y""#),
        Row(#"r'''\n'''"#, #""\\n""#),
        Row("''", "\"\""), Row("''''''", "\"\""),
        Row("b'ab'", #"b"\x61\x62""#), Row(#"b'\xff\377'"#, #"b"\xff\xff""#),
        Row(#"br'\x'"#, #"b"\x5c\x78""#),
        Row("b'é'", #"b"\xc3\xa9""#), Row("B\"\"", "b\"\""),
        Row("[1, 'a', [true],]", "[1, \"a\", [true]]"), Row("[]", "[]"), Row("{}", "{}"),
        Row("{'a': 1, 2u: 'b', true: null,}", "{\"a\": 1, 2u: \"b\", true: null}"),
        Row("1 // one\n + 1", "2"), Row("\t1\r\n+\u{C}1", "2"),
        Row("int", "int"), Row("type(null)", "null_type"),
        Row("1 +1", "2"), Row("[1].size()", "1"),
        Row("1.5.size()", "error: size() does not apply to double"),
    ]

    @Test(arguments: good)
    func `are read as CEL writes them`(row: Row) {
        #expect(result(of: row.source) == row.expected)
    }

    static let bad: [Row] = [
        Row("", "line 1, column 1: the condition is empty"),
        Row("  // nothing", "line 1, column 1: the condition is empty"),
        Row("'abc", "line 1, column 1: a string has no end"),
        Row("'a\nb'", "line 1, column 1: a string has no end"),
        Row("1 +\n  'abc", "line 2, column 3: a string has no end"),
        Row("'é' = 1", "line 1, column 5: '=' is not an operator"),
        Row("true & true", "line 1, column 6: '&' is not an operator"),
        Row("true | true", "line 1, column 6: '|' is not an operator"),
        Row("claims.`a-b`", "line 1, column 8: '`' starts nothing here"),
        Row("1 # 2", "line 1, column 3: an unexpected character, '#'"),
        Row("1 \u{1} 2", "line 1, column 3: an unexpected character, U+1"),
        Row("\u{FEFF}1", "line 1, column 1: an unexpected character, U+FEFF"),
        Row("é", "line 1, column 1: an unexpected character, 'é'"),
        Row(#"'\q'"#, "line 1, column 2: an unknown escape in a string"),
        Row(#"'\x4'"#, "line 1, column 2: an escape needs 2 digits"),
        Row(#"'\400'"#, "line 1, column 2: an unknown escape in a string"),
        Row(#"'\108'"#, "line 1, column 2: an escape needs 3 digits"),
        Row(#"'\ud800'"#, "line 1, column 2: an escape names no Unicode character"),
        Row(#"'\U00110000'"#, "line 1, column 2: an escape names no Unicode character"),
        Row(#"b'\u0041'"#, "line 1, column 3: an unknown escape in a string"),
        Row("9223372036854775808", "line 1, column 1: a number is out of range"),
        Row("18446744073709551616u", "line 1, column 1: a number is out of range"),
        Row("1e999", "line 1, column 1: a number is out of range"),
        Row("0x", "line 1, column 3: a digit is expected after 0x"),
        Row("1a", "line 1, column 2: a number runs into a name"),
        Row("1.", "line 1, column 3: the end stands where a field name is expected"),
        Row("(1", "line 1, column 3: the end stands where ')' is expected"),
        Row("1 2", "line 1, column 3: a number stands where an operator or the end is expected"),
        Row("[1 2]", "line 1, column 4: a number stands where ',' or ']' is expected"),
        Row("{1}", "line 1, column 3: '}' stands where ':' is expected"),
        Row("size(1,)", "line 1, column 8: ')' stands where a value is expected"),
        Row("'a'.contains('a',)", "line 1, column 18: ')' stands where a value is expected"),
        Row("-", "line 1, column 2: the end stands where a value is expected"),
        Row("[1].all(x, true, true)", "line 1, column 5: the function all() is not known"),
        Row("[1].map(x)", "line 1, column 5: the function map() is not known"),
        Row("1 ? 2", "line 1, column 6: the end stands where ':' is expected"),
        Row("a.in", "line 1, column 3: 'in' stands where a field name is expected"),
        Row("for", "line 1, column 1: 'for' is a reserved word"),
        Row("int{}", "line 1, column 4: message construction with '{' is not supported"),
        Row("claims[?'a']", "line 1, column 7: '[?' (optional index) is not supported"),
        Row("has(claims)", "line 1, column 1: has() takes one field selection"),
        Row("[1].all(1, true)", "line 1, column 5: all() takes a plain name as its first argument"),
        Row("sub == 'a'", "line 1, column 1: 'sub' is not declared"),
        Row("[1].all(x, y)", "line 1, column 12: 'y' is not declared"),
        Row("[1].all(x, true) && x", "line 1, column 21: 'x' is not declared"),
        Row("claims.sub.lowerAscii()", "line 1, column 12: the function lowerAscii() is not known"),
        Row(
            "claims.sub.startswith('a')",
            "line 1, column 12: the function startswith() is not known"
        ),
        Row("claims.sub.contains()", "line 1, column 12: contains() does not take 0 arguments"),
        Row("size()", "line 1, column 1: size() does not take 0 arguments"),
        Row(
            "claims.sub.matches('(')",
            "line 1, column 20: the regular expression has a '(' without its ')'"
        ),
    ]

    @Test(arguments: bad)
    func `are refused with place and reason`(row: Row) {
        let found = refusal(of: row.source, .conductorone)
        #expect(found.hasPrefix(row.expected), "\(found)")
    }

    @Test func `hints say what was meant`() {
        #expect(refusal(of: "sub == 'a'", .conductorone).contains("did you mean claims.sub?"))
        #expect(
            refusal(of: "claims.a.startswith('')", .conductorone).contains(
                "did you mean startsWith?"
            )
        )
        #expect(refusal(of: "claim.a == 1", .conductorone).contains("did you mean claims?"))
        #expect(refusal(of: "[1].all(item, iten > 0)", .conductorone).contains("mean item?"))
        #expect(refusal(of: "claims.a.exsts(g, g == 1)", .conductorone).contains("mean exists?"))
    }

    @Test func `1024 bytes are taken and 1025 refused, counted in UTF-8`() {
        let filler = "claims.sub == 'é" + String(repeating: "x", count: 1024 - 18) + "'"
        #expect(filler.utf8.count == 1024)
        #expect(refusal(of: filler, .conductorone).isEmpty)
        let expected = "the condition has 1025 bytes (at most 1024 bytes of UTF-8)"
        #expect(refusal(of: filler + " ", .conductorone) == expected)
    }

    @Test func `what is just within the bounds is evaluated`() {
        let deep = String(repeating: "[", count: 47) + String(repeating: "]", count: 47)
        #expect(result(of: "size(\(deep))") == "1")
        #expect(result(of: "1" + String(repeating: "+1", count: 127)) == "128")
        #expect(result(of: String(repeating: "!", count: 126) + "true") == "true")
    }

    @Test func `what is just beyond the bounds is refused`() {
        let deep = String(repeating: "[", count: 48) + String(repeating: "]", count: 48)
        #expect(refusal(of: "size(\(deep))", .conductorone).contains("the nesting is too deep"))
        // Whatever was nested before.
        let later = "size([[1], [1], [1], \(deep.dropFirst().dropLast())])"
        #expect(refusal(of: later, .conductorone).contains("the nesting is too deep"))
        let chain = "1" + String(repeating: "+1", count: 128)
        #expect(refusal(of: chain, .conductorone).contains("a chain of operators is too long"))
        // Beside the elements there are a list, a literal, two names, a field and three operators.
        let wide = "sub == 'a' && claims.a in [1" + String(repeating: ",1", count: 4096 - 9)
        #expect(refusal(of: wide + "]", .bright).isEmpty)
        #expect(refusal(of: wide + ",1]", .bright).contains("the condition has too many parts"))
    }

    @Test func `nesting, chains and size are bounded`() {
        let deep = String(repeating: "(", count: 400) + "1" + String(repeating: ")", count: 400)
        #expect(refusal(of: deep, .conductorone).contains("the nesting is too deep"))
        let lists = String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
        #expect(refusal(of: lists, .conductorone).contains("the nesting is too deep"))
        let chain = "1" + String(repeating: "+1", count: 500)
        #expect(refusal(of: chain, .conductorone).contains("a chain of operators is too long"))
        let not = String(repeating: "!", count: 900) + "true"
        #expect(refusal(of: not, .conductorone).contains("a chain of operators is too long"))
        let flat = "true" + String(repeating: "&&true", count: 150)
        #expect(result(of: flat) == "true")
        let wide = "sub in ['a'" + String(repeating: ",1", count: 4200) + "]"
        #expect(refusal(of: wide, .bright).contains("the condition has too many parts"))
    }
}
