package import Kernel
package import Text

/// What a service gave in exchange for a subject token.
package struct Credential: Sendable {
    /// What the value is, which decides what the formats make of it.
    package enum Kind: Equatable, Sendable {
        /// `value` is the base64 of a service-account JSON document.
        case mondoo
        /// `value` is an OAuth access token; `type` is its `token_type` ("Bearer"), `scheme` the
        /// word before it in an `Authorization` header.
        case accessToken(type: String, scheme: String)
        /// `value` is the document of ``AWSSessionKey``.
        case awsSession
    }

    package let kind: Kind
    package let value: Secret
    /// In the service's time; for display.
    package let issuedAt: WallTime
    /// In the service's time; for display.
    package let expiresAt: WallTime
    /// Seconds from issue to expiry, as the service sees it.
    package let lifetime: Double
    /// From when the lifetime counts, on the machine's boot-time clock: when the request for it was sent,
    /// so that a reply that took long does not live longer for it.
    package let receivedAt: BootInstant

    package init(
        kind: Kind,
        value: Secret,
        issuedAt: WallTime,
        lifetime: Double,
        receivedAt: BootInstant
    ) {
        self.kind = kind
        self.value = value
        self.issuedAt = issuedAt
        self.expiresAt = issuedAt.advanced(bySeconds: lifetime)
        self.lifetime = lifetime
        self.receivedAt = receivedAt
    }

    /// The longest lifetime that is believed, in seconds: a year. An absurd one would keep an account
    /// from ever being refreshed.
    package static let longestLifetime = 365.0 * 86_400

    /// The deadline after which it counts as expired, whatever the wall clock says.
    package var expiry: BootInstant { receivedAt.advanced(bySeconds: lifetime) }
}

extension Credential {
    /// The credential as it stands in a result line or a state file: secret, for a pipe or a 0600 file.
    package var json: JSON {
        var members: [String: JSON] = [
            "value": .string(value.text),
            "issuedAt": .number(issuedAt.secondsSinceEpoch),
            "lifetime": .number(lifetime),
            "receivedAt": .integer(receivedAt.nanoseconds),
        ]
        switch kind {
        case .mondoo: members["kind"] = "mondoo"
        case .awsSession: members["kind"] = "aws-session"
        case .accessToken(let type, let scheme):
            members["kind"] = "access-token"
            members["tokenType"] = .string(type)
            members["scheme"] = .string(scheme)
        }
        return .object(members)
    }

    /// What the worker checked is checked again, for a worker may have been taken over: a line feed in a
    /// value would be another header, another command to a CI runner.
    package init?(json: JSON) {
        guard let value = json["value"]?.string, Self.isPlain(value),
            value.utf8.count <= Self.longestValue(json["kind"]?.string),
            let issuedAt = json["issuedAt"]?.time,
            let lifetime = json["lifetime"]?.time, lifetime > 0,
            case .integer(let received)? = json["receivedAt"], received >= 0
        else { return nil }
        let kind: Kind
        switch json["kind"]?.string {
        case "mondoo": kind = .mondoo
        case "aws-session":
            guard AWSSessionKey(document: Secret(value)) != nil else { return nil }
            kind = .awsSession
        case "access-token":
            let type = json["tokenType"]?.string ?? "Bearer"
            let scheme = json["scheme"]?.string ?? "Bearer"
            guard Self.isPlain(type), Self.isPlain(scheme),
                max(type.utf8.count, scheme.utf8.count) <= Self.longestWord
            else { return nil }
            kind = .accessToken(type: type, scheme: scheme)
        default: return nil
        }
        self.init(
            kind: kind,
            value: Secret(value),
            issuedAt: WallTime(secondsSinceEpoch: issuedAt),
            lifetime: min(lifetime, Self.longestLifetime),
            receivedAt: BootInstant(nanoseconds: received)
        )
    }

    /// The same, received at the nearest instant of the period: nobody can have received it before
    /// it was asked for, or in the future.
    func received(within period: ClosedRange<BootInstant>) -> Credential {
        Credential(
            kind: kind,
            value: value,
            issuedAt: issuedAt,
            lifetime: lifetime,
            receivedAt: min(max(receivedAt, period.lowerBound), period.upperBound)
        )
    }

    /// In bytes: base64 of a document of 1 MiB, or a token. RFC 6749 sets no limit; 64 KiB is generous.
    private static func longestValue(_ kind: String?) -> Int {
        kind == "mondoo" ? (1 << 20) * 4 / 3 + 4 : 65_536
    }

    private static let longestWord = 300

    /// Visible ASCII, which is all that tokens and base64 are made of. RFC 6749 A.12
    private static func isPlain(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.isVisibleASCII
    }
}
