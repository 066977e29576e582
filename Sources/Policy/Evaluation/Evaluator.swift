import Federation
import RegularExpressions
import Text

/// Walks a condition's tree. CEL language definition, "Evaluation"
struct Evaluator {
    private let expression: Expression
    private let text: [UInt8]
    private let variables: [String: Value]
    /// Loop variables, innermost last.
    private var scope: [(name: String, value: Value)] = []
    var patterns: [String: RegularExpression] = [:]

    var meter = Meter()
    /// For parts that a service would not evaluate: what they cost must not change the verdict.
    private var spareMeter = Meter()
    private(set) var trace: [Evaluation.Step?] = []
    private var level = 0
    private var isTracing = true
    private var isDecisive = true

    init(_ expression: Expression, claims: JSON) {
        self.expression = expression
        text = Array(expression.source.utf8)
        var variables = ["claims": Value(claims)]
        if expression.dialect == .bright {
            for name in ["sub", "iss", "aud"] { variables[name] = claims[name].map(Value.init) }
        }
        self.variables = variables
    }

    func position(of offset: Int) -> SourcePosition { SourcePosition(offset: offset, in: text) }

    /// A node's value, noted in the trace if it is worth it.
    mutating func value(of node: Node) throws(Fault) -> Value {
        guard isTracing, node.isWorthTracing, trace.count < 500 else {
            return try plainValue(of: node)
        }
        let place = trace.count
        trace.append(nil)
        level += 1
        defer { level -= 1 }
        do throws(Fault) {
            let value = try plainValue(of: node)
            trace[place] = step(for: node, .value(value.rendered))
            return value
        } catch {
            trace[place] = step(for: node, .error(error.message))
            throw error
        }
    }

    private func step(for node: Node, _ outcome: Evaluation.Step.Outcome) -> Evaluation.Step {
        let source = String(decoding: text[node.range], as: UTF8.self)
        let isLong = source.count > Limits.rendered
        return Evaluation.Step(
            source: isLong ? source.prefix(Limits.rendered) + "…" : source,
            position: position(of: node.range.lowerBound),
            level: level - 1,
            outcome: outcome,
            isDecisive: isDecisive
        )
    }

    /// A fault without a place gets the innermost node's.
    private mutating func plainValue(of node: Node) throws(Fault) -> Value {
        do throws(Fault) {
            try meter.charge()
            return try evaluate(node)
        } catch {
            var fault = error
            fault.offset = fault.offset ?? node.offset
            throw fault
        }
    }

    private mutating func evaluate(_ node: Node) throws(Fault) -> Value {
        switch node.kind {
        case .literal(let value): return value
        case .name(let name): return try variable(name)
        case .select(let target, let field):
            return try Self.field(field, of: try valueOfPath(target))
        case .has(let target, let field):
            guard case .map(let map) = try valueOfPath(target) else {
                throw Fault("has() looks for a field in something that has none")
            }
            return .bool(map[.string(field)] != nil)
        case .index(let target, let index):
            let container = try valueOfPath(target)
            return try Self.element(of: container, at: try value(of: index))
        case .not(let operand): return .bool(!(try bool(operand, "!")))
        case .negate(let operand): return try Arithmetic.negated(try value(of: operand))
        case .and(let operands): return .bool(try decide(operands, by: false))
        case .or(let operands): return .bool(try decide(operands, by: true))
        case .conditional(let condition, let first, let second):
            return try value(of: try bool(condition, "? :") ? first : second)
        case .binary(let operation, let left, let right):
            let left = try value(of: left)
            return try apply(operation, left, try value(of: right))
        case .list(let elements): return .list(try values(of: elements))
        case .map(let entries): return try map(of: entries)
        case .loop(let loop): return try run(loop)
        case .call(let name, let arguments):
            return try call(name, try values(of: arguments))
        case .method(let target, let name, let arguments):
            let receiver = try value(of: target)
            return try call(name, [receiver] + (try values(of: arguments)))
        }
    }

    private func variable(_ name: String) throws(Fault) -> Value {
        if let found = scope.last(where: { $0.name == name }) { return found.value }
        if let value = variables[name] { return value }
        if Declarations.types.contains(name) { return .type(name) }
        throw Fault("the token has no \(name)")
    }

    /// The container of a field: its own parts are in the trace by the whole path.
    private mutating func valueOfPath(_ node: Node) throws(Fault) -> Value {
        guard node.isPath else { return try value(of: node) }
        let outer = isTracing
        isTracing = false
        defer { isTracing = outer }
        return try value(of: node)
    }

    private mutating func values(of nodes: [Node]) throws(Fault) -> [Value] {
        var values: [Value] = []
        for node in nodes { values.append(try value(of: node)) }
        return values
    }

    private mutating func map(of entries: [Node.MapEntry]) throws(Fault) -> Value {
        var map = MapValue()
        for entry in entries {
            let key = try value(of: entry.key)
            guard MapValue.canBeKey(key) else {
                throw Fault("a \(key.typeName) can be no key of a map")
            }
            guard map.insert(key, try value(of: entry.value)) else {
                throw Fault("a map has the key \(key.rendered) twice")
            }
        }
        return .map(map)
    }

    private mutating func bool(_ node: Node, _ operation: String) throws(Fault) -> Bool {
        let value = try value(of: node)
        guard case .bool(let bool) = value else {
            var fault = Fault.noOverload(operation, value)
            fault.offset = node.range.lowerBound
            throw fault
        }
        return bool
    }
}

extension Evaluator {
    /// `||` (decided by `true`) and `&&` (by `false`): an operand that decides absorbs the errors of
    /// all others, whatever their order.
    private mutating func decide(_ operands: [Node], by deciding: Bool) throws(Fault) -> Bool {
        var first: Fault?
        var isDecided = false
        for operand in operands {
            if isDecided {
                if !isTracing { break }
                look(at: operand)
                continue
            }
            do throws(Fault) {
                isDecided = try bool(operand, deciding ? "||" : "&&") == deciding
            } catch {
                if error.isFatal { throw error }
                first = first ?? error
            }
        }
        if isDecided { return deciding }
        if let first { throw first }
        return !deciding
    }

    /// Evaluates what a service would pass over, for the trace alone.
    private mutating func look(at node: Node) {
        let wasDecisive = isDecisive
        if wasDecisive { swap(&meter, &spareMeter) }
        isDecisive = false
        do throws(Fault) {
            _ = try value(of: node)
        } catch {
            // The trace has it.
        }
        isDecisive = wasDecisive
        if wasDecisive { swap(&meter, &spareMeter) }
    }

    private static func field(_ name: String, of value: Value) throws(Fault) -> Value {
        guard case .map(let map) = value else {
            throw Fault("a \(value.typeName) has no fields (.\(name.printable))")
        }
        guard let field = map[.string(name)] else { throw .noKey(name, shown: name.printable) }
        return field
    }

    private static func element(of container: Value, at index: Value) throws(Fault) -> Value {
        switch container {
        case .map(let map):
            if let value = map[index] { return value }
            guard MapValue.canBeKey(index) || index.isNumber else {
                throw .noOverload("[ ]", container, index)
            }
            if case .string(let name) = index { throw .noKey(name, shown: index.rendered) }
            throw .noKey(index.rendered, shown: index.rendered)
        case .list(let elements):
            guard let place = index.wholeNumber else { throw .noOverload("[ ]", container, index) }
            guard elements.indices.contains(place) else {
                throw Fault("the index \(place) is outside a list of \(elements.count)")
            }
            return elements[place]
        default: throw .noOverload("[ ]", container, index)
        }
    }

    private mutating func run(_ loop: Node.Loop) throws(Fault) -> Value {
        let elements: [Value]
        let over = try value(of: loop.over)
        switch over {
        case .list(let list): elements = list
        case .map(let map): elements = map.keys
        default: throw .noOverload("\(loop.macro.rawValue)()", over)
        }
        let outer = isTracing
        isTracing = false
        scope.append((loop.variable, .null))
        defer {
            isTracing = outer
            scope.removeLast()
        }
        switch loop.macro {
        case .all: return .bool(try fold(loop, elements, by: false))
        case .exists: return .bool(try fold(loop, elements, by: true))
        case .existsOne:
            var count = 0
            for element in elements where try holds(loop.body, loop, for: element) { count += 1 }
            return .bool(count == 1)
        case .filter:
            var kept: [Value] = []
            for element in elements where try holds(loop.body, loop, for: element) {
                kept.append(element)
            }
            return .list(kept)
        case .map: return .list(try mapped(loop, elements))
        }
    }

    private mutating func holds(
        _ node: Node,
        _ loop: Node.Loop,
        for element: Value
    ) throws(Fault) -> Bool {
        scope[scope.count - 1].value = element
        return try bool(node, "\(loop.macro.rawValue)()")
    }

    /// `all` and `exists` are chains of `&&` and `||` over the elements.
    private mutating func fold(
        _ loop: Node.Loop,
        _ elements: [Value],
        by deciding: Bool
    ) throws(Fault) -> Bool {
        var first: Fault?
        for element in elements {
            do throws(Fault) {
                if try holds(loop.body, loop, for: element) == deciding { return deciding }
            } catch {
                if error.isFatal { throw error }
                first = first ?? error
            }
        }
        if let first { throw first }
        return !deciding
    }

    private mutating func mapped(
        _ loop: Node.Loop,
        _ elements: [Value]
    ) throws(Fault) -> [Value] {
        var results: [Value] = []
        for element in elements {
            if let condition = loop.condition {
                guard try holds(condition, loop, for: element) else { continue }
            }
            scope[scope.count - 1].value = element
            results.append(try value(of: loop.body))
        }
        return results
    }
}

extension Node {
    /// A name, or fields and literal indices of one.
    var isPath: Bool {
        switch kind {
        case .name: true
        case .select(let target, _): target.isPath
        case .index(let target, let index): target.isPath && index.isLiteral
        default: false
        }
    }

    private var isLiteral: Bool {
        switch kind {
        case .literal: true
        case .list(let elements): elements.allSatisfy(\.isLiteral)
        default: false
        }
    }

    /// Literals, and the token as a whole, are no news.
    fileprivate var isWorthTracing: Bool {
        if case .name("claims") = kind { return false }
        return !isLiteral
    }
}

extension Value {
    var isNumber: Bool {
        switch self {
        case .int, .uint, .double: true
        default: false
        }
    }

    /// An index, which may be of any number type if it is whole.
    var wholeNumber: Int? {
        switch self {
        case .int(let value): Int(exactly: value)
        case .uint(let value): Int(clamping: value)
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }
}
