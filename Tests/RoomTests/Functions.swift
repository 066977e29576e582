/// A function, initializer or deinitializer with a body.
struct FunctionBody {
    /// Index of the line with `func`, `init` or `deinit`.
    let line: Int
    /// From that line to the closing brace, both counted.
    let length: Int
}

extension SourceFile {
    /// Every function with a body, found by counting brackets in the masked text.
    var functions: [FunctionBody] {
        code.indices.filter { startsFunction(code[$0]) }.compactMap(body)
    }

    private func startsFunction(_ line: String) -> Bool {
        guard ["func ", "init", "deinit"].contains(where: line.contains) else { return false }
        return line.contains(
            /^\s*(@\w+(\([^)]*\))?\s+|[a-z]+(\([a-z]+\))?\s+)*(func\s|init[?(<]|deinit\b)/
        )
    }

    private func body(_ start: Int) -> FunctionBody? {
        var round = 0
        var braces = 0
        for index in start..<code.count {
            if index > start, braces == 0, round == 0, startsDeclaration(code[index]) {
                return nil
            }
            for byte in code[index].utf8 {
                let isBody = round == 0 || braces > 0
                switch byte {
                case UInt8(ascii: "("), UInt8(ascii: "["): round += 1
                case UInt8(ascii: ")"), UInt8(ascii: "]"): round -= 1
                case UInt8(ascii: "{") where isBody: braces += 1
                case UInt8(ascii: "}") where isBody:
                    braces -= 1
                    if braces == 0 {
                        return FunctionBody(line: start, length: index - start + 1)
                    }
                    if braces < 0 { return nil }
                default: break
                }
            }
        }
        return nil
    }

    /// Whether a line starts another declaration, so that the function before it has no body (a
    /// protocol's requirement).
    private func startsDeclaration(_ line: String) -> Bool {
        line.contains(/^\s*(@\w+ )*(static |mutating )*(func|init|var|let|associatedtype)\b/)
    }
}
