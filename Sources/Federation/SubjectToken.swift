package import Kernel
package import Text

/// The proof of identity that a platform gave (RFC 8693's subject token).
package struct SubjectToken: Sendable {
    package let value: Secret
    /// The token source's word ("gcp"); which way it went where a source has several ("azure imds").
    package let source: String
    /// Whether the source can give another one later; a CI job's variable cannot.
    package let isRenewable: Bool
    /// What the token says of itself; `nil` for one that is no JWT.
    package let claims: TokenClaims?

    package init(_ value: Secret, source: String, isRenewable: Bool = true) {
        self.value = value
        self.source = source
        self.isRenewable = isRenewable
        self.claims = TokenClaims(decoding: value)
    }
}

/// The claims of a JWT, decoded and not verified: that is the service's task. RFC 7519
package struct TokenClaims: Sendable, Equatable {
    package let header: JSON
    package let all: JSON

    /// Decodes a compact JWS; `nil` if it is none.
    package init?(decoding token: Secret) {
        var bytes = token.bytes
        defer { wipe(&bytes) }
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }),
            let header = Self.object(parts[0]), let payload = Self.object(parts[1]),
            base64URLDecoded(String(decoding: parts[2], as: UTF8.self)) != nil
        else { return nil }
        self.header = header
        self.all = payload
    }

    private static func object(_ part: ArraySlice<UInt8>) -> JSON? {
        guard let bytes = base64URLDecoded(String(decoding: part, as: UTF8.self)) else {
            return nil
        }
        do throws(JSONError) {
            let value = try JSON(parsing: bytes)
            return value.object == nil ? nil : value
        } catch {
            return nil
        }
    }

    package var issuer: String? { all["iss"]?.string }
    package var subject: String? { all["sub"]?.string }

    /// `aud`, a string or an array of them.
    package var audiences: [String] {
        switch all["aud"] {
        case .string(let audience): [audience]
        case .array(let audiences): audiences.compactMap(\.string)
        case .null, .bool, .integer, .number, .object, nil: []
        }
    }

    /// Seconds since 1970; fractions are cut off.
    package var issuedAt: Double? { all["iat"]?.lenientNumber?.rounded(.down) }
    /// Seconds since 1970; fractions are cut off.
    package var expiresAt: Double? { all["exp"]?.lenientNumber?.rounded(.down) }

    /// Whether the token's issuer is this one, a trailing `/` ignored.
    package func isIssued(by other: String) -> Bool {
        guard let issuer else { return false }
        let strip: (String) -> Substring = { $0.hasSuffix("/") ? $0.dropLast() : $0[...] }
        return strip(issuer) == strip(other)
    }
}
