import Federation
import Testing
import Text

@Suite struct `JSON texts` {
    static let valid: [(text: String, value: JSON)] = [
        ("null", .null),
        (" true ", true),
        ("\u{FEFF}1", 1),
        ("-0", 0),
        ("9223372036854775807", .integer(.max)),
        ("9223372036854775808", .number(9_223_372_036_854_775_808)),
        ("-1.5e+3", .number(-1500)),
        ("1E2", .number(100)),
        ("1e-400", .number(0)),
        (#""""#, ""),
        (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
        (#""\u00e9\u20AC""#, "é€"),
        (#""\ud83d\ude00""#, "😀"),
        (#""\u0000""#, "\u{0}"),
        (#""😀""#, "😀"),
        ("[ ]", []),
        ("[1,\t[2]\r\n]", [1, [2]]),
        ("{}", [:]),
        (#"{"a":{"b":[null,false]}}"#, ["a": ["b": [.null, false]]]),
        (#"{"":1,"A":2,"a":3}"#, ["": 1, "A": 2, "a": 3]),
    ]

    @Test(arguments: valid)
    func `a valid text gives its value`(text: String, value: JSON) throws {
        #expect(try JSON(parsing: text.utf8) == value)
    }

    static let invalid: [(text: String, reason: String)] = [
        ("", "the text ends where a value is expected (line 1, column 1)"),
        ("\n\n  ", "the text ends where a value is expected (line 3, column 3)"),
        ("{\n  \"a\": 1,\n}", "a name in quotes is expected (line 3, column 1)"),
        ("{\"a\" 1}", "':' is expected after a name (line 1, column 6)"),
        ("{\"a\":1 \"b\":2}", "',' or '}' is expected (line 1, column 8)"),
        ("[1 2]", "',' or ']' is expected (line 1, column 4)"),
        ("[1,]", "a value is expected (line 1, column 4)"),
        ("{\"a\":1,\n\"a\":2}", "the name \"a\" is given twice (line 2, column 6)"),
        ("{\"a\":1,\"\\u0061\":2}", "the name \"a\" is given twice (line 1, column 18)"),
        ("1 2", "something follows the end of the document (line 1, column 3)"),
        ("01", "a number starts with 0 (line 1, column 3)"),
        ("1.", "a digit is expected (line 1, column 3)"),
        (".5", "a value is expected (line 1, column 1)"),
        ("+1", "a value is expected (line 1, column 1)"),
        ("1e", "a digit is expected (line 1, column 3)"),
        ("-", "a digit is expected (line 1, column 2)"),
        ("1e400", "a number is too large (line 1, column 6)"),
        ("NaN", "a value is expected (line 1, column 1)"),
        ("nul", "a value is expected (line 1, column 1)"),
        ("'a'", "a value is expected (line 1, column 1)"),
        ("\"a", "a string has no end (line 1, column 3)"),
        ("\"a\\", "a string has no end (line 1, column 4)"),
        ("\"a\nb\"", "a control character in a string (line 2, column 1)"),
        ("\"\\x\"", "an unknown escape in a string (line 1, column 4)"),
        ("\"\\u12g4\"", "four hexadecimal digits are expected after \\u (line 1, column 4)"),
        ("\"\\u+123\"", "four hexadecimal digits are expected after \\u (line 1, column 4)"),
        ("\"\\ud83d\"", "half a surrogate pair in a string (line 1, column 8)"),
        ("\"\\ud83d\\u0041\"", "half a surrogate pair in a string (line 1, column 14)"),
        ("\"\\ude00\"", "half a surrogate pair in a string (line 1, column 8)"),
    ]

    @Test(arguments: invalid)
    func `an invalid text gives reason and place`(text: String, reason: String) {
        let error = #expect(throws: JSONError.self) { try JSON(parsing: text.utf8) }
        #expect(error?.reason == reason)
    }

    static let notUTF8: [[UInt8]] = [
        [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xC3], [0xF4, 0x90, 0x80, 0x80],
    ]

    @Test(arguments: notUTF8)
    func `a string that is not UTF-8 is refused`(bytes: [UInt8]) {
        let text = Array("\"".utf8) + bytes + Array("\"".utf8)
        #expect { try JSON(parsing: text) } throws: { "\($0)".contains("not UTF-8") }
    }

    @Test(arguments: [("[", "]"), ("{\"a\":", "}")])
    func `64 levels are read and 65 are not`(open: String, close: String) throws {
        func nested(_ depth: Int) -> String {
            String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
        }
        _ = try JSON(parsing: nested(64).utf8)
        #expect { try JSON(parsing: nested(65).utf8) } throws: {
            "\($0)".contains("more than 64 levels deep")
        }
        #expect(throws: JSONError.self) { try JSON(parsing: nested(100_000).utf8) }
    }

    @Test(arguments: valid)
    func `what is written reads as the same value`(text: String, value: JSON) throws {
        #expect(try JSON(parsing: value.serialized()) == value)
    }

    @Test func `what is written moves no cursor and hides no text`() throws {
        let value: JSON = ["a": "\u{9b}31m\u{202e}\u{2028}\u{e0001}ä😀"]
        let line = String(decoding: value.serialized(), as: UTF8.self)
        #expect(line == #"{"a":"\u009b31m\u202e\u2028\udb40\udc01ä😀"}"#)
        #expect(try JSON(parsing: value.serialized()) == value)
    }

    @Test func `what is written is one line with its keys in order`() {
        let value: JSON = ["b": "a/\n\r\u{1}\"\\\u{7f}é", "a": [1, .number(0.5), .null]]
        let line = String(decoding: value.serialized(), as: UTF8.self)
        #expect(line == #"{"a":[1,0.5,null],"b":"a/\n\u000d\u0001\"\\\u007fé"}"#)
    }

    static let numbers: [(JSON, Double?)] = [
        (3600, 3600), (.number(1.5), 1.5), ("3600", 3600), ("", nil), ("x", nil), ("inf", nil),
        ("nan", nil), (.null, nil), ([], nil), (true, nil),
    ]

    @Test(arguments: numbers)
    func `a number may come as a string`(value: JSON, number: Double?) {
        #expect(value.lenientNumber == number)
    }
}
