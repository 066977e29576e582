import Kernel
import Text

/// Everything that decides whose credential an account's credential is and who may see it on the way:
/// service, endpoints, audience, scopes, resource, client id, project, impersonation, issuer, token types,
/// grant and parameters, token source with its options, token audience, and the identity of the account whose
/// credential is the subject token.
///
/// Made from all that the account file says except ``unrelatedKeys``, so that a key that is new belongs to
/// the identity until somebody decides otherwise, and from what the environment supplied in its place.
package struct AccountIdentity: Equatable, Sendable {
    /// JSON with sorted keys. Secret, since a token source may be a literal token.
    private let canonical: Secret

    /// The keys that decide how a credential is obtained, delivered and given back, but not whose it is.
    static let unrelatedKeys: Set<String> = [
        "type", "outputs", "onRefresh", "variable", "proxy", "caFile", "lifetime", "revokeOnExit",
    ]

    /// The identity as it was written down; ``text`` gives it back.
    package init(text: String) {
        canonical = Secret(text)
    }

    /// For a private file; secret.
    package var text: String { canonical.text }

    /// For a place that others may read: without the literal token, and without the headers of a source of
    /// tokens. Two accounts that differ in these alone have the same one.
    package var textWithoutSecrets: String { Self.withoutSecrets(text) }

    private static func withoutSecrets(_ text: String) -> String {
        var members = members(of: Array(text.utf8))
        guard !members.isEmpty else { return text }
        if var file = members["file"]?.object {
            file["jwtToken"] = nil
            for role in TokenRole.allCases {
                guard var source = file[role.key]?.object else { continue }
                source["headers"] = nil
                file[role.key] = .object(source)
            }
            members["file"] = .object(file)
        }
        // The last may be another account's identity.
        members["resolved"] = members["resolved"]?.array.map { resolved in
            .array(resolved.map { .string(withoutSecrets($0.string ?? "")) })
        }
        return String(decoding: JSON.object(members).serialized(), as: UTF8.self)
    }

    package static func == (left: AccountIdentity, right: AccountIdentity) -> Bool {
        left.canonical.isEqual(to: right.canonical)
    }

    init(canonical: Secret) {
        self.canonical = canonical
    }

    static func canonical(_ account: Account) -> Secret {
        var bytes = account.document.bytes
        defer { wipe(&bytes) }
        var members: [String: JSON] = [:]
        for (spelling, value) in Self.members(of: bytes) {
            let key = KeyedValues.camelCase(spelling)
            if !unrelatedKeys.contains(key), value != .null { members[key] = value }
        }
        var resolved = [account.service.name, account.tokenAudience] + account.service.endpoints
        for role in TokenRole.allCases {
            if let chained = account.chainedIdentities[role] { resolved.append(chained.text) }
        }
        let identity: JSON = [
            "file": .object(members), "resolved": .array(resolved.map(JSON.string)),
        ]
        var text = identity.serialized()
        defer { wipe(&text) }
        return Secret(text)
    }

    static func members(of document: [UInt8]) -> [String: JSON] {
        do throws(JSONError) {
            return try JSON(parsing: document).object ?? [:]
        } catch {
            // An account's document has been parsed before; none is without members.
            return [:]
        }
    }
}

extension Service {
    /// Where it is and as whom it is asked, which the environment may have supplied.
    fileprivate var endpoints: [String] {
        switch self {
        case .mondoo(let service): [service.universe.url, service.audience, service.issuer]
        case .aws(let role): [role.endpoint.url]
        case .token: []
        case .tokenExchange(let service):
            [service.tokenURL.url, service.revokeURL?.url ?? "", service.clientID ?? ""]
                + service.resources
        }
    }
}
