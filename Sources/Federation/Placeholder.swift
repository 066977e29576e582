import Text

/// A part of a page's sample value that was to be replaced, and was not: `YOUR_SPACE_ID`,
/// `TENANT_ID`, `<SPACE-ID>`, `${TENANT}`.
package struct Placeholder {
    /// As it stands in the value.
    let text: String

    /// The first placeholder in a value; `nil` where it has none.
    init?(in value: String) {
        let brackets: [(open: String, close: Character)] = [
            ("<", ">"), ("${", "}"), ("{{", "}"), ("$(", ")"), ("[your", "]"), ("[YOUR", "]"),
            ("#{", "}"), ("((", ")"),
        ]
        for (open, close) in brackets {
            guard let start = value.firstRange(of: open),
                let end = value[start.upperBound...].firstIndex(of: close)
            else { continue }
            // Of {{name}} both of the last brackets.
            let rest = value[end...].prefix { $0 == close }.prefix(open.count)
            text = String(value[start.lowerBound..<end]) + rest
            return
        }
        if let dollar = value.firstIndex(of: "$"),
            dollar == value.startIndex || !value[..<dollar].hasSuffixOfName,
            let first = value[value.index(after: dollar)...].first, first.isLetter || first == "_"
        {
            let name = value[value.index(after: dollar)...].prefix {
                $0.isLetter || $0.isNumber || $0 == "_"
            }
            text = "$" + name
            return
        }
        if let marked = Self.marked(value) {
            text = marked
            return
        }
        let words = value.split {
            !($0.isASCII && ($0.isLetter || $0.isNumber || "_-".contains($0)))
        }
        guard let word = words.first(where: { Self.isSample(String($0)) }) else { return nil }
        text = String(word)
    }

    /// The part of a variable's value that is a template which nothing has replaced, such as
    /// `$(System.AccessToken)`; `nil` for any other value. Neither tokens nor URLs look so.
    package static func unexpanded(in value: String) -> String? {
        for (open, close): (String, Character) in [
            ("${{", "}"), ("${", "}"), ("$(", ")"), ("{{", "}"), ("$[", "]"),
        ] {
            guard let start = value.firstRange(of: open),
                let end = value[start.upperBound...].firstIndex(of: close)
            else { continue }
            let rest = value[end...].prefix { $0 == close }.prefix(2)
            return String(value[start.lowerBound..<end]) + rest
        }
        let value = value.trimmed
        guard let first = value.first, let last = value.last, value.count > 2 else { return nil }
        let inner = value.dropFirst()
        let isName = { (text: Substring) in
            text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        }
        if first == "$", isName(inner) { return value }
        if first == "%", last == "%", isName(inner.dropLast()) { return value }
        // A page or a document is another matter.
        let isPage = inner.dropLast().contains { "<>/=".contains($0) } || value.count > 60
        return first == "<" && last == ">" && !isPage ? value : nil
    }

    /// A name in capitals between two signs, as Windows (`%NAME%`) and some templates (`@NAME@`) have it.
    private static func marked(_ value: String) -> String? {
        for sign: Character in ["%", "@"] {
            let parts = value.split(separator: sign, omittingEmptySubsequences: false)
            guard parts.count > 2 else { continue }
            let name = parts.dropFirst().dropLast().first { part in
                // Two digits after % are a sign in a URL.
                part.count > 2 && part.first?.isLetter == true
                    && part.allSatisfy {
                        $0.isASCII && ($0.isUppercase || $0.isNumber || $0 == "_")
                    }
                    && part.contains { $0.isUppercase && !"ABCDEF".contains($0) }
            }
            if let name { return "\(sign)\(name)\(sign)" }
        }
        return nil
    }

    /// The words of the services' own pages, and what people write in their place.
    private static func isSample(_ word: String) -> Bool {
        if word.count > 4, word.hasPrefix("__"), word.hasSuffix("__") { return true }
        let letters = word.filter { $0 != "-" }
        if letters.count > 7, letters.allSatisfy({ $0 == "0" }) { return true }
        if letters.count > 2, letters.allSatisfy({ $0 == "x" || $0 == "X" }) { return true }
        let plain = word.split { "-_".contains($0) }.joined(separator: " ")
        if plain.lowercased().hasPrefix("your ") { return true }
        guard word == word.uppercased(), word.contains(where: \.isLetter) else { return false }
        return samples.contains(plain)
    }

    private static let samples: Set<String> = [
        "SPACE ID", "SPACE", "SPACE MRN", "TENANT ID", "TENANT", "ORG ID", "ORG",
        "ORGANIZATION ID", "PROJECT ID", "PROJECT NUMBER", "ACCOUNT ID", "ACCOUNT", "CLIENT ID",
        "APP ID", "APPLICATION ID", "PROVIDER ID", "POOL ID", "RULE ID", "ROLE", "REALM", "HOST",
        "NAME", "OWNER", "REPOSITORY", "CHANGEME", "CHANGE ME", "REPLACEME", "REPLACE ME", "TODO",
        "FIXME", "PLACEHOLDER",
    ]

    /// What belongs there.
    ///
    /// - Parameters:
    ///   - value: the whole value of the key.
    ///   - example: how to write the key, for a placeholder that is all of its value.
    func hint(in value: String, example: String?, isPath: Bool) -> String {
        let isVariable = text.first.map { "$%#{(@".contains($0) } ?? false
        let start =
            isVariable
            ? "variables are not expanded here, fill them in before (envsubst, the deployment's template): "
            : ""
        guard !isPath else { return "\(start)write the absolute path, from / on" }
        if value == text, let example { return "\(start)\(example)" }
        let kinds = [
            ("SPACE", "the space's id"), ("TENANT", "the tenant's id"),
            ("ORG", "the organization's id"), ("PROJECT", "the project's id"),
            ("ACCOUNT", "the account's id"), ("CLIENT", "the client's id"),
        ]
        let kind = kinds.first { text.uppercased().contains($0.0) }?.1 ?? "the value itself"
        return "\(start)write \(kind) in place of \(text.printable)"
    }
}

extension Substring {
    /// Whether the text ends in a letter or digit.
    fileprivate var hasSuffixOfName: Bool { last.map { $0.isLetter || $0.isNumber } ?? false }
}
