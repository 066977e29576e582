import Federation

/// Whom Mondoo trusts with what: an identity provider of a space, as its console makes it.
struct MondooTrust: Equatable, Sendable {
    /// The `iss` of the tokens.
    var issuer: String
    /// The `sub` of the tokens.
    var subject: String
    /// The MRN of the space or organisation the credential is for.
    var scope: String
    /// What `aud` may be; anything where this is empty.
    var allowedAudiences: [String] = []
    /// `jwt_claims.NAME` and the value that claim must have.
    var mappings: [String: String] = [:]
    /// Seconds that the credential lives; `nil`: as long as the others.
    var expiration: Int64?

    /// Why the token is not accepted; `nil` if it is.
    func objection(to claims: TokenClaims) -> MondooError? {
        guard claims.subject == subject else {
            return MondooError(.permissionDenied, "the token's subject is not the one trusted")
        }
        if !allowedAudiences.isEmpty,
            !claims.audiences.contains(where: allowedAudiences.contains)
        {
            return MondooError(.permissionDenied, "the token's audience is not allowed")
        }
        for (key, value) in mappings.sorted(by: { $0.key < $1.key }) {
            let name = key.dropFirst("jwt_claims.".count)
            guard key.hasPrefix("jwt_claims."),
                let found = claim(at: name, in: claims.all), matches(found, value)
            else {
                return MondooError(.permissionDenied, "the claim mapping \(key) does not match")
            }
        }
        return nil
    }

}

/// Whether a claim has that value, or holds it.
func matches(_ found: JSON, _ value: String) -> Bool {
    switch found {
    case .string(let text): text == value
    case .array(let elements): elements.contains { matches($0, value) }
    case .null, .object: false
    case .bool, .integer, .number: String(decoding: found.serialized(), as: UTF8.self) == value
    }
}

/// The claim of that name; where there is none, a member of a nested object, the path cut at any `/`
/// or `.` (`kubernetes.io/namespace`).
func claim(at name: Substring, in object: JSON) -> JSON? {
    if let value = object[String(name)] { return value }
    for index in name.indices where name[index] == "/" || name[index] == "." {
        guard let inner = object[String(name[..<index])] else { continue }
        if let value = claim(at: name[name.index(after: index)...], in: inner) { return value }
    }
    return nil
}
