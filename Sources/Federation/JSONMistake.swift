package import Text

/// What somebody most likely did who wrote a document that is not JSON: a guess from its bytes, for the
/// message of a file that people write by hand.
package struct JSONMistake: Sendable {
    /// What the document looks like instead; begins with "; ", or is empty where that is not known.
    package let likeness: String
    /// What to change; `nil` where that is not known.
    package let hint: String?

    private init(_ likeness: String, _ hint: String?) {
        self.likeness = likeness.isEmpty ? "" : "; \(likeness)"
        self.hint = hint
    }

    /// - Parameters:
    ///   - bytes: of the document.
    ///   - error: of the parser.
    package init(in bytes: [UInt8], _ error: JSONError) {
        let text = String(decoding: bytes, as: UTF8.self).trimmed
        let found =
            Self.binary(bytes) ?? Self.otherDocument(text) ?? Self.unseenMark(bytes, error)
            ?? Self.foreignMarks(text) ?? Self.detail(text, error) ?? Self.byPlace(bytes, error)
        self.init(
            found?.likeness ?? "",
            found?.hint ?? error.fault.flatMap(Self.hint)
        )
    }

    /// Without a hint the rule that is broken has it.
    private typealias Guess = (likeness: String, hint: String?)

    /// Files that are no text in UTF-8.
    private static func binary(_ bytes: [UInt8]) -> Guess? {
        let kinds: [(start: [UInt8], likeness: String, hint: String)] = [
            ([0x1F, 0x8B], "it is compressed with gzip", "unpack it: gunzip"),
            ([0x50, 0x4B, 0x03], "it is a zip archive", "unpack it: unzip"),
            ([0x25, 0x50, 0x44, 0x46], "it is a PDF", "save the JSON file itself"),
            ([0x7F, 0x45, 0x4C, 0x46], "it is a program", "name the account file, which is JSON"),
        ]
        if let kind = kinds.first(where: { bytes.starts(with: $0.start) }) {
            return (kind.likeness, kind.hint)
        }
        let mark = bytes.prefix(2)
        if mark == [0xFF, 0xFE] || mark == [0xFE, 0xFF] || isWide(bytes) {
            return ("it is UTF-16", "save it as UTF-8: iconv -f UTF-16 -t UTF-8")
        }
        guard bytes.contains(0) else { return nil }
        return (
            "it holds zero bytes, as a file does that was not written whole",
            "save the file again"
        )
    }

    private static func isWide(_ bytes: [UInt8]) -> Bool {
        guard bytes.count > 3 else { return false }
        return (bytes[0] == 0) != (bytes[1] == 0) && (bytes[2] == 0) != (bytes[3] == 0)
    }

    /// Documents of another kind.
    private static func otherDocument(_ text: String) -> Guess? {
        if text.isEmpty {
            return (
                "the file is empty",
                "save the file that the console generates; for Mondoo wif-agent provider get MRN"
                    + " --out FILE writes it"
            )
        }
        if text.hasPrefix("```") || text.hasSuffix("```") {
            return (
                "the ``` of a text in Markdown stand around it",
                "remove the lines with ```, and leave what stands between them"
            )
        }
        let start = text.prefix(200).lowercased()
        if let page = markup(start) { return page }
        if let kind = encrypted.first(where: { start.hasPrefix($0.start) }) {
            return ("it is encrypted, with \(kind.program)", "decrypt it first: \(kind.command)")
        }
        if start.hasPrefix("-----begin") {
            return (
                "it is a certificate or a key",
                "name the external_account file; no key is needed here"
            )
        }
        if start.hasPrefix("eyj"), text.count(where: { $0 == "." }) >= 2 {
            return (
                "it is a token, and not an account file",
                "name it in an account file: credentialSource {\"file\": PATH}"
            )
        }
        if text.hasPrefix("eyJ") || text.hasPrefix("ewo") {
            return ("it is base64", "decode it: base64 -d")
        }
        if let line = Self.lineOf(
            text,
            where: { $0.hasPrefix("<<<<<<<") || $0.hasPrefix(">>>>>>>") }
        ) {
            return (
                "a merge in git left its marks, in line \(line)",
                "choose one of the two versions, and remove the lines with <<<<<<<, ======= and >>>>>>>"
            )
        }
        return nil
    }

    /// Of a web page, or of XML; the beginning is in lower case.
    private static func markup(_ start: String) -> Guess? {
        if start.hasPrefix("<!doctype html") || start.hasPrefix("<html") {
            return (
                "it is a web page, as of a login or an error",
                "save the account file itself: download it where you are logged in"
            )
        }
        if start.hasPrefix("<") {
            return ("it is XML or HTML", "save the account file itself, which is JSON")
        }
        return nil
    }

    /// How the files of programs begin that encrypt, in lower case.
    private static let encrypted: [(start: String, program: String, command: String)] = [
        ("$ansible_vault", "ansible-vault", "ansible-vault decrypt --output PLAIN FILE"),
        ("-----begin pgp message", "PGP", "gpg --decrypt --output PLAIN FILE"),
        ("-----begin age encrypted", "age", "age --decrypt -o PLAIN FILE"),
        ("age-encryption.org", "age", "age --decrypt -o PLAIN FILE"),
        ("salted__", "openssl enc", "openssl enc -d, with the cipher that it was made with"),
    ]

    /// A character where the parser stopped that is not seen, or looks like one of JSON's.
    private static func unseenMark(_ bytes: [UInt8], _ error: JSONError) -> Guess? {
        guard let offset = error.offset, offset < bytes.count,
            let mark = String(decoding: bytes[offset...].prefix(4), as: UTF8.self)
                .unicodeScalars.first, mark.value >= 0x80,
            let name = ValueFlaw.name(of: mark), let plain = ValueFlaw.plain(mark)
        else { return nil }
        let code = ValueFlaw.hexCode(mark)
        let how =
            plain == "" ? "delete it" : "write \(plain == " " ? "a plain space" : plain) for it"
        let escaped = String(mark).utf8.map { "\\x" + String($0, radix: 16) }.joined()
        return (
            "U+\(code) stands there, \(name)",
            "\(how) there and wherever else it stands; sed -i 's/\(escaped)/\(plain)/g' FILE does,"
                + " and copies from a web page or a chat bring it along"
        )
    }

    /// Marks of other languages.
    private static func foreignMarks(_ text: String) -> Guess? {
        let isComment = { (line: String) in
            line.hasPrefix("//") || line.hasPrefix("/*") || line.hasPrefix("#")
        }
        if text.hasPrefix("{") || isComment(text), let line = lineOf(text, where: isComment) {
            return (
                "a comment stands in it, in line \(line)",
                "JSON has no comments: remove line \(line)"
            )
        }
        if text.contains("&quot;") {
            return (
                "it holds &quot; for quotes, as the source of a web page does",
                "save the file as the page shows it: with \" quotes in place of &quot;"
            )
        }
        if text.hasPrefix("{\\\"") || text.hasPrefix("\"{\\\"") {
            return (
                "its quotes have a \\ before them, as inside of another text",
                "write \" for \\\""
            )
        }
        if text.hasPrefix("{'") || lineOf(text, where: { $0.hasPrefix("'") }) != nil {
            return ("names are in '", "JSON wants double quotes: write \" for '")
        }
        if let mark = text.first(where: { "\u{201C}\u{201D}\u{201E}\u{2018}\u{2019}".contains($0) })
        {
            return ("the typographic quote \(mark) stands in it", "write straight quotes: \"")
        }
        if isYAML(text) { return ("it is YAML", "write it as JSON; YAML is not read") }
        return assignments(text) ?? wordsBefore(text)
    }

    /// An object below lines of something else, such as what a program printed before it.
    private static func wordsBefore(_ text: String) -> Guess? {
        guard let first = text.first, !"{[\"".contains(first),
            let line = lineOf(text, where: { $0.hasPrefix("{") }), line > 1
        else { return nil }
        return (
            "other text stands before the object, which begins in line \(line)",
            "remove all that stands before the { in line \(line)"
        )
    }

    /// Files of variables, and those with sections.
    private static func assignments(_ text: String) -> Guess? {
        let first = text.prefix { !$0.isNewline }
        if first.hasPrefix("["), first.hasSuffix("]"), !first.contains("\""), !first.contains("{") {
            return (
                "it is an INI or TOML file",
                "write it as JSON: {\"type\": \"external_account\", ...}"
            )
        }
        guard let mark = first.firstIndex(of: "="), !first.hasPrefix("{"),
            first[..<mark].allSatisfy({ $0.isLetter || $0.isNumber || "_ ".contains($0) })
        else { return nil }
        return (
            "it is a file of variables (NAME=value)",
            "write it as JSON: {\"type\": \"external_account\", ...}"
        )
    }

    /// What the parser's reason and the whole text tell together.
    private static func detail(_ text: String, _ error: JSONError) -> Guess? {
        if let line = lineOfLastComma(text) {
            return ("", "remove the comma at the end of line \(line): nothing follows it")
        }
        guard error.fault == .furtherText, text.hasSuffix("}") else { return nil }
        return ("there is more than one document", nil)
    }

    /// What stands where the parser stopped.
    private static func byPlace(_ bytes: [UInt8], _ error: JSONError) -> Guess? {
        if let broken = BrokenString(in: bytes, error) { return (broken.likeness, broken.hint) }
        guard let offset = error.offset, offset <= bytes.count else { return nil }
        let rest = String(decoding: bytes[offset...].prefix(64), as: UTF8.self)
        let word = String(rest.prefix { $0.isLetter || $0.isNumber || "_-.".contains($0) })
        if error.fault == .noName, !word.isEmpty {
            return ("a name without quotes stands there", nil)
        }
        guard error.fault == .noValue else { return nil }
        let words = [
            "True": "true", "False": "false", "None": "null", "TRUE": "true", "FALSE": "false",
            "yes": "true", "no": "false", "undefined": "null", "NULL": "null",
        ]
        if let right = words[word] {
            return ("\(word) stands there", "write \(right), in lower case and without quotes")
        }
        if rest.hasPrefix("'") { return ("' stands there", "write \" for '") }
        if rest.hasPrefix("}") || rest.hasPrefix(",") {
            return ("a value is missing", "write the value behind the colon")
        }
        // It may be secret.
        let isText = !word.isEmpty || rest.hasPrefix("/") || rest.hasPrefix("$")
        return isText
            ? ("a text without quotes stands there", "put the text in double quotes") : nil
    }

    /// The number of the first line, without the blanks around it, that is so.
    private static func lineOf(_ text: String, where isFound: (String) -> Bool) -> Int? {
        text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .firstIndex { isFound(String($0).trimmed) }.map { $0 + 1 }
    }

    /// What to change, by the rule that is broken; `nil` where the error says it already.
    private static func hint(_ fault: JSONFault) -> String? {
        switch fault {
        case .furtherText: "leave one object in one file, and nothing behind its closing }"
        case .repeatedName(let name):
            "keep one of the two \"\(name.printable)\" and remove the other"
        case .noSeparator: "put a comma, or the closing bracket, before the text at that place"
        case .controlCharacter: "write the value on one line, a line break in it as \\n"
        case .endOfString:
            "close the string with a quote; or save the whole file again"
        case .endOfText: "save the whole file again, to its last }"
        case .noName: "write every name in double quotes"
        case .noValue:
            "write a value there: text in double quotes, a number, true or false"
        case .noColon: "write a colon between the name and its value: \"NAME\": \"VALUE\""
        case .unknownEscape:
            "write each backslash twice, \\\\, and paths with / as Linux has them"
        case .tooDeep, .noDigit, .leadingZero, .tooLarge, .notUTF8, .halfSurrogatePair,
            .noHexadecimalDigits:
            nil
        }
    }

    /// Whether the first line that says something is a YAML marker or `key: value`.
    static func isYAML(_ text: String) -> Bool {
        let lines = text.split(whereSeparator: \.isNewline).map { String($0).trimmed }
        guard let first = lines.first(where: { !$0.isEmpty && !$0.hasPrefix("#") }) else {
            return false
        }
        // Four and more begin a key or a message.
        if first.hasPrefix("---") { return !first.hasPrefix("----") }
        guard let colon = first.firstIndex(of: ":") else { return false }
        return first[..<colon].allSatisfy { $0.isLetter || $0.isNumber || "_-".contains($0) }
    }

    /// What is said of YAML that is a manifest; empty for any other.
    static func manifest(_ text: String) -> String {
        let isManifest =
            lineOf(text, where: { $0.hasPrefix("apiVersion:") }) != nil
            && lineOf(text, where: { $0.hasPrefix("kind:") }) != nil
        return isManifest ? "; it is a manifest for a cluster" : ""
    }

    /// What to do about YAML.
    static func yamlHint(_ text: String) -> String {
        let isBlock = { (line: String) in
            [": |", ": |-", ": >", ": >-", ": |+"].contains { line.hasSuffix($0) }
        }
        guard let line = lineOf(text, where: isBlock) else {
            return "use the JSON file that the service's console generates"
        }
        return
            "save only what stands below line \(line), from { to }, without the spaces before each line;"
            + " in a pod mount the ConfigMap or Secret as a volume, where each key is a file of its own"
    }

    /// The line of a comma before a closing bracket.
    private static func lineOfLastComma(_ text: String) -> Int? {
        var rest = text[...]
        while let comma = rest.firstIndex(of: ",") {
            rest = rest[rest.index(after: comma)...]
            guard let next = rest.first(where: { !$0.isWhitespace }), next == "}" || next == "]"
            else { continue }
            return text[..<comma].count(where: \.isNewline) + 1
        }
        return nil
    }
}
