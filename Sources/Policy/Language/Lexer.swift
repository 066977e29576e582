import Text

/// Cuts a condition into tokens. CEL language definition, "Syntax"
struct Lexer {
    let text: [UInt8]
    var position = 0

    private static let keywords: Set<String> = ["true", "false", "null", "in"]
    private static let doubled = ["||", "&&", "==", "!=", "<=", ">="]
    private static let single = Array("+-*/%!<>?:.,()[]{}".utf8)

    /// All tokens, the last of them `.end`.
    static func tokens(of text: [UInt8]) throws(SyntaxFault) -> [Token] {
        var lexer = Lexer(text: text)
        var tokens: [Token] = []
        repeat { tokens.append(try lexer.next()) } while tokens.last?.kind != .end
        return tokens
    }

    mutating func next() throws(SyntaxFault) -> Token {
        skipSpaceAndComments()
        let start = position
        let kind = try kind()
        return Token(kind: kind, range: start..<position)
    }

    private mutating func kind() throws(SyntaxFault) -> Token.Kind {
        guard let byte = peek() else { return .end }
        if let prefix = literalPrefix() { return try literal(prefix) }
        if byte.isNameStart { return name() }
        if byte.isDigit || (byte == UInt8(ascii: ".") && peek(1)?.isDigit == true) {
            return try number()
        }
        return try symbol(byte)
    }

    private mutating func name() -> Token.Kind {
        let start = position
        while let byte = peek(), byte.isNameStart || byte.isDigit { position += 1 }
        let text = slice(start)
        return Self.keywords.contains(text) ? .keyword(text) : .name(text)
    }

    private mutating func symbol(_ byte: UInt8) throws(SyntaxFault) -> Token.Kind {
        for symbol in Self.doubled where text[position...].starts(with: symbol.utf8) {
            position += 2
            return .symbol(symbol)
        }
        if Self.single.contains(byte) {
            position += 1
            return .symbol(String(Unicode.Scalar(byte)))
        }
        throw unknownCharacter(byte)
    }

    private func unknownCharacter(_ byte: UInt8) -> SyntaxFault {
        switch byte {
        case UInt8(ascii: "="):
            SyntaxFault("'=' is not an operator", at: position, hint: "equality is written ==")
        case UInt8(ascii: "&"):
            SyntaxFault("'&' is not an operator", at: position, hint: "and is written &&")
        case UInt8(ascii: "|"):
            SyntaxFault("'|' is not an operator", at: position, hint: "or is written ||")
        case UInt8(ascii: "`"):
            SyntaxFault(
                "'`' starts nothing here",
                at: position,
                hint: "write a claim whose name is not an identifier as claims[\"name\"]"
            )
        default: SyntaxFault("an unexpected character, \(shown)", at: position)
        }
    }

    private var shown: String {
        let rest = String(decoding: text[position...].prefix(8), as: UTF8.self)
        guard let scalar = rest.unicodeScalars.first else { return "none" }
        return scalar.properties.generalCategory == .control || scalar == "\u{FEFF}"
            ? "U+" + String(scalar.value, radix: 16, uppercase: true) : "'\(scalar)'"
    }

    private mutating func skipSpaceAndComments() {
        while let byte = peek() {
            if byte == 0x20 || (0x09...0x0A).contains(byte) || (0x0C...0x0D).contains(byte) {
                position += 1
            } else if byte == UInt8(ascii: "/"), peek(1) == byte {
                while let byte = peek(), byte != 0x0A { position += 1 }
            } else {
                return
            }
        }
    }

    func peek(_ ahead: Int = 0) -> UInt8? {
        position + ahead < text.count ? text[position + ahead] : nil
    }

    func slice(_ start: Int) -> String { String(decoding: text[start..<position], as: UTF8.self) }
}

extension Lexer {
    private mutating func number() throws(SyntaxFault) -> Token.Kind {
        let start = position
        if peek() == UInt8(ascii: "0"), peek(1) == UInt8(ascii: "x") || peek(1) == UInt8(ascii: "X")
        {
            return try hexadecimal()
        }
        takeDigits()
        var isDouble = false
        if peek() == UInt8(ascii: "."), peek(1)?.isDigit == true {
            isDouble = true
            position += 1
            takeDigits()
        }
        if takeExponent() { isDouble = true }
        let digits = slice(start)
        if isDouble { return try double(digits, at: start) }
        guard let magnitude = UInt64(digits) else { throw outOfRange(start) }
        return try integer(magnitude, at: start)
    }

    private mutating func hexadecimal() throws(SyntaxFault) -> Token.Kind {
        let start = position
        position += 2
        while let byte = peek(), byte.hexValue != nil { position += 1 }
        let digits = String(decoding: text[start + 2..<position], as: UTF8.self)
        if digits.isEmpty { throw SyntaxFault("a digit is expected after 0x", at: position) }
        guard let magnitude = UInt64(digits, radix: 16) else { throw outOfRange(start) }
        return try integer(magnitude, at: start)
    }

    private mutating func integer(
        _ magnitude: UInt64,
        at start: Int
    ) throws(SyntaxFault) -> Token.Kind {
        if peek() == UInt8(ascii: "u") || peek() == UInt8(ascii: "U") {
            position += 1
            try endOfNumber()
            return .uint(magnitude)
        }
        try endOfNumber()
        if magnitude > UInt64(Int64.max) + 1 { throw outOfRange(start) }
        return .int(magnitude: magnitude)
    }

    private func double(_ digits: String, at start: Int) throws(SyntaxFault) -> Token.Kind {
        try endOfNumber()
        let full = digits.hasPrefix(".") ? "0" + digits : digits
        guard let value = Double(full), value.isFinite else { throw outOfRange(start) }
        return .double(value)
    }

    private func endOfNumber() throws(SyntaxFault) {
        guard let byte = peek(), byte.isNameStart || byte.isDigit else { return }
        throw SyntaxFault("a number runs into a name", at: position)
    }

    private mutating func takeDigits() {
        while let byte = peek(), byte.isDigit { position += 1 }
    }

    private mutating func takeExponent() -> Bool {
        guard peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") else { return false }
        let isSigned = peek(1) == UInt8(ascii: "+") || peek(1) == UInt8(ascii: "-")
        guard peek(isSigned ? 2 : 1)?.isDigit == true else { return false }
        position += isSigned ? 2 : 1
        takeDigits()
        return true
    }

    private func outOfRange(_ start: Int) -> SyntaxFault {
        SyntaxFault("a number is out of range", at: start)
    }
}

extension UInt8 {
    var isNameStart: Bool { isLetter || self == UInt8(ascii: "_") }

    var hexValue: UInt32? {
        if isDigit { return UInt32(self - UInt8(ascii: "0")) }
        let lower = self | 0x20
        guard (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(lower) else { return nil }
        return UInt32(lower - UInt8(ascii: "a")) + 10
    }
}
