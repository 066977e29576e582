package import Federation

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
        /// Equal, but by a rule that Mondoo does not document; `why` names it.
        case probablyMatches(why: String)
        /// What the token has instead, as CEL would write it.
        case differs(found: String)
        case missing
    }

    package let origin: Origin
    /// What follows the first dot of the key.
    package let name: String
    package let value: String

    /// The key as Mondoo's console takes it: `jwt_claims.repository`.
    package var key: String { "\(origin.rawValue).\(name)" }

    private static let awsNames = ["account", "arn", "userid"]
    private static let rule = "a mapping is jwt_claims.NAME or aws_claims.account, .arn or .userid"

    /// - Throws: ``PolicyError`` for a key that Mondoo does not know.
    package init(key: String, value: String) throws(PolicyError) {
        let dot = key.firstIndex(of: ".") ?? key.endIndex
        let name = key[dot...].dropFirst()
        guard let origin = Origin(rawValue: String(key[..<dot])) else {
            let guess = nearest(to: String(key[..<dot]), among: Origin.allCases.map(\.rawValue))
            throw PolicyError(
                "the mapping \(key.printable) has an unknown prefix",
                rule: Self.rule,
                hint: guess.map { "did you mean \($0).\(name.isEmpty ? "NAME" : String(name))?" }
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
        (self.origin, self.name, self.value) = (origin, String(name), value)
    }

    /// Compares the mapping with a token's claims, or with AWS's answer for `aws_claims`.
    package func outcome(claims: JSON) -> Outcome {
        let found = origin == .aws ? callerIdentity(name, in: claims) : claim(name[...], in: claims)
        guard let found, found != .null else { return .missing }
        switch found {
        case .string(let text):
            return text.isSame(as: value) ? .matches : .differs(found: found.rendered)
        case .array(let elements)
        where elements.contains { text(of: $0)?.isSame(as: value) == true }:
            return .probablyMatches(why: "the claim is a list that holds the value")
        case .bool, .integer, .number:
            guard text(of: found)?.isSame(as: value) == true else {
                return .differs(found: found.rendered)
            }
            return .probablyMatches(why: "the claim is \(found.kind), not a string")
        default: return .differs(found: found.rendered)
        }
    }

    private func text(of value: JSON) -> String? {
        switch value {
        case .string(let text): text
        case .bool, .integer, .number: String(decoding: value.serialized(), as: UTF8.self)
        default: nil
        }
    }

    /// The claim of that very name; where there is none, a member of an object named by the part
    /// before a `/` or `.`: `kubernetes.io/namespace` reaches into `kubernetes.io`.
    private func claim(_ name: Substring, in object: JSON) -> JSON? {
        if let value = object[String(name)] { return value }
        for index in name.indices where name[index] == "/" || name[index] == "." {
            guard let inner = object[String(name[..<index])], inner.object != nil else { continue }
            if let value = claim(name[name.index(after: index)...], in: inner) { return value }
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
}
