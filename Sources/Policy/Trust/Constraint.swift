import Text

/// How tightly a condition holds one claim, as far as its text tells.
struct Constraint {
    enum Kind {
        /// `==`, `in` a list, or the claim itself as a boolean.
        case exact
        case prefix(String)
        /// `contains`, `endsWith`, `matches`, `<` and the like.
        case loose
    }

    /// The names on the way from the claims: `["kubernetes.io", "namespace"]`.
    let path: [String]
    let kind: Kind

    /// What must hold of the claims for a node to be true.
    static func all(of node: Node) -> [Constraint] {
        switch node.kind {
        case .and(let parts): return parts.flatMap(all)
        case .or(let parts): return common(parts.map(all))
        case .binary(.equal, let left, let right), .binary(.isIn, let left, let right):
            return [left, right].compactMap(claimPath).map { Constraint(path: $0, kind: .exact) }
        case .binary(let operation, let left, let right) where operation != .unequal:
            return [left, right].compactMap(claimPath).map { Constraint(path: $0, kind: .loose) }
        case .method(let target, let name, let arguments):
            guard let path = claimPath(target) else { return [] }
            if name == "startsWith", case .literal(.string(let prefix)) = arguments.first?.kind {
                return [Constraint(path: path, kind: .prefix(prefix))]
            }
            return [Constraint(path: path, kind: .loose)]
        case .loop(let loop):
            return claimPath(loop.over).map { [Constraint(path: $0, kind: .loose)] } ?? []
        default:
            return claimPath(node).map { [Constraint(path: $0, kind: .exact)] } ?? []
        }
    }

    /// Of an `||` only what every branch asks for counts.
    private static func common(_ branches: [[Constraint]]) -> [Constraint] {
        guard let first = branches.first else { return [] }
        return first.filter { constraint in
            branches.dropFirst().allSatisfy { $0.contains { $0.path == constraint.path } }
        }
    }

    /// The claim that a node reads; `nil` if it is anything else.
    static func claimPath(_ node: Node) -> [String]? {
        switch node.kind {
        case .name("claims"): nil
        case .name(let name) where Dialect.bright.variables.contains(name): [name]
        case .select(let target, let field): path(target).map { $0 + [field] }
        case .index(let target, let index):
            if case .literal(.string(let name)) = index.kind {
                path(target).map { $0 + [name] }
            } else {
                claimPath(target)
            }
        default: nil
        }
    }

    private static func path(_ node: Node) -> [String]? {
        if case .name("claims") = node.kind { [] } else { claimPath(node) }
    }
}
