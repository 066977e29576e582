/// A piece of a condition's syntax tree.
struct Node: Sendable {
    indirect enum Kind: Sendable {
        case literal(Value)
        case name(String)
        case select(Node, field: String)
        case has(Node, field: String)
        case index(Node, Node)
        case call(String, [Node])
        case method(Node, String, [Node])
        case not(Node)
        case negate(Node)
        case binary(Operator, Node, Node)
        /// `a && b && c` as one node: the order of its parts does not matter.
        case and([Node])
        case or([Node])
        case conditional(Node, Node, Node)
        case list([Node])
        case map([MapEntry])
        case loop(Loop)
    }

    struct MapEntry: Sendable {
        let key: Node
        let value: Node
    }

    /// A macro that goes over a list's elements or a map's keys.
    struct Loop: Sendable {
        let macro: Macro
        let over: Node
        let variable: String
        /// The middle argument of `map` with three.
        let condition: Node?
        let body: Node
    }

    enum Macro: String, Sendable {
        case all
        case exists
        case existsOne = "exists_one"
        case map
        case filter
    }

    enum Operator: String, Sendable {
        case equal = "=="
        case unequal = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case isIn = "in"
        case add = "+"
        case subtract = "-"
        case multiply = "*"
        case divide = "/"
        case modulo = "%"
    }

    let kind: Kind
    /// The bytes it stands on, parentheses around it left out.
    let range: Range<Int>
    /// The same with them.
    var span: Range<Int>
    /// The byte an error about this node points to: its operator, field or function name.
    let offset: Int
    /// 1 for a leaf.
    let depth: Int

    init(_ kind: Kind, range: Range<Int>, at offset: Int) {
        self.kind = kind
        self.range = range
        span = range
        self.offset = offset
        depth = 1 + (kind.children.map(\.depth).max() ?? 0)
    }

    /// The parts of a chain of `&&`; the node itself if it is none.
    var conjuncts: [Node] {
        if case .and(let parts) = kind { parts.flatMap(\.conjuncts) } else { [self] }
    }
}

extension Node.Kind {
    /// In the order of the text.
    var children: [Node] {
        switch self {
        case .literal, .name: []
        case .select(let node, _), .has(let node, _), .not(let node), .negate(let node): [node]
        case .index(let first, let second), .binary(_, let first, let second): [first, second]
        case .call(_, let nodes), .and(let nodes), .or(let nodes), .list(let nodes): nodes
        case .method(let target, _, let arguments): [target] + arguments
        case .conditional(let condition, let first, let second): [condition, first, second]
        case .map(let entries): entries.flatMap { [$0.key, $0.value] }
        case .loop(let loop): [loop.over] + (loop.condition.map { [$0] } ?? []) + [loop.body]
        }
    }
}
