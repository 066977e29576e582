package import Kernel
import Text

/// What a worker is to do with a key of a cluster's Secret.
package struct SecretChange: Sendable {
    /// What is to be done.
    package enum Action: Sendable {
        /// Puts these bytes under the key.
        case write(Secret)
        /// Takes away what the account wrote there.
        case remove
        /// Changes nothing, and says what would keep a change from being made.
        case look
    }

    package let action: Action
    package let secret: KubernetesSecret
    /// The account's name, for the Secret's annotation.
    package let account: String
    /// Whose credential it is: ``AccountIdentity/textWithoutSecrets``.
    package let identity: String
    /// Identities of the account before this one, whose credential this one may replace.
    package let formerIdentities: [String]
    /// Of the credential that is written, or was.
    package let issuedAt: WallTime
    package let expiresAt: WallTime

    /// The same, where the account has had those identities before.
    package func following(_ identities: [String]) -> SecretChange {
        SecretChange(
            action: action,
            secret: secret,
            account: account,
            identity: identity,
            formerIdentities: identities,
            issuedAt: issuedAt,
            expiresAt: expiresAt
        )
    }
}

extension SecretChange {
    /// A change for the account, whose name and identity it carries.
    package init(
        _ action: Action,
        _ secret: KubernetesSecret,
        of account: Account,
        formerIdentities: [String] = [],
        issuedAt: WallTime,
        expiresAt: WallTime
    ) {
        self.init(
            action: action,
            secret: secret,
            account: account.name,
            identity: account.identity.textWithoutSecrets,
            formerIdentities: formerIdentities,
            issuedAt: issuedAt,
            expiresAt: expiresAt
        )
    }
}

extension SecretChange {
    /// For a job's line; it may hold a credential.
    var json: JSON {
        var members: [String: JSON] = [
            "name": .string(secret.name), "key": .string(secret.key),
            "force": .bool(secret.overwrites), "directory": .string(secret.directory),
            "account": .string(account), "identity": .string(identity),
            "formerIdentities": .array(formerIdentities.map(JSON.string)),
            "issuedAt": .number(issuedAt.secondsSinceEpoch),
            "expiresAt": .number(expiresAt.secondsSinceEpoch),
        ]
        members["namespace"] = secret.namespace.map(JSON.string)
        switch action {
        case .write(let content):
            members["action"] = "write"
            members["content"] = .string(base64Encoded(content.bytes))
        case .remove: members["action"] = "remove"
        case .look: members["action"] = "look"
        }
        return .object(members)
    }

    /// - Throws: ``JSONError`` for what is no change.
    init(json: JSON?) throws(JSONError) {
        guard let json, let name = json["name"]?.string, let key = json["key"]?.string,
            let account = json["account"]?.string, let identity = json["identity"]?.string,
            let issued = json["issuedAt"]?.time, let expires = json["expiresAt"]?.time
        else { throw JSONError(reason: "secret is incomplete") }
        var secret = KubernetesSecret(namespace: json["namespace"]?.string, name: name, key: key)
        secret.overwrites = json["force"]?.bool ?? false
        secret.directory = json["directory"]?.string ?? secret.directory
        let action: Action
        switch json["action"]?.string {
        case "write":
            guard let bytes = base64Decoded(json["content"]?.string ?? ""), !bytes.isEmpty else {
                throw JSONError(reason: "secret.content is not base64")
            }
            action = .write(Secret(bytes))
        case "remove": action = .remove
        case "look": action = .look
        case let other: throw JSONError(reason: "secret.action \(other ?? "") is not known")
        }
        self.init(
            action: action,
            secret: secret,
            account: account,
            identity: identity,
            formerIdentities: (json["formerIdentities"]?.array ?? []).compactMap(\.string),
            issuedAt: WallTime(secondsSinceEpoch: issued),
            expiresAt: WallTime(secondsSinceEpoch: expires)
        )
    }
}
