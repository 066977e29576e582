import Federation
package import Text

/// A claim and the value Mondoo wants it to have, beside issuer and subject.
package struct ClaimMapping: Equatable, Sendable {
    /// Whose claims are meant.
    package enum Origin: String, Sendable, CaseIterable {
        /// A JWT's.
        case jwt = "jwt_claims"
        /// What AWS answers to GetCallerIdentity.
        case aws = "aws_claims"
    }

    /// What a token's claims say to a mapping.
    package enum Outcome: Equatable, Sendable {
        case matches
        /// Equal by a rule that Mondoo's pages do not state; `why` names it.
        case undocumented(why: String)
        /// What the token has instead, as CEL would write it.
        case differs(found: String)
        /// There is no such claim; `near` is one that may have been meant.
        case missing(near: String?)
    }

    package let origin: Origin
    /// What follows the first dot of the key.
    package let name: String
    package let value: String

    /// The key as Mondoo's console takes it: `jwt_claims.repository`.
    package var key: String { "\(origin.rawValue).\(name)" }

    private static let awsNames = ["account", "arn", "userid"]
    private static let rule = "a mapping is jwt_claims.NAME or aws_claims.account, .arn or .userid"

    /// Parses `KEY = VALUE`, as Mondoo's pages and `claims --for mondoo` write it: the first `=` divides,
    /// and blanks around it mean nothing.
    /// - Throws: ``PolicyError`` for a text of another form and a key that Mondoo does not know.
    package init(parsing text: String) throws(PolicyError) {
        guard let (key, value) = text.keyAndValue else {
            throw PolicyError(
                "the mapping \(text.printable) has no =",
                rule: "a mapping is written KEY = VALUE"
            )
        }
        try self.init(key: key, value: value)
    }

    /// - Throws: ``PolicyError`` for a key that Mondoo does not know, a value that is empty, and blanks
    ///   at an end of either, which nothing would ever be equal to.
    package init(key: String, value: String) throws(PolicyError) {
        let dot = key.firstIndex(of: ".") ?? key.endIndex
        let name = key[dot...].dropFirst()
        guard let origin = Origin(rawValue: String(key[..<dot])) else {
            let guess = nearest(to: String(key[..<dot]), among: Origin.allCases.map(\.rawValue))
            throw PolicyError(
                "the mapping \(key.printable) has an unknown prefix",
                rule: Self.rule,
                hint: guess.map { "did you mean \($0).\(name.isEmpty ? "NAME" : String(name))?" }
                    ?? (key.isEmpty ? nil : "write jwt_claims.\(key.printable)")
            )
        }
        if name.isEmpty || name.utf8.count > 512 {
            throw PolicyError("the mapping \(key.printable) names no claim", rule: Self.rule)
        }
        if origin == .aws, !Self.awsNames.contains(String(name)) {
            let guess = nearest(to: String(name), among: Self.awsNames)
            throw PolicyError(
                "the mapping \(key.printable) names nothing that AWS states",
                rule: Self.rule,
                hint: guess.map { "did you mean aws_claims.\($0)?" }
            )
        }
        if value.isEmpty {
            throw PolicyError("the mapping \(key.printable) has an empty value", rule: Self.rule)
        }
        if key.hasBlankEnd || value.hasBlankEnd {
            throw PolicyError(
                "the mapping \(key.printable) has a space before or after its key or value",
                rule: "Mondoo compares both as they are",
                hint: "remove the space"
            )
        }
        (self.origin, self.name, self.value) = (origin, String(name), value)
    }

    /// Compares the mapping with a token's claims, or with AWS's answer for `aws_claims`.
    package func outcome(claims: JSON) -> Outcome {
        if origin == .aws {
            return compared(callerIdentity(name, in: claims), isDocumented: true, in: claims)
        }
        if let found = claims[name] { return compared(found, isDocumented: true, in: claims) }
        // The page has one nested claim, kubernetes.io/namespace, and no rule for others.
        let isDocumented = name.hasPrefix("kubernetes.io/") && name.count { $0 == "/" } == 1
        return compared(nested(name[...], in: claims), isDocumented: isDocumented, in: claims)
    }

    private func compared(_ found: JSON?, isDocumented: Bool, in claims: JSON) -> Outcome {
        guard let found, found != .null else { return .missing(near: near(claims)) }
        switch found {
        case .string(let text):
            guard text.isSame(as: value) else { return .differs(found: found.rendered) }
            return isDocumented ? .matches : .undocumented(why: "the claim is within another")
        case .array(let elements)
        where elements.contains { text(of: $0)?.isSame(as: value) == true }:
            return .undocumented(why: "the claim is a list that holds the value")
        case .bool, .integer, .number:
            guard text(of: found)?.isSame(as: value) == true else {
                return .differs(found: found.rendered)
            }
            return .undocumented(why: "the claim is \(found.kind), not a string")
        default: return .differs(found: found.rendered)
        }
    }

    /// The claim that may have been meant: of a similar name, or one that begins with this one.
    private func near(_ claims: JSON) -> String? {
        let names = (claims.object ?? [:]).keys.sorted()
        return nearest(to: name, among: names)
            ?? names.first { $0.lowercased().hasPrefix(name.lowercased()) }
    }

    private func text(of value: JSON) -> String? {
        switch value {
        case .string(let text): text
        case .bool, .integer, .number: String(decoding: value.serialized(), as: UTF8.self)
        default: nil
        }
    }

    /// A member of an object named by the part before a `/` or `.`: `kubernetes.io/namespace` reaches
    /// into `kubernetes.io`.
    private func nested(_ name: Substring, in object: JSON) -> JSON? {
        for index in name.indices where name[index] == "/" || name[index] == "." {
            guard let inner = object[String(name[..<index])], inner.object != nil else { continue }
            let rest = name[name.index(after: index)...]
            if let value = inner[String(rest)] ?? nested(rest, in: inner) { return value }
        }
        return nil
    }
}

/// A field of GetCallerIdentity's answer, whose names AWS writes `Account`, `Arn`, `UserId`.
func callerIdentity(_ name: String, in claims: JSON) -> JSON? {
    let members = claims.object ?? [:]
    return members[name] ?? members.first { $0.key.lowercased() == name }?.value
}

extension String {
    /// Byte by byte, where `==` takes canonically equivalent texts for the same.
    func isSame(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }

    /// Whether it begins or ends with a blank.
    package var hasBlankEnd: Bool { trimmed != self }

    /// What stands before and after the first `=`, without the spaces around them; `nil` where there is
    /// no `=`.
    package var keyAndValue: (key: String, value: String)? {
        let parts = split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        return (String(parts[0]).trimmed, String(parts[1]).trimmed)
    }
}
