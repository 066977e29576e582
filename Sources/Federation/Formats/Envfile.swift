extension FormatFacts {
    /// `NAME=value` lines for systemd's `EnvironmentFile=` and `docker --env-file`: bare where both read
    /// them alike, else quoted for systemd, with a warning.
    static let envfile = FormatFacts(
        render: { input in
            var isBare = true
            let bytes = input.lines { name, value in
                let isPlain = value.allSatisfy(isPlain)
                isBare = isBare && isPlain
                return Array("\(name)=".utf8) + (isPlain ? value : systemdQuoted(value))
            }
            if isBare { return Rendered(bytes: bytes) }
            return Rendered(
                bytes: bytes,
                warnings: [
                    "\(input.variable) is quoted for systemd's EnvironmentFile=; docker --env-file"
                        + " would take the quotes as part of the value"
                ]
            )
        }
    )
}

/// What systemd and docker both read as it stands.
private func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
    default: "._~+/=:@%,-".utf8.contains(byte)
    }
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
