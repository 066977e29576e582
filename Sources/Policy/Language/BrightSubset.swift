import Federation
import Text

/// Holds a condition to the subset that Bright documents: terms of `==`, `in` and `startsWith`, joined
/// by `&&`, one of them on `sub`.
struct BrightSubset {
    private static let operators = "Bright takes the operators &&, == and in"
    private static let functions = "Bright takes the function startsWith() alone"
    private static let literals =
        "Bright takes strings, booleans, integers, floats and lists of them"
    private static let inputs =
        "Bright gives sub, iss, aud and claims, with dots: claims.pipeline.id"
    private static let terms =
        "a term compares an input with a literal: ==, in or startsWith(), joined by &&"
    private static let subject =
        "a condition needs sub == \"…\", sub.startsWith(\"…\") or sub in [\"…\"], none of them empty"
    private static let unreachable =
        "a claim whose name holds '-', '/', ':' or '.' cannot be reached in Bright's conditions"

    /// Things the documentation does not say, found on the way.
    private(set) var remarks: [String] = []

    mutating func check(_ root: Node) throws(SyntaxFault) {
        let terms = root.conjuncts
        for term in terms { try check(term: term) }
        if !terms.contains(where: Self.isSubjectConstraint) {
            let isMember = terms.contains(where: Self.isMemberOfClaims)
            throw SyntaxFault(
                "there is no condition on the subject"
                    + (isMember ? "; Bright gives each claim by its name, without claims." : ""),
                at: root.range.lowerBound,
                rule: Self.subject,
                hint: isMember ? "write sub == for claims.sub ==" : nil
            )
        }
    }

    /// Whether a claim is written as other services have it.
    private static func isMemberOfClaims(_ term: Node) -> Bool {
        guard case .binary(_, let left, _) = term.kind, case .select(let base, _) = left.kind,
            case .name("claims") = base.kind
        else { return false }
        return true
    }

    private mutating func check(term: Node) throws(SyntaxFault) {
        switch term.kind {
        case .binary(.equal, let left, let right): try checkEquality(left, right, at: term.offset)
        case .binary(.isIn, let left, let right):
            try checkOperand(left)
            try checkList(right)
        case .method(let target, "startsWith", let arguments):
            try checkOperand(target)
            try checkPrefix(arguments, at: term.offset)
        default: throw refusal(of: term)
        }
    }

    private mutating func checkEquality(
        _ left: Node,
        _ right: Node,
        at offset: Int
    ) throws(SyntaxFault) {
        if Self.isLiteral(left) {
            if Self.isLiteral(right) {
                throw SyntaxFault("two literals are compared", at: offset, rule: Self.terms)
            }
            remarks.append("Bright documents comparisons with the input first, not the literal")
            try checkLiteral(left)
            return try checkOperand(right)
        }
        try checkOperand(left)
        if Self.isOperand(right) {
            throw SyntaxFault("two inputs are compared", at: offset, rule: Self.terms)
        }
        try checkLiteral(right)
    }

    private func checkPrefix(_ arguments: [Node], at offset: Int) throws(SyntaxFault) {
        guard arguments.count == 1, case .literal(.string(let prefix)) = arguments[0].kind else {
            throw SyntaxFault(
                "startsWith() is given something other than a string literal",
                at: arguments.first?.range.lowerBound ?? offset,
                rule: "startsWith() takes one non-empty string literal"
            )
        }
        if prefix.isEmpty {
            throw SyntaxFault(
                "startsWith() is given an empty string",
                at: arguments[0].range.lowerBound,
                rule: "startsWith() takes one non-empty string literal"
            )
        }
    }

    private func checkList(_ node: Node) throws(SyntaxFault) {
        guard case .list = node.kind else {
            if case .select = node.kind { throw listExpected(node) }
            if case .name = node.kind { throw listExpected(node) }
            return try checkLiteral(node)
        }
        try checkLiteral(node)
    }

    private func listExpected(_ node: Node) -> SyntaxFault {
        SyntaxFault(
            "'in' has an input on its right",
            at: node.range.lowerBound,
            rule: "in takes a list of literals on its right"
        )
    }

    private func checkLiteral(_ node: Node) throws(SyntaxFault) {
        switch node.kind {
        case .literal(.string), .literal(.bool), .literal(.int), .literal(.double): return
        case .literal(.null): throw unsupported("null", node, Self.literals)
        case .literal(.bytes): throw unsupported("a byte string", node, Self.literals)
        case .literal: throw unsupported("an unsigned integer", node, Self.literals)
        case .list(let elements):
            for element in elements {
                if case .list = element.kind {
                    throw unsupported("a list in a list", element, Self.literals)
                }
                try checkLiteral(element)
            }
        default: throw refusal(of: node)
        }
    }

    private func checkOperand(_ node: Node) throws(SyntaxFault) {
        if Self.isOperand(node) { return }
        switch node.kind {
        case .name("claims"):
            throw SyntaxFault(
                "claims is used as a whole",
                at: node.offset,
                rule: Self.inputs,
                hint: "name a claim: claims.environment"
            )
        case .name(let name):
            let hint = "did you mean claims.\(name)?"
            throw unsupported("the input '\(name)'", node, Self.inputs, hint: hint)
        case .select(let target, _) where Self.isName(target):
            throw unsupported("a member of sub, iss or aud", node, Self.inputs)
        case .select(let target, _): try checkOperand(target)
        case .literal, .list: throw unsupported("a literal before the operator", node, Self.terms)
        default: throw refusal(of: node)
        }
    }

    private static func isName(_ node: Node) -> Bool {
        guard case .name(let name) = node.kind else { return false }
        return Dialect.bright.variables.contains(name)
    }

    private static func isLiteral(_ node: Node) -> Bool {
        switch node.kind {
        case .literal, .list: true
        default: false
        }
    }

    /// `sub`, `iss`, `aud` or `claims.a.b`.
    private static func isOperand(_ node: Node) -> Bool {
        switch node.kind {
        case .name(let name): name != "claims" && Dialect.bright.variables.contains(name)
        case .select(let target, _): isClaims(target) || isSelected(target)
        default: false
        }
    }

    private static func isSelected(_ node: Node) -> Bool {
        if case .select = node.kind { isOperand(node) } else { false }
    }

    private static func isClaims(_ node: Node) -> Bool {
        if case .name("claims") = node.kind { true } else { false }
    }

    private static func isSubjectConstraint(_ term: Node) -> Bool {
        switch term.kind {
        case .binary(.equal, let left, let right): isSubject(left) && isText(right)
        case .method(let target, "startsWith", _): isSubject(target)
        case .binary(.isIn, let left, let right):
            if case .list(let elements) = right.kind {
                isSubject(left) && !elements.isEmpty && elements.allSatisfy(isText)
            } else {
                false
            }
        default: false
        }
    }

    private static func isSubject(_ node: Node) -> Bool {
        if case .name("sub") = node.kind { true } else { false }
    }

    private static func isText(_ node: Node) -> Bool {
        if case .literal(.string(let text)) = node.kind { !text.isEmpty } else { false }
    }
}

extension BrightSubset {
    private func unsupported(
        _ what: String,
        _ node: Node,
        _ rule: String,
        hint: String? = nil
    ) -> SyntaxFault {
        SyntaxFault("\(what) is not supported", at: node.offset, rule: rule, hint: hint)
    }

    /// Names the construct that has no place here.
    private func refusal(of node: Node) -> SyntaxFault {
        switch node.kind {
        case .or: unsupported("'||'", node, Self.operators)
        case .not: unsupported("'!'", node, Self.operators)
        case .and: unsupported("'&&' inside a term", node, Self.terms)
        case .negate: unsupported("arithmetic ('-')", node, Self.operators)
        case .conditional: unsupported("'? :'", node, Self.operators)
        case .binary(let operation, _, _): refusal(of: operation, node)
        case .index: unsupported("bracket access", node, Self.inputs, hint: Self.unreachable)
        case .loop(let loop):
            unsupported("the macro \(loop.macro.rawValue)()", node, Self.functions)
        case .has: unsupported("the macro has()", node, Self.functions)
        case .call(let name, _):
            unsupported("the function \(name.printable)()", node, Self.functions)
        case .method(_, let name, _):
            unsupported("the function \(name.printable)()", node, Self.functions)
        case .map: unsupported("a map literal", node, Self.literals)
        case .literal, .list: unsupported("a literal that stands alone", node, Self.terms)
        case .name, .select:
            unsupported(
                "an input that stands alone",
                node,
                Self.terms,
                hint: "a boolean claim is written claims.name == true"
            )
        }
    }

    private func refusal(of operation: Node.Operator, _ node: Node) -> SyntaxFault {
        switch operation {
        case .equal, .isIn: unsupported("'\(operation.rawValue)' inside a term", node, Self.terms)
        case .subtract, .divide:
            unsupported(
                "arithmetic ('\(operation.rawValue)')",
                node,
                Self.operators,
                hint: Self.unreachable
            )
        case .add, .multiply, .modulo:
            unsupported("arithmetic ('\(operation.rawValue)')", node, Self.operators)
        default: unsupported("'\(operation.rawValue)'", node, Self.operators)
        }
    }
}
