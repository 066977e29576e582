import Text

/// A part of a page's sample value that was to be replaced, and was not: `YOUR_SPACE_ID`,
/// `TENANT_ID`, `<SPACE-ID>`, `${TENANT}`.
struct Placeholder {
    /// As it stands in the value.
    let text: String

    /// The first placeholder in a value; `nil` where it has none.
    init?(in value: String) {
        let brackets: [(open: String, close: Character)] = [
            ("<", ">"), ("${", "}"), ("{{", "}"), ("$(", ")"), ("[your", "]"), ("[YOUR", "]"),
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
        let words = value.split {
            !($0.isASCII && ($0.isLetter || $0.isNumber || "_-".contains($0)))
        }
        guard let word = words.first(where: { Self.isSample(String($0)) }) else { return nil }
        text = String(word)
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
    func hint(isPath: Bool) -> String {
        let start = text.hasPrefix("$") ? "variables are not expanded here: " : ""
        guard !isPath else { return "\(start)write the absolute path, from / on" }
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
