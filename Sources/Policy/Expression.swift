/// A condition on a token's claims, parsed and found to be in its service's language.
package struct Expression: Sendable {
    /// What was parsed.
    package let source: String
    package let dialect: Dialect
    /// What a service's documentation leaves open about this text; it may still be accepted.
    package let remarks: [String]
    let root: Node

    /// Parses a condition.
    /// - Throws: ``PolicyError``, which names the construct, its place and the rule that it breaks.
    package init(parsing source: String, dialect: Dialect) throws(PolicyError) {
        let text = Array(source.utf8)
        if text.count > dialect.maximalLength {
            throw PolicyError(
                "the condition has \(text.count) bytes",
                rule: "at most \(dialect.maximalLength) bytes of UTF-8"
            )
        }
        self.source = source
        self.dialect = dialect
        do throws(SyntaxFault) {
            (root, remarks) = try Self.parse(text, dialect)
        } catch {
            throw error.error(in: text)
        }
    }

    /// Parses a condition given as bytes, such as a file's.
    /// - Throws: ``PolicyError``, also for bytes that are not UTF-8.
    package init(
        parsing bytes: some Collection<UInt8>,
        dialect: Dialect
    ) throws(PolicyError) {
        guard let source = String(validating: bytes, as: UTF8.self) else {
            throw PolicyError("the condition is not UTF-8", rule: "conditions are text in UTF-8")
        }
        try self.init(parsing: source, dialect: dialect)
    }

    private static func parse(
        _ text: [UInt8],
        _ dialect: Dialect
    ) throws(SyntaxFault) -> (Node, [String]) {
        var parser = try Parser(text: text)
        let root = try parser.document()
        switch dialect {
        case .conductorone:
            try Declarations(dialect: dialect).check(root)
            return (root, [])
        case .bright:
            var subset = BrightSubset()
            try subset.check(root)
            let parentheses =
                parser.groups.isEmpty ? [] : ["Bright's documentation does not mention parentheses"]
            return (root, parentheses + subset.remarks)
        }
    }

    /// The text that a node stands for.
    func text(of node: Node) -> String {
        String(decoding: Array(source.utf8)[node.range], as: UTF8.self)
    }
}
