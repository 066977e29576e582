import Federation
package import Text

extension Expression {
    /// What the services' own pages warn of, found in this condition: a single broad claim, no
    /// subject, a prefix that ends in the middle of a name.
    ///
    /// - Parameter claims: a sample token's, which makes the warnings more precise.
    package func warnings(claims: JSON? = nil) -> [String] {
        let constraints = Constraint.all(of: root)
        var warnings = remarks + breadth(constraints)
        for constraint in constraints {
            guard case .prefix(let prefix) = constraint.kind else { continue }
            let value = claims.flatMap { $0.value(at: constraint.path)?.string }
            warnings += Self.warnings(ofPrefix: prefix, at: constraint.path, value: value)
        }
        root.forEach { node in warnings += Self.warnings(of: node, claims: claims) }
        return warnings.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    private func breadth(_ constraints: [Constraint]) -> [String] {
        let paths = Set(constraints.map(\.path))
        if paths.isEmpty {
            return ["no claim is held to a value: any token of this issuer may pass"]
        }
        var warnings: [String] = []
        let subject = constraints.filter { $0.path == ["sub"] }
        if subject.isEmpty {
            let name = dialect == .bright ? "sub" : "claims.sub"
            warnings.append(
                "the subject is not checked: \(dialect.name)'s documentation asks for \(name), or "
                    + "another identifier that is unique, beside other claims"
            )
        }
        if paths.count == 1, let path = paths.first, !subject.contains(where: \.isExact) {
            warnings.append(
                "\(path.joined(separator: ".").printable) alone is checked, and not for one value: "
                    + "add the repository, project, environment or ref"
            )
        }
        return warnings
    }

    private static let separators: Set<Character> = [":", "/", "@", "#", "|", "=", ",", ";", " "]

    private static func warnings(
        ofPrefix prefix: String,
        at path: [String],
        value: String?
    ) -> [String] {
        let shown = prefix.rendered
        if prefix.isEmpty { return ["startsWith(\"\") is true of every text"] }
        if let last = prefix.last, !separators.contains(last) {
            let rest = value.flatMap { $0.hasPrefix(prefix) ? $0.dropFirst(prefix.count) : nil }
            let fix =
                switch rest?.first {
                case .some(let next) where separators.contains(next):
                    "end it with \"\(next)\", as this token's value goes on"
                case nil where rest != nil: "the token's value is just that: compare with =="
                default: "end it with the separator that follows, such as \":\""
                }
            return [
                "the prefix \(shown) ends in a name, so \(shown.dropLast())-other\" passes too; \(fix)"
            ]
        }
        let isOwnerOnly =
            path == ["sub"] && prefix.hasPrefix("repo:") && prefix.hasSuffix("/")
            && prefix.count { $0 == "/" } == 1
        return isOwnerOnly ? ["the prefix \(shown) takes every repository of that owner"] : []
    }

    private static func warnings(of node: Node, claims: JSON?) -> [String] {
        switch node.kind {
        case .method(let target, "matches", let arguments):
            guard Constraint.claimPath(target) != nil,
                case .literal(.string(let pattern)) = arguments[0].kind
            else { return [] }
            let isAnchored =
                (pattern.hasPrefix("^") || pattern.hasPrefix("\\A"))
                && (pattern.hasSuffix("$") || pattern.hasSuffix("\\z"))
            return isAnchored
                ? [] : ["matches(\(pattern.rendered)) looks anywhere in the text: write ^…$"]
        case .method(let target, "contains", let arguments):
            guard let path = Constraint.claimPath(target), let part = arguments.first,
                case .literal(.string(let text)) = part.kind,
                claims?.value(at: path)?.array == nil
            else { return [] }
            return ["contains(\(text.rendered)) is true wherever it stands in the text; prefer =="]
        case .binary(let operation, let left, let right) where operation.isArithmetic:
            guard [left, right].contains(where: { Constraint.claimPath($0) != nil }),
                ![left, right].contains(where: \.isText)
            else { return [] }
            return [
                "arithmetic with a claim: services may hold every JSON number as a double; "
                    + "write double(…) or int(…) around it"
            ]
        case .name("aud") where claims?["aud"]?.array != nil:
            return [
                "aud is a list in this token; how Bright compares that is not documented, and the "
                    + "allowed audiences check it already"
            ]
        default: return []
        }
    }
}

extension Constraint {
    var isExact: Bool {
        if case .exact = kind { true } else { false }
    }
}

extension Node {
    /// Calls a function with this node and everything below it.
    func forEach(_ body: (Node) -> Void) {
        body(self)
        for child in kind.children { child.forEach(body) }
    }

    fileprivate var isText: Bool {
        if case .literal(.string) = kind { true } else { false }
    }
}

extension Node.Operator {
    fileprivate var isArithmetic: Bool {
        switch self {
        case .add, .subtract, .multiply, .divide, .modulo: true
        default: false
        }
    }
}

extension JSON {
    /// The member at the end of a path of names.
    func value(at path: [String]) -> JSON? {
        path.reduce(self as JSON?) { $0?[$1] }
    }
}
