import Federation

/// A place in the text of a condition.
package struct SourcePosition: Equatable, Sendable {
    /// Bytes of UTF-8 before it.
    package let offset: Int
    /// Counted from 1.
    package let line: Int
    /// Unicode scalars, counted from 1.
    package let column: Int

    init(offset: Int, in text: [UInt8]) {
        let before = text[..<min(offset, text.count)]
        let start = (before.lastIndex(of: 0x0A) ?? -1) + 1
        self.offset = offset
        line = before.count { $0 == 0x0A } + 1
        column = before[start...].count { $0 & 0xC0 != 0x80 } + 1
    }
}

/// Why a condition, a claim mapping or a trust file is not accepted.
package struct PolicyError: Error, Equatable, Sendable {
    /// What is wrong, with the construct named.
    package let problem: String
    /// Where, if the text is a condition.
    package let position: SourcePosition?
    /// The rule that is broken ("Bright takes the operators &&, == and in").
    package let rule: String?
    /// What the reader can do.
    package let hint: String?

    init(_ problem: String, at position: SourcePosition? = nil, rule: String?, hint: String? = nil)
    {
        self.problem = problem
        self.position = position
        self.rule = rule
        self.hint = hint
    }
}

extension PolicyError: CustomStringConvertible {
    /// Place, problem and rule in one line; the hint is told beside it.
    package var told: String {
        let place = position.map { "line \($0.line), column \($0.column): " } ?? ""
        return place + problem + (rule.map { " (\($0))" } ?? "")
    }

    /// Place, problem and rule in one line; the hint, if there is one, on a second.
    package var description: String { told + (hint.map { "\nhint: \($0)" } ?? "") }
}
