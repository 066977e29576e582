import Text

/// What is wrong with the characters of a value, whatever its key means: traces of copying and pasting.
struct ValueFlaw {
    /// Reads after the key.
    let problem: String
    /// The value without the flaw.
    let correction: String

    private init(_ problem: String, _ correction: String) {
        (self.problem, self.correction) = (problem, correction)
    }

    /// The first flaw of a value; `nil` where it has none.
    ///
    /// - Parameter isIdentifier: whether it is an address, an id or a path, which has no quotes or commas at
    ///   its ends.
    init?(in value: String, isIdentifier: Bool) {
        let found =
            Self.strange(value)
            ?? Self.blank(value)
            ?? (isIdentifier ? Self.quoted(value) ?? Self.ended(value) : nil)
        guard let found else { return nil }
        self = found
    }

    // MARK: Characters

    private static func strange(_ value: String) -> ValueFlaw? {
        let scalars = Array(value.unicodeScalars)
        guard let index = scalars.firstIndex(where: { name(of: $0) != nil }),
            let name = name(of: scalars[index])
        else { return nil }
        let before = String(String.UnicodeScalarView(scalars[..<index].suffix(20)))
        let place = index == 0 ? "at its beginning" : "behind \"\(before.printable)\""
        var clean = String.UnicodeScalarView()
        for scalar in scalars {
            if self.name(of: scalar) == nil {
                clean.append(scalar)
            } else if let plain = replacement(of: scalar) {
                clean.append(plain)
            }
        }
        let isControl = scalars[index].value < 0x20
        let code = isControl ? "" : "U+\(hexCode(scalars[index])), "
        return ValueFlaw("holds \(code)\(name), \(place)", String(clean).trimmed)
    }

    /// The digits after `U+`.
    static func hexCode(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16).uppercased()
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    /// What a character is that no value here has; `nil` for all others.
    static func name(of scalar: Unicode.Scalar) -> String? {
        switch scalar.value {
        case 0x0A, 0x0D, 0x2028, 0x2029, 0x85: "a line break"
        case 0x09: "a tab"
        case 0..<0x20, 0x7F..<0xA0: "a control character"
        case 0xAD: "a soft hyphen, which is not seen"
        case 0x200B, 0x200C, 0x200D, 0x2060: "a space of no width, which is not seen"
        case 0xFEFF: "a byte order mark, which is not seen"
        case 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069:
            "a mark for the direction of writing, which is not seen"
        case 0xA0, 0x2000...0x200A, 0x202F, 0x205F, 0x3000: "a space that is no plain one"
        case 0x2018, 0x2019, 0x201A...0x201F, 0xAB, 0xBB: "a typographic quote"
        case 0x2010...0x2015, 0x2212: "a typographic dash"
        case 0x2026: "an ellipsis, as of a text that was cut"
        case 0xFF01...0xFF5E: "a character of full width"
        default: nil
        }
    }

    /// What stands for such a character in JSON outside of strings: a space, a sign, or nothing at all; `nil`
    /// for one that has no such place.
    static func plain(_ scalar: Unicode.Scalar) -> String? {
        switch scalar.value {
        case 0xA0, 0x2000...0x200A, 0x202F, 0x205F, 0x3000, 0x2028, 0x2029, 0x85: " "
        case 0xAD, 0x200B...0x200F, 0x2060, 0xFEFF, 0x202A...0x202E, 0x2066...0x2069: ""
        case 0xFF01...0xFF5E: Unicode.Scalar(scalar.value - 0xFEE0).map { String($0) }
        default: nil
        }
    }

    private static func replacement(of scalar: Unicode.Scalar) -> Unicode.Scalar? {
        switch scalar.value {
        case 0x2010...0x2015, 0x2212: "-"
        case 0xFF01...0xFF5E: Unicode.Scalar(scalar.value - 0xFEE0)
        default: nil
        }
    }

    // MARK: The ends

    private static func blank(_ value: String) -> ValueFlaw? {
        let trimmed = value.trimmed
        guard trimmed != value, !trimmed.isEmpty else { return nil }
        let isBefore = value.first != trimmed.first
        return ValueFlaw("has a space at its \(isBefore ? "beginning" : "end")", trimmed)
    }

    private static func quoted(_ value: String) -> ValueFlaw? {
        let marks: [(Character, Character)] = [("\"", "\""), ("'", "'"), ("`", "`"), ("<", ">")]
        guard value.count > 2,
            marks.contains(where: { value.first == $0.0 && value.last == $0.1 })
        else { return nil }
        // A sample's place in brackets is told of as that.
        if value.first == "<", !value.contains("/") { return nil }
        return ValueFlaw(
            "has \(value.prefix(1)) and \(value.suffix(1)) around it, which become part of it",
            String(value.dropFirst().dropLast()).trimmed
        )
    }

    private static func ended(_ value: String) -> ValueFlaw? {
        guard let last = value.last, ",;".contains(last), value.count > 1 else { return nil }
        return ValueFlaw("ends in \(last)", String(value.dropLast()).trimmed)
    }
}

extension KeyedValues {
    /// Refuses values with characters that none of them has, and samples that were not filled in, here and
    /// in all that stands below.
    /// - Throws: ``AccountError`` that names the key, the character and the value to write.
    func checkValues() throws(AccountError) {
        for (key, value) in allMembers { try check(value, key, key, isServices: false) }
    }

    /// - Parameters:
    ///   - key: under which it stands in the end; `headers` for each of them.
    ///   - isServices: whether the service chooses the value: there OWNER may be the name of a role.
    private func check(
        _ value: JSON,
        _ path: String,
        _ key: String,
        isServices: Bool
    ) throws(AccountError) {
        let isServices = isServices || key == "parameters" || key == "scopes"
        switch value {
        case .string(let text):
            try check(text, path, key, mayBeWord: isServices)
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                try check(element, "\(path)[\(index)]", key, isServices: isServices)
            }
        case .object(let members):
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                let inner = Self.camelCase(name)
                try check(
                    member,
                    "\(path).\(inner.printable)",
                    key == "headers" ? key : inner,
                    isServices: isServices
                )
            }
        case .null, .bool, .integer, .number: break
        }
    }

    /// - Parameter mayBeWord: whether a word in capitals is a value like others.
    private func check(
        _ text: String,
        _ path: String,
        _ key: String,
        mayBeWord: Bool
    ) throws(AccountError) {
        guard !Self.untold.contains(key) else { return }
        let isFree = key == "command" || key == "headers"
        let isIdentifier = Self.identifiers.contains(key)
        if let flaw = ValueFlaw(in: text, isIdentifier: isIdentifier), !isFree {
            throw error(
                path,
                flaw.problem,
                hint: "write it anew: \"\(path)\": \"\(flaw.correction.printable)\""
            )
        }
        guard !Self.namedFreely.contains(key), let placeholder = Placeholder(in: text),
            !(mayBeWord && text.allSatisfy(\.isUppercase))
        else { return }
        // What may be secret is not repeated.
        let shown = key == "headers" ? "a variable or sample" : placeholder.text.printable
        throw error(
            path,
            "holds the placeholder \(shown)",
            hint: key == "headers"
                ? "variables are not expanded here: write the value itself"
                : placeholder.hint(
                    in: text,
                    example: KeyGuess.example(of: key),
                    isPath: Self.paths.contains(key)
                )
        )
    }

    /// Text of any form, and secrets, which no error repeats.
    private static let untold = Set(
        ["template", "jwtToken", "privateKey"] + longLived.map { camelCase($0) }
    )

    private static let paths: Set<String> = [
        "file", "path", "caFile", "pidFile", "directory", "outputFile", "socket",
    ]

    /// The keys whose values may look like a sample: arguments, and names that somebody chose.
    private static let namedFreely: Set<String> = [
        "command", "environment", "variable", "profile", "tag", "signal", "sessionName", "owner",
        "group", "allowUsers", "allowGroups", "key", "name", "subjectTokenFieldName", "credential",
    ]

    /// The keys whose values are addresses, names and paths.
    private static let identifiers: Set<String> = [
        "type", "service", "universeDomain", "audience", "issuerUri", "tokenUrl", "revokeUrl",
        "apiEndpoint", "clientId", "projectId", "tokenAudience", "roleArn", "region", "resource",
        "provider", "file", "environment", "url", "path", "account", "owner", "group", "mode",
        "format", "unit", "pidFile", "caFile", "proxy", "subjectTokenType", "requestedTokenType",
        "grant", "requestFormat", "content", "onExpiry", "variable", "profile", "serviceAccount",
    ]
}
