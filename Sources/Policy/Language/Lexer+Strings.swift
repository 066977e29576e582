extension Lexer {
    /// What stands before the quotes of a literal.
    struct LiteralPrefix {
        var isBytes = false
        var isRaw = false
        var length = 0
    }

    /// `nil` unless a string or byte literal starts here: `[bB]? [rR]?` and a quote.
    func literalPrefix() -> LiteralPrefix? {
        var prefix = LiteralPrefix()
        if peek() == UInt8(ascii: "b") || peek() == UInt8(ascii: "B") {
            prefix.isBytes = true
            prefix.length += 1
        }
        let next = peek(prefix.length)
        if next == UInt8(ascii: "r") || next == UInt8(ascii: "R") {
            prefix.isRaw = true
            prefix.length += 1
        }
        let quote = peek(prefix.length)
        return quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") ? prefix : nil
    }

    mutating func literal(_ prefix: LiteralPrefix) throws(SyntaxFault) -> Token.Kind {
        let start = position
        position += prefix.length
        let quote = text[position]
        let isTriple = peek(1) == quote && peek(2) == quote
        let fence = [UInt8](repeating: quote, count: isTriple ? 3 : 1)
        position += fence.count
        var content: [UInt8] = []
        while let byte = peek() {
            if text[position...].starts(with: fence) {
                position += fence.count
                return try kind(of: content, prefix, at: start)
            }
            if !isTriple && (byte == 0x0A || byte == 0x0D) { break }
            if byte == UInt8(ascii: "\\") && !prefix.isRaw {
                try escape(isBytes: prefix.isBytes, into: &content)
            } else {
                content.append(byte)
                position += 1
            }
        }
        throw SyntaxFault("a string has no end", at: start)
    }

    private func kind(
        of content: [UInt8],
        _ prefix: LiteralPrefix,
        at start: Int
    ) throws(SyntaxFault) -> Token.Kind {
        if prefix.isBytes { return .bytes(content) }
        guard let string = String(validating: content, as: UTF8.self) else {
            throw SyntaxFault("a string is not UTF-8", at: start)
        }
        return .string(string)
    }

    private static let simpleEscapes: [UInt8: UInt8] = [
        UInt8(ascii: "a"): 0x07, UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0C,
        UInt8(ascii: "n"): 0x0A, UInt8(ascii: "r"): 0x0D, UInt8(ascii: "t"): 0x09,
        UInt8(ascii: "v"): 0x0B, UInt8(ascii: "\\"): UInt8(ascii: "\\"),
        UInt8(ascii: "?"): UInt8(ascii: "?"), UInt8(ascii: "\""): UInt8(ascii: "\""),
        UInt8(ascii: "'"): UInt8(ascii: "'"), UInt8(ascii: "`"): UInt8(ascii: "`"),
    ]

    private mutating func escape(isBytes: Bool, into content: inout [UInt8]) throws(SyntaxFault) {
        let start = position
        position += 1
        guard let letter = peek() else { throw SyntaxFault("a string has no end", at: start) }
        position += 1
        if let byte = Self.simpleEscapes[letter] {
            content.append(byte)
            return
        }
        let code = try code(of: letter, isBytes: isBytes, at: start)
        if isBytes {
            content.append(UInt8(truncatingIfNeeded: code))
        } else if let scalar = Unicode.Scalar(code) {
            content += String(Character(scalar)).utf8
        } else {
            throw SyntaxFault("an escape names no Unicode character", at: start)
        }
    }

    /// The number that `\xHH`, `\uHHHH`, `\UHHHHHHHH` or `\ooo` states.
    private mutating func code(
        of letter: UInt8,
        isBytes: Bool,
        at start: Int
    ) throws(SyntaxFault) -> UInt32 {
        switch letter {
        case UInt8(ascii: "x"), UInt8(ascii: "X"):
            return try digits(2, bits: 4, at: start)
        case UInt8(ascii: "u") where !isBytes:
            return try digits(4, bits: 4, at: start)
        case UInt8(ascii: "U") where !isBytes:
            return try digits(8, bits: 4, at: start)
        case UInt8(ascii: "0")...UInt8(ascii: "3"):
            position -= 1
            return try digits(3, bits: 3, at: start)
        default:
            throw SyntaxFault(
                "an unknown escape in a string",
                at: start,
                hint: "a backslash is written \\\\, or the string as r\"…\""
            )
        }
    }

    private mutating func digits(
        _ count: Int,
        bits: UInt32,
        at start: Int
    ) throws(SyntaxFault) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<count {
            guard let value = peek()?.hexValue, value < 1 << bits else {
                throw SyntaxFault("an escape needs \(count) digits", at: start)
            }
            code = code << bits | value
            position += 1
        }
        return code
    }
}
