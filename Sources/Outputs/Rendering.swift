package import Federation
internal import FoundationEssentials
package import Platform

/// A credential as it is delivered.
package struct Rendered: Sendable {
    package let bytes: Secret
    /// What the reader should know, each ready to print.
    package let warnings: [String]

    package init(bytes: Secret, warnings: [String] = []) {
        self.bytes = bytes
        self.warnings = warnings
    }
}

/// Writes a credential down in a format, env formats with `variable` as the name; nothing outside is
/// read or changed.
///
/// - Throws: ``OutputError`` where the format is not for this kind of credential.
package func render(
    _ credential: Credential,
    as format: Format,
    variable: String,
    account: Account
) throws(OutputError) -> Rendered {
    switch format {
    case .raw: return Rendered(bytes: credential.value)
    case .json: return Rendered(bytes: try document(credential, account))
    case .header: return Rendered(bytes: try header(credential, account))
    case .env:
        return Rendered(
            bytes: lines(credential, variable, account) { name, value in
                Array("export \(name)=".utf8) + shellQuoted(value)
            }
        )
    case .envfile: return environmentFile(credential, variable, account)
    }
}

/// Mondoo's service-account document, bytes unchanged; for tokens a small object.
private func document(
    _ credential: Credential,
    _ account: Account
) throws(OutputError) -> Secret {
    switch credential.kind {
    case .mondoo:
        var digits = credential.value.bytes
        defer { wipe(&digits) }
        guard var bytes = base64Decoded(digits) else {
            throw OutputError(account.name, "the credential is not base64")
        }
        defer { wipe(&bytes) }
        return Secret(bytes)
    case .accessToken(let type, _):
        let object: JSON = [
            "access_token": .string(credential.value.text),
            "token_type": .string(type),
            "expires_at": .string(rfc3339(credential.expiresAt)),
        ]
        var bytes = object.serialized()
        defer { wipe(&bytes) }
        return Secret(bytes)
    }
}

private func header(_ credential: Credential, _ account: Account) throws(OutputError) -> Secret {
    guard case .accessToken(_, let scheme) = credential.kind else {
        throw OutputError(
            account.name,
            "header is not for Mondoo, whose credential is no token",
            hint: "use raw, json, env or envfile"
        )
    }
    var bytes = Array("Authorization: \(scheme) ".utf8) + credential.value.bytes + [newline]
    defer { wipe(&bytes) }
    return Secret(bytes)
}

/// What an environment holds of a credential: the value, what the service's programs need beside it,
/// and when it expires; the value under the account's name for it, or another. The values are secret; to be wiped by the caller.
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

/// One line for each variable of the env formats.
private func lines(
    _ credential: Credential,
    _ variable: String,
    _ account: Account,
    line: (_ name: String, _ value: [UInt8]) -> [UInt8]
) -> Secret {
    var bytes: [UInt8] = []
    defer { wipe(&bytes) }
    for (name, value) in environmentVariables(credential, account, named: variable) {
        bytes += line(name, value) + [newline]
    }
    return Secret(bytes)
}

private func environmentFile(
    _ credential: Credential,
    _ variable: String,
    _ account: Account
) -> Rendered {
    var isBare = true
    let bytes = lines(credential, variable, account) { name, value in
        let isPlain = value.allSatisfy(isPlain)
        isBare = isBare && isPlain
        return Array("\(name)=".utf8) + (isPlain ? value : systemdQuoted(value))
    }
    if isBare { return Rendered(bytes: bytes) }
    return Rendered(
        bytes: bytes,
        warnings: [
            "\(variable) is quoted for systemd's EnvironmentFile=; docker --env-file would take "
                + "the quotes as part of the value"
        ]
    )
}

private let newline = UInt8(ascii: "\n")

/// What systemd and docker both read as it stands.
private func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
    default: "._~+/=:@%,-".utf8.contains(byte)
    }
}

/// In single quotes; a single quote inside ends them, stands escaped, and begins them anew.
/// POSIX.1-2024 XCU 2.2
private func shellQuoted(_ value: [UInt8]) -> [UInt8] {
    let quote = UInt8(ascii: "'")
    var quoted = [quote]
    for byte in value {
        if byte == quote { quoted += #"'\''"#.utf8 } else { quoted.append(byte) }
    }
    return quoted + [quote]
}

/// In double quotes, with a backslash before what it must stand before. `systemd.exec(5)`,
/// EnvironmentFile=
private func systemdQuoted(_ value: [UInt8]) -> [UInt8] {
    let quote = UInt8(ascii: "\"")
    var quoted = [quote]
    for byte in value {
        if #""\`$"#.utf8.contains(byte) { quoted.append(UInt8(ascii: "\\")) }
        quoted.append(byte)
    }
    return quoted + [quote]
}
