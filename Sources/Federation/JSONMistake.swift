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
        if text.isEmpty {
            self.init(
                "the file is empty",
                "save the file that the console generates; for Mondoo wif-agent provider get MRN"
                    + " --out FILE writes it"
            )
        } else if bytes.prefix(4).contains(0) {
            self.init("it is UTF-16", "save it as UTF-8")
        } else if text.hasPrefix("eyJ") || text.hasPrefix("ewo") {
            self.init("it is base64", "decode it: base64 -d")
        } else if text.hasPrefix("//") || text.hasPrefix("/*") || text.contains("\n//") {
            self.init("it has a comment", "JSON has no comments: remove them")
        } else if text.contains("&quot;") {
            self.init(
                "it holds &quot; for quotes, as the source of a web page does",
                "save the file as the page shows it: with \" quotes in place of &quot;"
            )
        } else if text.hasPrefix("{'") {
            self.init("names are in '", "JSON wants double quotes: write \" for '")
        } else if let mark = text.first(where: { "\u{201C}\u{201D}\u{201E}\u{2018}".contains($0) })
        {
            self.init("the typographic quote \(mark) is in it", "write straight quotes: \"")
        } else if Self.isYAML(text) {
            self.init("it is YAML", "write it as JSON; YAML is not read")
        } else if let line = Self.lineOfLastComma(text) {
            self.init("", "remove the comma at the end of line \(line): nothing follows it")
        } else {
            let isSeveral = error.fault == .furtherText && text.hasSuffix("}")
            self.init(
                isSeveral ? "there is more than one document" : "",
                error.fault.flatMap(Self.hint)
            )
        }
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
        case .tooDeep, .noColon, .noDigit, .leadingZero, .tooLarge, .notUTF8, .unknownEscape,
            .halfSurrogatePair, .noHexadecimalDigits:
            nil
        }
    }

    /// Whether the first line that says something is a YAML marker or `key: value`.
    static func isYAML(_ text: String) -> Bool {
        let lines = text.split(whereSeparator: \.isNewline).map { String($0).trimmed }
        guard let first = lines.first(where: { !$0.isEmpty && !$0.hasPrefix("#") }) else {
            return false
        }
        if first.hasPrefix("---") { return true }
        guard let colon = first.firstIndex(of: ":") else { return false }
        return first[..<colon].allSatisfy { $0.isLetter || $0.isNumber || "_-".contains($0) }
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
