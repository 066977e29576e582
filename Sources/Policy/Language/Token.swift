/// One word of a condition.
struct Token: Equatable, Sendable {
    enum Kind: Equatable, Sendable {
        /// A name, a reserved word among them.
        case name(String)
        /// `true`, `false`, `null`, `in`.
        case keyword(String)
        case int(magnitude: UInt64)
        case uint(UInt64)
        case double(Double)
        case string(String)
        case bytes([UInt8])
        /// An operator or a piece of punctuation.
        case symbol(String)
        case end
    }

    let kind: Kind
    /// The bytes it stands on.
    let range: Range<Int>

    /// The token in an error message.
    var shown: String {
        switch kind {
        case .name(let text), .keyword(let text), .symbol(let text): "'\(text)'"
        case .int, .uint, .double: "a number"
        case .string: "a string"
        case .bytes: "a byte string"
        case .end: "the end"
        }
    }
}

/// A fault at a byte offset, before it is given line, column and rule.
struct SyntaxFault: Error, Equatable {
    let problem: String
    let offset: Int
    var rule: String?
    var hint: String?

    init(_ problem: String, at offset: Int, rule: String? = nil, hint: String? = nil) {
        self.problem = problem
        self.offset = offset
        self.rule = rule
        self.hint = hint
    }

    func error(in text: [UInt8]) -> PolicyError {
        let position = SourcePosition(offset: offset, in: text)
        return PolicyError(problem, at: position, rule: rule, hint: hint)
    }
}
