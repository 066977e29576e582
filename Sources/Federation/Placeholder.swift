import Text

/// A part of a page's sample value that was to be replaced, and was not: `YOUR_SPACE_ID`,
/// `TENANT_ID`, `<SPACE-ID>`, `${TENANT}`.
struct Placeholder {
    /// As it stands in the value.
    let text: String

    /// The first placeholder in a value; `nil` where it has none.
    init?(in value: String) {
        let brackets: [(open: String, close: Character)] = [("<", ">"), ("${", "}"), ("{{", "}")]
        for (open, close) in brackets {
            guard let start = value.firstRange(of: open),
                let end = value[start.upperBound...].firstIndex(of: close)
            else { continue }
            text = String(value[start.lowerBound...end])
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
        guard word == word.uppercased(), word.contains(where: \.isLetter) else { return false }
        let plain = word.split { "-_".contains($0) }.joined(separator: " ")
        if plain.hasPrefix("YOUR ") { return true }
        return [
            "SPACE ID", "TENANT ID", "ORG ID", "ORGANIZATION ID", "PROJECT ID", "PROJECT NUMBER",
            "ACCOUNT ID", "CLIENT ID", "CHANGEME", "CHANGE ME",
        ].contains(plain)
    }

    /// What belongs there.
    var hint: String {
        let kinds = [
            ("SPACE", "the space's id"), ("TENANT", "the tenant's id"),
            ("ORG", "the organization's id"), ("PROJECT", "the project's id"),
            ("ACCOUNT", "the account's id"), ("CLIENT", "the client's id"),
        ]
        let kind = kinds.first { text.uppercased().contains($0.0) }?.1 ?? "the value itself"
        return "write \(kind) in place of \(text.printable)"
    }
}

extension KeyedValues {
    /// Refuses values that are a page's sample.
    /// - Throws: ``AccountError`` that names the key and the placeholder.
    func checkPlaceholders() throws(AccountError) {
        let keys = [
            "universeDomain", "audience", "issuerUri", "tokenUrl", "clientId", "projectId",
            "tokenAudience", "roleArn",
        ]
        for key in keys {
            guard let value = peek(key), let placeholder = Placeholder(in: value) else { continue }
            throw error(
                key,
                "holds the placeholder \(placeholder.text.printable)",
                hint: placeholder.hint
            )
        }
    }
}
