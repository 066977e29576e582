/// Replaces comments and the insides of string literals and raw identifiers by spaces, line breaks
/// kept, so that what is left can be searched for words. Interpolated code counts as literal.
struct CodeMask {
    private let text: [UInt8]
    private var result: [UInt8] = []
    private var position = 0

    static func applied(to text: String) -> String {
        var mask = CodeMask(text: Array(text.utf8))
        mask.run()
        return String(decoding: mask.result, as: UTF8.self)
    }

    private init(text: [UInt8]) {
        self.text = text
        result.reserveCapacity(text.count)
    }

    private mutating func run() {
        while position < text.count {
            if starts("//") {
                blank { !$0.starts("\n") }
            } else if starts("/*") {
                blankBlockComment()
            } else if let hashes = openingQuote() {
                blankString(hashes: hashes)
            } else if starts("`") {
                keep(1)
                blank { !$0.starts("`") }
                keep(1)
            } else {
                keep(1)
            }
        }
    }

    /// How many `#` stand before the quote that starts here; `nil` if no string starts here.
    private func openingQuote() -> Int? {
        let hashes = text[position...].prefix { $0 == UInt8(ascii: "#") }.count
        let quote = position + hashes
        return quote < text.count && text[quote] == UInt8(ascii: "\"") ? hashes : nil
    }

    private mutating func blankString(hashes: Int) {
        keep(hashes)
        let quote = starts("\"\"\"") ? "\"\"\"" : "\""
        let fence = String(repeating: "#", count: hashes)
        keep(quote.utf8.count)
        while position < text.count && !starts(quote + fence) {
            if starts("\\" + fence + "(") {
                blank(1 + hashes)
                blankInterpolation()
            } else if starts("\\" + fence) {
                blank(2 + hashes)
            } else if quote.utf8.count == 1 && starts("\n") {
                return
            } else {
                blank(1)
            }
        }
        keep(quote.utf8.count + hashes)
    }

    /// From its opening parenthesis to the closing one.
    private mutating func blankInterpolation() {
        var depth = 0
        repeat {
            if let hashes = openingQuote() {
                let start = result.count
                blankString(hashes: hashes)
                for index in start..<result.count where result[index] != UInt8(ascii: "\n") {
                    result[index] = UInt8(ascii: " ")
                }
                continue
            }
            if starts("(") { depth += 1 }
            if starts(")") { depth -= 1 }
            blank(1)
        } while depth > 0 && position < text.count
    }

    private mutating func blankBlockComment() {
        var depth = 0
        repeat {
            if starts("/*") {
                depth += 1
                blank(2)
            } else if starts("*/") {
                depth -= 1
                blank(2)
            } else {
                blank(1)
            }
        } while depth > 0 && position < text.count
    }

    private func starts(_ word: String) -> Bool { text[position...].starts(with: word.utf8) }

    private mutating func keep(_ count: Int) {
        let end = min(position + count, text.count)
        result += text[position..<end]
        position = end
    }

    private mutating func blank(_ count: Int) {
        let end = min(position + count, text.count)
        let newline = UInt8(ascii: "\n")
        result += text[position..<end].map { $0 == newline ? $0 : UInt8(ascii: " ") }
        position = end
    }

    private mutating func blank(while condition: (CodeMask) -> Bool) {
        while position < text.count && condition(self) { blank(1) }
    }
}
