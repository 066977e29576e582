/// What a GraphQL document selects, as far as Mondoo's four calls need: names and nested names. Arguments
/// are skipped, since they come as variables. https://spec.graphql.org/October2021/#sec-Selection-Sets
struct GraphQLDocument {
    indirect enum Selection {
        case leaf
        case fields([(name: String, selection: Selection)])
    }

    /// The root field and what is selected of it.
    let field: String
    let selection: Selection

    /// `nil` for what is no document with one root field.
    init?(_ text: String) {
        var tokens = Self.tokens(text)[...]
        // "query Name($x: T!)" may stand before the first brace.
        while let token = tokens.first, token != "{" {
            tokens.removeFirst()
            if token == "(" { Self.skipArguments(&tokens) }
        }
        guard case .fields(let roots)? = Self.selection(&tokens, depth: 0), tokens.isEmpty,
            roots.count == 1, let root = roots.first
        else { return nil }
        field = root.name
        selection = root.selection
    }

    private static func tokens(_ text: String) -> [String] {
        var tokens: [String] = []
        var word = ""
        for character in text {
            if character.isLetter || character.isNumber || character == "_" {
                word.append(character)
                continue
            }
            if !word.isEmpty { tokens.append(word) }
            word = ""
            if !character.isWhitespace, character != "," { tokens.append(String(character)) }
        }
        return word.isEmpty ? tokens : tokens + [word]
    }

    private static func skipArguments(_ tokens: inout ArraySlice<String>) {
        var depth = 1
        while depth > 0, let token = tokens.popFirst() {
            depth += token == "(" ? 1 : token == ")" ? -1 : 0
        }
    }

    private static func selection(
        _ tokens: inout ArraySlice<String>,
        depth: Int
    ) -> Selection? {
        guard tokens.popFirst() == "{", depth < 10 else { return nil }
        var fields: [(String, Selection)] = []
        while let name = tokens.popFirst(), name != "}" {
            guard let first = name.first, first.isLetter || first == "_" else { return nil }
            if tokens.first == "(" {
                tokens.removeFirst()
                skipArguments(&tokens)
            }
            var inner = Selection.leaf
            if tokens.first == "{" {
                guard let found = selection(&tokens, depth: depth + 1) else { return nil }
                inner = found
            }
            fields.append((name, inner))
        }
        return fields.isEmpty ? nil : .fields(fields)
    }
}
