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
        let text = code.joined(separator: "\n")
        return text.matches(of: /\b(func|init|deinit)\b/).compactMap { match in
            if text[..<match.range.lowerBound].last == "." { return nil }
            return body(of: text, from: match.range)
        }
    }

    private func body(of text: String, from start: Range<String.Index>) -> FunctionBody? {
        let line = text[..<start.lowerBound].count { $0 == "\n" }
        var length = 1
        var round = 0
        var braces = 0
        for character in text[start.upperBound...] {
            switch character {
            case "\n": length += 1
            case "(", "[": round += 1
            case ")", "]": round -= 1
            case "{" where round == 0 || braces > 0: braces += 1
            case "}" where round == 0 || braces > 0:
                braces -= 1
                if braces == 0 { return FunctionBody(line: line, length: length) }
                if braces < 0 { return nil }
            default: break
            }
            if braces == 0 && round == 0 && length > 1 && startsDeclaration(line + length - 1) {
                return nil
            }
        }
        return nil
    }

    /// Whether a line starts another declaration, so that the function before it has no body (a
    /// protocol's requirement).
    private func startsDeclaration(_ index: Int) -> Bool {
        index < code.count
            && code[index].prefixMatch(
                of: /\s*(@\w+ )*(static |mutating )*(func|init|var|let|associatedtype)\b/
            ) != nil
    }
}
