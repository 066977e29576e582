package import Kernel
import Text

/// What each kind of credential holds, for the formats.
extension Credential {
    /// The word before it in an `Authorization` header; `nil` where it is no token.
    package var scheme: String? {
        switch kind {
        case .mondoo, .awsSession: nil
        case .accessToken(_, let scheme): scheme
        }
    }

    /// As a JSON document: Mondoo's service account, bytes unchanged; AWS's key as a `credential_process`
    /// gives it; for a token a small object.
    /// - Throws: ``FormatError`` where the value is not what its kind says.
    package func document() throws(FormatError) -> Secret {
        switch kind {
        case .mondoo:
            var digits = value.bytes
            defer { wipe(&digits) }
            guard var bytes = base64Decoded(digits) else {
                throw FormatError("the credential is not base64")
            }
            defer { wipe(&bytes) }
            return Secret(bytes)
        case .awsSession: return value
        case .accessToken(let type, _):
            let object: JSON = [
                "access_token": .string(value.text),
                "token_type": .string(type),
                "expires_at": .string(rfc3339(expiresAt)),
            ]
            var bytes = object.serialized()
            defer { wipe(&bytes) }
            return Secret(bytes)
        }
    }
}

extension Credential {
    /// Its own variables: one of the name, or the three of AWS.
    fileprivate func variables(named name: String) -> [(name: String, value: [UInt8])] {
        guard let key = sessionKey else { return [(name, value.bytes)] }
        return [
            ("AWS_ACCESS_KEY_ID", Array(key.id.utf8)),
            ("AWS_SECRET_ACCESS_KEY", key.secret.bytes),
            ("AWS_SESSION_TOKEN", key.sessionToken.bytes),
        ]
    }

    /// What of it nobody may see, each on its own; to be wiped by the caller.
    package var secretParts: [[UInt8]] {
        guard let key = sessionKey else { return [value.bytes] }
        return [key.secret.bytes, key.sessionToken.bytes]
    }
}

/// What an environment holds of a credential: the value, what the service's programs need beside it,
/// and when it expires; the value under the account's name for it, or another. The values are secret; to
/// be wiped by the caller.
package func environmentVariables(
    _ credential: Credential,
    _ account: Account,
    named variable: String? = nil
) -> [(name: String, value: [UInt8])] {
    let variable = variable ?? account.variable
    var variables = credential.variables(named: variable)
    for (name, value) in account.service.companionVariables where name != variable {
        variables.append((name, Array(value.utf8)))
    }
    variables.append(("WIF_AGENT_EXPIRES_AT", Array(rfc3339(credential.expiresAt).utf8)))
    return variables
}
