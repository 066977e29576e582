import Federation
import RegularExpressions
import Text

/// What names and functions mean to a service that takes all of CEL's standard definitions; anything
/// else is refused before an evaluation, as a CEL compiler does.
struct Declarations {
    static let types = [
        "bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint",
    ]
    /// With the number of arguments.
    static let functions: [String: ClosedRange<Int>] = [
        "size": 1...1, "matches": 2...2, "int": 1...1, "uint": 1...1, "double": 1...1,
        "string": 1...1, "bytes": 1...1, "bool": 1...1, "timestamp": 1...1, "duration": 1...1,
        "type": 1...1, "dyn": 1...1,
    ]
    static let methods: [String: ClosedRange<Int>] = [
        "size": 0...0, "contains": 1...1, "startsWith": 1...1, "endsWith": 1...1, "matches": 1...1,
        "getFullYear": 0...1, "getMonth": 0...1, "getDate": 0...1, "getDayOfMonth": 0...1,
        "getDayOfWeek": 0...1, "getDayOfYear": 0...1, "getHours": 0...1, "getMinutes": 0...1,
        "getSeconds": 0...1, "getMilliseconds": 0...1,
    ]
    private static let macros = ["has", "all", "exists", "exists_one", "map", "filter"]
    /// Claims that people write without `claims.` before them.
    private static let registered = ["iss", "sub", "aud", "exp", "iat", "nbf", "jti"]

    let dialect: Dialect

    func check(_ node: Node, scope: Set<String> = []) throws(SyntaxFault) {
        var inner = scope
        switch node.kind {
        case .name(let name): try check(name, scope: scope, at: node.offset)
        case .call(let name, let arguments):
            try check(name, arguments.count, among: Self.functions, at: node.offset)
            if name == "matches" { try checkPattern(arguments[1]) }
        case .method(_, let name, let arguments):
            try check(name, arguments.count, among: Self.methods, at: node.offset)
            if name == "matches" { try checkPattern(arguments[0]) }
        case .loop(let loop):
            try check(loop.over, scope: scope)
            inner.insert(loop.variable)
            if let condition = loop.condition { try check(condition, scope: inner) }
            return try check(loop.body, scope: inner)
        default: break
        }
        for child in node.kind.children { try check(child, scope: inner) }
    }

    private func check(
        _ name: String,
        scope: Set<String>,
        at offset: Int
    ) throws(SyntaxFault) {
        let known = dialect.variables + Self.types
        if known.contains(name) || scope.contains(name) { return }
        let isClaim = Self.registered.contains(name)
        let guess = nearest(to: name, among: known + scope)
        throw SyntaxFault(
            "'\(name.printable)' is not declared",
            at: offset,
            rule: "\(dialect.name) gives the variable claims",
            hint: isClaim ? "did you mean claims.\(name)?" : guess.map { "did you mean \($0)?" }
        )
    }

    private func check(
        _ name: String,
        _ count: Int,
        among known: [String: ClosedRange<Int>],
        at offset: Int
    ) throws(SyntaxFault) {
        guard let arity = known[name] else {
            let guess = nearest(to: name, among: known.keys.sorted() + Self.macros)
            throw SyntaxFault(
                "the function \(name.printable)() is not known",
                at: offset,
                rule: "\(dialect.name) takes contains, startsWith, endsWith, matches, size and "
                    + "CEL's standard functions",
                hint: guess.map { "did you mean \($0)?" }
            )
        }
        if !arity.contains(count) {
            throw SyntaxFault(
                "\(name)() does not take \(count) argument\(count == 1 ? "" : "s")",
                at: offset
            )
        }
    }

    /// A pattern that is written out is looked at before any evaluation.
    private func checkPattern(_ node: Node) throws(SyntaxFault) {
        guard case .literal(.string(let pattern)) = node.kind else { return }
        do throws(RegexError) {
            _ = try RegularExpression(pattern)
        } catch {
            throw SyntaxFault(
                "the regular expression \(error.reason)",
                at: node.offset,
                rule: "matches() takes RE2 syntax",
                hint: error.hint
            )
        }
    }
}
