import Testing

/// A `default:` hides a new case of an enum from the compiler.
@Suite struct `Switches over enums` {
    /// How many there are all the same, and why.
    static let exceptions: [String: (count: Int, reason: String)] = [
        "Sources/Agent/AgentClient.swift": (1, "the numbers of errno are not ours"),
        "Sources/Text/ForeignText.swift": (1, "Unicode's categories are not ours"),
        "Sources/Outputs/OutputError.swift": (1, "the numbers of errno are not ours"),
    ]

    /// Languages have rules for some kinds of operands or nodes, and refuse every other: what is new is to
    /// be refused until somebody gives it a rule.
    static let languages = "Sources/Policy/"

    @Test func `have no default`() {
        let offences = SourceTree.sources.filter { !$0.path.hasPrefix(Self.languages) }
            .flatMap { file -> [String] in
                let found = file.defaultsOfEnums
                let allowed = Self.exceptions[file.path]?.count ?? 0
                return found.count == allowed ? [] : found.map(file.place)
            }
        #expect(offences.isEmpty, "\(listed(offences))")
    }

    @Test func `are told from those over text and numbers`() {
        let text = """
            switch kind {
            case .a: 1
            default: 2
            }
            switch text {
            case "x", ".y": 1
            default: switch (n, kind) {
                case (1, .b): 1
                default: 2
                }
            }
            switch byte {
            case UInt8(ascii: "a"): x(.b)
            default: 2
            }
            """
        #expect(SourceFile(path: "x", text: text).defaultsOfEnums == [2, 8])
    }
}

extension SourceFile {
    /// The lines with the `default:` of a switch of which a case names an enum's.
    var defaultsOfEnums: [Int] {
        code.indices.filter { index in
            guard let match = code[index].prefixMatch(of: /\s*default:/) else { return false }
            let indent = code[index].prefix { $0 == " " }
            let isSwitch = { (line: String) in
                line.hasPrefix(indent) && line.dropFirst(indent.count).first != " "
                    && line.contains("switch ")
            }
            _ = match
            let start = code[..<index].lastIndex { isSwitch($0) || isDeeperSwitch($0, indent) } ?? 0
            return code[start..<index].contains { line in
                line.hasPrefix(indent + "case ") && isEnumCase(line)
            }
        }
    }

    /// The switch stands on a line that is indented less: `default: switch … {`, `x = switch … {`.
    private func isDeeperSwitch(_ line: String, _ indent: Substring) -> Bool {
        let own = line.prefix { $0 == " " }
        return own.count < indent.count && line.contains("switch ")
    }

    /// Whether a pattern of the case is a member: `.name`, also in a tuple. What follows the colon does
    /// not count.
    private func isEnumCase(_ line: String) -> Bool {
        let patterns = line.split(separator: ":")[0]
        return patterns.contains(/(?:case |[(,] ?)(?:let )?\.[a-z]/)
    }
}
