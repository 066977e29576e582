package import Kernel
internal import Text

/// What each kind of credential holds, for the formats.
extension Credential {
    /// The word before it in an `Authorization` header; `nil` where it is no token.
    package var scheme: String? {
        switch kind {
        case .mondoo: nil
        case .accessToken(_, let scheme): scheme
        }
    }

    /// As a JSON document: Mondoo's service account, bytes unchanged; for a token a small object.
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

/// What an environment holds of a credential: the value, what the service's programs need beside it,
/// and when it expires; the value under the account's name for it, or another. The values are secret; to
/// be wiped by the caller.
package func environmentVariables(
    _ credential: Credential,
    _ account: Account,
    named variable: String? = nil
) -> [(name: String, value: [UInt8])] {
    let variable = variable ?? account.variable
    var variables = [(name: variable, value: credential.value.bytes)]
    for (name, value) in account.service.companionVariables where name != variable {
        variables.append((name, Array(value.utf8)))
    }
    variables.append(("WIF_AGENT_EXPIRES_AT", Array(rfc3339(credential.expiresAt).utf8)))
    return variables
}
