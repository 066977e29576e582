extension FormatFacts {
    /// `export NAME='value'` lines for a POSIX shell.
    static let env = FormatFacts(
        render: { input in
            Rendered(
                bytes: input.lines { name, value in
                    Array("export \(name)=".utf8) + shellQuoted(value)
                }
            )
        }
    )
}

/// In single quotes; a single quote inside ends them, stands escaped, and begins them anew.
/// POSIX.1-2024 XCU 2.2
func shellQuoted(_ value: [UInt8]) -> [UInt8] {
    let quote = UInt8(ascii: "'")
    var quoted = [quote]
    for byte in value {
        if byte == quote { quoted += #"'\''"#.utf8 } else { quoted.append(byte) }
    }
    return quoted + [quote]
}
