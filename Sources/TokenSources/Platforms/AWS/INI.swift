import Federation
import Text

/// A file as AWS's tools keep their settings in: sections of `key = value` lines.
///
/// A `key: value` is the same, `#` and `;` begin a comment line, an indented line goes on with the
/// value above. Keys are in lower case. There are no comments behind values and no interpolation.
struct INI: Equatable, Sendable {
    private(set) var sections: [String: [String: String]] = [:]
    private var section: String?
    private var key: (name: String, indentation: Int)?

    /// One without sections.
    static let empty = INI()

    private init() {}

    /// - Throws: ``INIError`` for the first line that breaks a rule; a section or key that is there
    ///   twice does.
    init(parsing text: String) throws(INIError) {
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        for (index, line) in lines.enumerated() {
            do throws(Rule) {
                try take(line)
            } catch {
                throw INIError(line: index + 1, reason: error.text)
            }
        }
    }

    static func == (left: INI, right: INI) -> Bool { left.sections == right.sections }

    private struct Rule: Error {
        let text: String
    }

    private mutating func take(_ line: Substring) throws(Rule) {
        let text = String(line).trimmed
        guard let first = text.first, first != "#", first != ";" else { return }
        let indentation = line.prefix { $0 == " " || $0 == "\t" }.count
        if let section, let key, indentation > key.indentation {
            sections[section]?[key.name, default: ""] += "\n" + text
        } else if first == "[" {
            try begin(text)
        } else {
            try set(text, indentation)
        }
    }

    private mutating func begin(_ text: String) throws(Rule) {
        guard let end = text.lastIndex(of: "]"), end > text.index(after: text.startIndex) else {
            throw Rule(text: "a section needs a name between [ and ]")
        }
        let name = String(text[text.index(after: text.startIndex)..<end])
        guard sections.updateValue([:], forKey: name) == nil else {
            throw Rule(text: "the section [\(name.printable)] is given twice")
        }
        section = name
        key = nil
    }

    private mutating func set(_ text: String, _ indentation: Int) throws(Rule) {
        guard let section else { throw Rule(text: "a [section] must come before the first key") }
        guard let mark = text.firstIndex(where: { $0 == "=" || $0 == ":" }) else {
            throw Rule(text: "neither a [section] nor key = value")
        }
        let name = String(text[..<mark]).trimmed.lowercased()
        guard !name.isEmpty else { throw Rule(text: "a value without a key") }
        let value = String(text[text.index(after: mark)...]).trimmed
        guard sections[section]?.updateValue(value, forKey: name) == nil else {
            throw Rule(text: "the key \(name.printable) is given twice in [\(section.printable)]")
        }
        key = (name, indentation)
    }
}

/// Why a text is no such file, and on which line. Quotes nothing but names.
struct INIError: Error, Equatable {
    let line: Int
    let reason: String
}
