import Text

/// Reads RE2 syntax: what CEL's `matches()` takes. https://github.com/google/re2/wiki/Syntax
struct RegexParser {
    struct Flags {
        var ignoresCase = false
        var isMultiline = false
        var dotMatchesNewline = false
    }

    static let maximalRepeat = 1000
    private static let maximalDepth = 48

    let pattern: [Unicode.Scalar]
    var position = 0
    var flags = Flags()
    private var depth = 0

    init(_ pattern: String) {
        self.pattern = Array(pattern.unicodeScalars)
    }

    mutating func document() throws(RegexError) -> RegexNode {
        let node = try choice()
        if position < pattern.count { throw RegexError(reason: "has a ')' without its '('") }
        return node
    }

    private mutating func choice() throws(RegexError) -> RegexNode {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.maximalDepth { throw RegexError(reason: "nests too deeply") }
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence() throws(RegexError) -> RegexNode {
        var items: [RegexNode] = []
        while let scalar = peek(), scalar != "|", scalar != ")" {
            if starts("\\Q") {
                items += quotedText()
            } else if let node = try atom(scalar) {
                items.append(node)
            }
            // A repetition behind a group that only sets flags is the one of what precedes it.
            if let last = items.popLast() { items.append(try repetitions(of: last)) }
        }
        return items.count == 1 ? items[0] : .sequence(items)
    }

    /// `nil` for a group that only sets flags.
    private mutating func atom(_ scalar: Unicode.Scalar) throws(RegexError) -> RegexNode? {
        position += 1
        switch scalar {
        case "(": return try group()
        case "[": return .set(try bracket())
        case ".": return .set(flags.dotMatchesNewline ? .everything : .everythingButNewline)
        case "^": return .assertion(flags.isMultiline ? .startOfLine : .startOfText)
        case "$": return .assertion(flags.isMultiline ? .endOfLine : .endOfText)
        case "\\": return try escape()
        case "*", "+", "?":
            throw RegexError(reason: "has nothing to repeat before '\(scalar)'")
        case "{":
            if counts() != nil { throw RegexError(reason: "has nothing to repeat before '{'") }
            return literal(scalar)
        default: return literal(scalar)
        }
    }

    func literal(_ scalar: Unicode.Scalar) -> RegexNode {
        .set(ScalarSet([.range(scalar.value...scalar.value)], ignoresCase: flags.ignoresCase))
    }

    private mutating func quotedText() -> [RegexNode] {
        position += 2
        var items: [RegexNode] = []
        while let scalar = peek() {
            if starts("\\E") {
                position += 2
                break
            }
            items.append(literal(scalar))
            position += 1
        }
        return items
    }

    private mutating func repetitions(of node: RegexNode) throws(RegexError) -> RegexNode {
        guard let (minimum, maximum) = try repetition() else { return node }
        _ = take("?")
        let result = RegexNode.repeated(node, minimum: minimum, maximum: maximum)
        if result.repeats > Self.maximalRepeat {
            throw RegexError(reason: "repeats more than \(Self.maximalRepeat) times")
        }
        if try repetition() != nil { throw RegexError(reason: "repeats a repetition") }
        return result
    }

    private mutating func repetition() throws(RegexError) -> (Int, Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        guard peek() == "{" else { return nil }
        let start = position
        position += 1
        guard let counts = counts() else {
            position = start
            return nil
        }
        let (minimum, maximum) = counts
        if max(minimum, maximum ?? 0) > Self.maximalRepeat {
            throw RegexError(reason: "repeats more than \(Self.maximalRepeat) times")
        }
        if let maximum, maximum < minimum {
            throw RegexError(reason: "has a repeat count whose end is before its start")
        }
        return counts
    }

    /// `3}`, `3,}` or `3,5}` after the brace.
    private mutating func counts() -> (Int, Int?)? {
        let start = position
        guard let counts = countsAhead() else {
            // As in RE2 a brace that opens no count stands for itself.
            position = start
            return nil
        }
        return counts
    }

    private mutating func countsAhead() -> (Int, Int?)? {
        guard let minimum = number() else { return nil }
        if take("}") { return (minimum, minimum) }
        guard take(",") else { return nil }
        if take("}") { return (minimum, nil) }
        guard let maximum = number(), take("}") else { return nil }
        return (minimum, maximum)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let scalar = peek(), scalar.isASCII, UInt8(scalar.value).isDigit {
            value = min((value ?? 0) * 10 + Int(scalar.value - 48), 1_000_000)
            position += 1
        }
        return value
    }

    private mutating func group() throws(RegexError) -> RegexNode? {
        let outer = flags
        if take("?") {
            if take("P<") || (peek() == "<" && peek(1) != "=" && peek(1) != "!" && take("<")) {
                try groupName()
            } else if try flagsOnly() {
                return nil
            }
        }
        let node = try choice()
        guard take(")") else { throw RegexError(reason: "has a '(' without its ')'") }
        flags = outer
        return node
    }

    private mutating func groupName() throws(RegexError) {
        let start = position
        while let scalar = peek(), scalar.isWordCharacter { position += 1 }
        if position == start || !take(">") {
            throw RegexError(reason: "has a group name that is not one")
        }
    }

    /// Reads `i:` or `i)` after `(?`; whether it was the latter.
    private mutating func flagsOnly() throws(RegexError) -> Bool {
        var isOn = true
        var isFirst = true
        while let scalar = peek() {
            position += 1
            switch scalar {
            case "i": flags.ignoresCase = isOn
            case "m": flags.isMultiline = isOn
            case "s": flags.dotMatchesNewline = isOn
            case "U": break
            case "-" where isOn: isOn = false
            case ":" where isOn || !isFirst: return false
            case ")" where !isFirst: return true
            case "=", "!", "<":
                throw RegexError(reason: "looks ahead or behind, which RE2 does not do")
            default: throw RegexError(reason: "has an unknown group, (?\(scalar.shown)")
            }
            isFirst = scalar == "-"
        }
        throw RegexError(reason: "has a '(' without its ')'")
    }

    func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
        position + ahead < pattern.count ? pattern[position + ahead] : nil
    }

    func starts(_ word: String) -> Bool { pattern[position...].starts(with: word.unicodeScalars) }

    mutating func take(_ word: String) -> Bool {
        guard starts(word) else { return false }
        position += word.unicodeScalars.count
        return true
    }
}

extension ScalarSet {
    static let everything = ScalarSet([.range(0...0x10FFFF)])
    static let everythingButNewline = ScalarSet([.range(0x0A...0x0A)], isNegated: true)
}

extension Unicode.Scalar {
    /// The character in a message.
    var shown: String {
        value < 0x20 || value == 0x7F || !isASCII
            ? "U+" + String(value, radix: 16, uppercase: true) : String(Character(self))
    }
}

extension RegexNode {
    /// The product of nested repeat counts, which RE2 bounds: `(a{100}){100}` is 10,000.
    var repeats: Int {
        switch self {
        case .empty, .set, .assertion: 1
        case .sequence(let items), .choice(let items): items.map(\.repeats).max() ?? 1
        case .repeated(let node, let minimum, let maximum):
            min(max(1, maximum ?? minimum) * node.repeats, 1_000_000)
        }
    }
}
