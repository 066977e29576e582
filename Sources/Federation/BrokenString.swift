import Text

/// A string of a JSON document that a line's end breaks: what is missing is a quote, or the text was broken
/// in two, as a terminal does where one copies from it.
struct BrokenString {
    let likeness: String
    let hint: String

    /// `nil` where the parser stopped for another reason, or where it is not known what was meant.
    init?(in bytes: [UInt8], _ error: JSONError) {
        guard error.fault == .controlCharacter, let offset = error.offset, offset <= bytes.count
        else { return nil }
        // The parser stopped behind the character.
        let before = bytes[..<offset]
        if before.last == UInt8(ascii: "\t") {
            (likeness, hint) = Self.tab(before)
            return
        }
        guard before.last == UInt8(ascii: "\n") || before.last == UInt8(ascii: "\r") else {
            return nil
        }
        let lines = String(decoding: bytes, as: UTF8.self)
            .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(String.init)
        let number =
            String(decoding: before.dropLast(), as: UTF8.self)
            .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).count
        guard number <= lines.count else { return nil }
        let line = lines[number - 1].trimmed
        if let end = Self.end(of: lines, from: number) {
            (likeness, hint) = Self.broken(line, from: number, to: end, lines)
            return
        }
        guard let last = line.last, last != "\"" else { return nil }
        likeness = "the string at the end of line \(number) is not closed"
        hint =
            "put the missing quote at the end of line \(number)\(last == "," ? ", before the comma" : "")"
    }

    private static func tab(_ before: ArraySlice<UInt8>) -> (likeness: String, hint: String) {
        let line = before.count(where: { $0 == UInt8(ascii: "\n") }) + 1
        return (
            "a tab stands in a string in line \(line)",
            "delete the tab in line \(line), or write \\t for it"
        )
    }

    private static func broken(
        _ line: String,
        from first: Int,
        to last: Int,
        _ lines: [String]
    ) -> (likeness: String, hint: String) {
        let name = name(line)
        let what = name.map { "the string of \"\($0.printable)\"" } ?? "the string"
        let rest = lines[first..<last].map(\.trimmed).joined()
        let isShown = name.map { KeyGuess.valid[$0] != nil || $0 == "universeDomain" } ?? false
        let whole = isShown ? line + rest : nil
        let shown = whole.map { ": \($0.printable)" } ?? ""
        let others = last == first + 1 ? "line \(last)" : "lines \(first + 1) to \(last)"
        return (
            "\(what) goes on from line \(first) to line \(last)",
            "put what stands in \(others) behind line \(first), without the line break and the blanks between"
                + " them\(shown)"
        )
    }

    /// The number of the line in which a string goes on and ends; `nil` where the next line begins something
    /// else, so that a quote is missing.
    private static func end(of lines: [String], from number: Int) -> Int? {
        for index in number..<lines.count {
            let line = lines[index].trimmed
            guard !line.isEmpty, let quote = line.firstIndex(of: "\"") else {
                if line.contains(where: { "{}[]".contains($0) }) { return nil }
                continue
            }
            let rest = line[line.index(after: quote)...]
            guard rest.allSatisfy({ ",]} \t".contains($0) }) else { return nil }
            return index + 1
        }
        return nil
    }

    /// The name before the colon of a line.
    private static func name(_ line: String) -> String? {
        let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
        guard parts.count > 3, String(parts[2]).trimmed == ":" else { return nil }
        return String(parts[1])
    }
}
