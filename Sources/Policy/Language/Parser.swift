import Text

/// Builds the tree of a condition. CEL language definition, "Syntax"
///
/// What the names mean, and which constructs a service takes, is for the checks that follow.
struct Parser {
    private let tokens: [Token]
    private var position = 0
    private var nesting = 0
    private var nodes = 0
    /// Offsets of parentheses that group.
    private(set) var groups: [Int] = []

    init(text: [UInt8]) throws(SyntaxFault) {
        tokens = try Lexer.tokens(of: text)
    }

    mutating func document() throws(SyntaxFault) -> Node {
        if current.kind == .end { throw SyntaxFault("the condition is empty", at: 0) }
        let node = try expression()
        if current.kind != .end { throw unexpected("an operator or the end") }
        return node
    }

    private mutating func expression() throws(SyntaxFault) -> Node {
        nesting += 1
        defer { nesting -= 1 }
        if nesting > Limits.nesting {
            throw SyntaxFault(
                "the nesting is too deep",
                at: current.range.lowerBound,
                rule: "at most \(Limits.nesting) levels"
            )
        }
        let condition = try chain("||")
        let mark = current.range.lowerBound
        guard take("?") else { return condition }
        let first = try chain("||")
        try expect(":")
        let second = try expression()
        return try node(
            .conditional(condition, first, second),
            from: condition.span.lowerBound,
            at: mark
        )
    }

    /// `a || b || c`, or with `&&`, whose operands are relations.
    private mutating func chain(_ symbol: String) throws(SyntaxFault) -> Node {
        let isOr = symbol == "||"
        let first = isOr ? try chain("&&") : try relation()
        let mark = current.range.lowerBound
        var operands = [first]
        while take(symbol) { operands.append(isOr ? try chain("&&") : try relation()) }
        if operands.count == 1 { return first }
        return try node(
            isOr ? .or(operands) : .and(operands),
            from: first.span.lowerBound,
            at: mark
        )
    }

    private mutating func relation() throws(SyntaxFault) -> Node {
        try operators(["==", "!=", "<=", ">=", "<", ">", "in"]) { (parser) throws(SyntaxFault) in
            try parser.operators(["+", "-"]) { (parser) throws(SyntaxFault) in
                try parser.operators(["*", "/", "%"]) { (parser) throws(SyntaxFault) in
                    try parser.unary()
                }
            }
        }
    }

    /// Left-associative operators of one precedence.
    private mutating func operators(
        _ symbols: Set<String>,
        operand: (inout Parser) throws(SyntaxFault) -> Node
    ) throws(SyntaxFault) -> Node {
        var left = try operand(&self)
        while let symbol = currentOperator, symbols.contains(symbol),
            let operation = Node.Operator(rawValue: symbol)
        {
            let mark = current.range.lowerBound
            position += 1
            let right = try operand(&self)
            left = try node(
                .binary(operation, left, right),
                from: left.span.lowerBound,
                at: mark
            )
        }
        return left
    }

    private var currentOperator: String? {
        switch current.kind {
        case .symbol(let symbol): symbol
        case .keyword("in"): "in"
        default: nil
        }
    }

    private mutating func unary() throws(SyntaxFault) -> Node {
        var marks: [Int] = []
        let symbol = current.kind == .symbol("!") ? "!" : "-"
        while current.kind == .symbol(symbol), !isNegativeNumber {
            marks.append(current.range.lowerBound)
            position += 1
        }
        var result = try member()
        for mark in marks.reversed() {
            result = try node(symbol == "!" ? .not(result) : .negate(result), from: mark, at: mark)
        }
        return result
    }

    /// A minus directly before a number is part of it, so that the least integer can be written.
    private var isNegativeNumber: Bool {
        guard current.kind == .symbol("-") else { return false }
        return switch tokens[position + 1].kind {
        case .int, .double: true
        default: false
        }
    }

    private mutating func member() throws(SyntaxFault) -> Node {
        var result = try primary()
        while case .symbol(let symbol) = current.kind {
            switch symbol {
            case ".": result = try selection(of: result)
            case "[": result = try indexing(of: result)
            case "{": throw construction(result)
            default: return result
            }
        }
        return result
    }

    private mutating func selection(of target: Node) throws(SyntaxFault) -> Node {
        position += 1
        guard case .name(let field) = current.kind else {
            throw unexpected(
                "a field name",
                hint: "write a claim whose name is not an identifier as claims[\"name\"]"
            )
        }
        let mark = current.range.lowerBound
        position += 1
        let start = target.span.lowerBound
        guard take("(") else {
            return try node(.select(target, field: field), from: start, at: mark)
        }
        let arguments = try list(until: ")", allowsTrailingComma: false)
        let kind = try Self.macro(field, on: target, arguments, at: mark)
        return try node(kind ?? .method(target, field, arguments), from: start, at: mark)
    }

    private mutating func indexing(of target: Node) throws(SyntaxFault) -> Node {
        let mark = current.range.lowerBound
        position += 1
        if current.kind == .symbol("?") {
            throw SyntaxFault("'[?' (optional index) is not supported", at: mark)
        }
        let index = try expression()
        try expect("]")
        return try node(.index(target, index), from: target.span.lowerBound, at: mark)
    }
}

extension Parser {
    private mutating func primary() throws(SyntaxFault) -> Node {
        let token = current
        if let value = try literal() {
            return try node(
                .literal(value),
                from: token.range.lowerBound,
                at: token.range.lowerBound
            )
        }
        switch token.kind {
        case .name(let name): return try nameOrCall(name)
        case .symbol("."):
            position += 1
            guard case .name(let name) = current.kind else { throw unexpected("a name") }
            return try nameOrCall(name)
        case .symbol("("):
            position += 1
            groups.append(token.range.lowerBound)
            var inner = try expression()
            try expect(")")
            inner.span = token.range.lowerBound..<tokens[position - 1].range.upperBound
            return inner
        case .symbol("["):
            position += 1
            let elements = try list(until: "]", allowsTrailingComma: true)
            return try node(
                .list(elements),
                from: token.range.lowerBound,
                at: token.range.lowerBound
            )
        case .symbol("{"): return try mapLiteral()
        default: throw unexpected("a value")
        }
    }

    private mutating func literal() throws(SyntaxFault) -> Value? {
        let isNegative = isNegativeNumber
        let token = isNegative ? tokens[position + 1] : current
        let value: Value
        switch token.kind {
        case .int(let magnitude):
            guard let integer = Self.integer(magnitude, isNegative: isNegative) else {
                throw SyntaxFault("a number is out of range", at: token.range.lowerBound)
            }
            value = .int(integer)
        case .double(let double): value = .double(isNegative ? -double : double)
        case .uint(let uint): value = .uint(uint)
        case .string(let text): value = .string(text)
        case .bytes(let bytes): value = .bytes(bytes)
        case .keyword("true"): value = .bool(true)
        case .keyword("false"): value = .bool(false)
        case .keyword("null"): value = .null
        default: return nil
        }
        position += isNegative ? 2 : 1
        return value
    }

    /// `nil` where it is out of range; of a negative one the lexer knows that it is not.
    private static func integer(_ magnitude: UInt64, isNegative: Bool) -> Int64? {
        isNegative ? Int64(truncatingIfNeeded: 0 &- magnitude) : Int64(exactly: magnitude)
    }

    private static let reserved: Set<String> = [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let",
        "loop", "package", "namespace", "return", "var", "void", "while",
    ]

    private mutating func nameOrCall(_ name: String) throws(SyntaxFault) -> Node {
        let mark = current.range.lowerBound
        if Self.reserved.contains(name) {
            throw SyntaxFault(
                "'\(name)' is a reserved word",
                at: mark,
                hint: "write a claim whose name is not an identifier as claims[\"name\"]"
            )
        }
        position += 1
        guard take("(") else { return try node(.name(name), from: mark, at: mark) }
        let arguments = try list(until: ")", allowsTrailingComma: false)
        if name == "has" { return try presence(arguments, at: mark) }
        return try node(.call(name, arguments), from: mark, at: mark)
    }

    private mutating func presence(_ arguments: [Node], at mark: Int) throws(SyntaxFault) -> Node {
        guard arguments.count == 1, case .select(let target, let field) = arguments[0].kind else {
            throw SyntaxFault(
                "has() takes one field selection",
                at: mark,
                hint: "write has(claims.name); for other names, \"name\" in claims"
            )
        }
        return try node(.has(target, field: field), from: mark, at: mark)
    }

    private mutating func list(
        until end: String,
        allowsTrailingComma: Bool
    ) throws(SyntaxFault) -> [Node] {
        var elements: [Node] = []
        if take(end) { return elements }
        while true {
            elements.append(try expression())
            if take(end) { return elements }
            guard take(",") else { throw unexpected("',' or '\(end)'") }
            if allowsTrailingComma && take(end) { return elements }
        }
    }

    private mutating func mapLiteral() throws(SyntaxFault) -> Node {
        let start = current.range.lowerBound
        position += 1
        var entries: [Node.MapEntry] = []
        while !take("}") {
            let key = try expression()
            try expect(":")
            entries.append(Node.MapEntry(key: key, value: try expression()))
            if take("}") { break }
            guard take(",") else { throw unexpected("',' or '}'") }
        }
        return try node(.map(entries), from: start, at: start)
    }

    /// `nil` if the name is no macro with that number of arguments.
    private static func macro(
        _ name: String,
        on target: Node,
        _ arguments: [Node],
        at mark: Int
    ) throws(SyntaxFault) -> Node.Kind? {
        guard let macro = Node.Macro(rawValue: name),
            arguments.count == 2 || (macro == .map && arguments.count == 3)
        else { return nil }
        guard case .name(let variable) = arguments[0].kind else {
            throw SyntaxFault("\(name)() takes a plain name as its first argument", at: mark)
        }
        return .loop(
            Node.Loop(
                macro: macro,
                over: target,
                variable: variable,
                condition: arguments.count == 3 ? arguments[1] : nil,
                body: arguments[arguments.count - 1]
            )
        )
    }

    private func construction(_ target: Node) -> SyntaxFault {
        SyntaxFault("message construction with '{' is not supported", at: current.range.lowerBound)
    }

    private var current: Token { tokens[position] }

    private mutating func take(_ symbol: String) -> Bool {
        guard current.kind == .symbol(symbol) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ symbol: String) throws(SyntaxFault) {
        guard take(symbol) else { throw unexpected("'\(symbol)'") }
    }

    private func unexpected(_ expected: String, hint: String? = nil) -> SyntaxFault {
        SyntaxFault(
            "\(current.shown) stands where \(expected) is expected",
            at: current.range.lowerBound,
            hint: hint
        )
    }

    /// A node that ends with the token before the present one.
    private mutating func node(
        _ kind: Node.Kind,
        from start: Int,
        at offset: Int
    ) throws(SyntaxFault) -> Node {
        let end = tokens[position - 1].range.upperBound
        let node = Node(kind, range: start..<end, at: offset)
        nodes += 1
        if node.depth > Limits.depth {
            throw SyntaxFault(
                "a chain of operators is too long",
                at: offset,
                rule: "at most \(Limits.depth) levels"
            )
        }
        if nodes > Limits.nodes {
            throw SyntaxFault(
                "the condition has too many parts",
                at: offset,
                rule: "at most \(Limits.nodes)"
            )
        }
        return node
    }
}
