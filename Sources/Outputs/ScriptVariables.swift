import Kernel
import Text

/// The variables that a shell's script uses and that a hook is not given.
package struct ScriptVariables {
    /// In the order of their names; empty for what is no script of a shell, and for one that reads others,
    /// which may set them.
    package let missing: [String]

    package init(ofScript path: String) {
        let text = readText(ifAt: path, limit: 1 << 18) ?? ""
        self.init(in: text)
    }

    init(in text: String) {
        let lines = text.split(whereSeparator: \.isNewline).map { String($0).trimmed }
        guard let first = lines.first, first.hasPrefix("#!"),
            first.hasSuffix("sh") || first.contains("sh ")
        else {
            missing = []
            return
        }
        let code = lines.filter { !$0.hasPrefix("#") }
        let readsOthers = code.contains { $0.hasPrefix(". ") || $0.hasPrefix("source ") }
        let set = Set(code.flatMap(Self.assigned))
        let used = Set(code.flatMap(Self.used))
        missing = readsOthers ? [] : used.subtracting(set).subtracting(Self.given).sorted()
    }

    /// What hooks have, and what shells set by themselves.
    private static let given: Set<String> = [
        "PATH", "HOME", "LANG", "WIF_AGENT_ACCOUNT", "WIF_AGENT_EXPIRES_AT", "PWD", "OLDPWD",
        "IFS", "PPID", "UID", "EUID", "HOSTNAME", "RANDOM", "SECONDS", "LINENO", "SHLVL", "OPTARG",
        "OPTIND", "REPLY", "BASH", "BASHPID", "PS1", "PS4",
    ]

    private static func isName(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || character == "_")
    }

    /// Names that a line gives a value: `NAME=`, `read NAME`, `for NAME in`.
    private static func assigned(_ line: String) -> [String] {
        var names: [String] = []
        let words = line.split { $0 == " " || $0 == "\t" || $0 == ";" }.map(String.init)
        for (index, word) in words.enumerated() {
            if let mark = word.firstIndex(of: "="), word[..<mark].allSatisfy(isName) {
                names.append(String(word[..<mark]))
            }
            let before = index > 0 ? words[index - 1] : ""
            if ["for", "read", "-r", "export", "local"].contains(before) { names.append(word) }
        }
        return names
    }

    /// Names in capitals behind a `$`; not those with a value for where they are not set.
    private static func used(_ line: String) -> [String] {
        var names: [String] = []
        var rest = line[...]
        while let dollar = rest.firstIndex(of: "$") {
            rest = rest[rest.index(after: dollar)...]
            let isBraced = rest.first == "{"
            if isBraced { rest = rest.dropFirst() }
            let name = String(rest.prefix(while: isName))
            rest = rest.dropFirst(name.count)
            let hasValue = isBraced && ":-+?=".contains(rest.first ?? "}")
            let isPlain = name.first.map { $0.isUppercase || $0 == "_" } ?? false
            if isPlain, !hasValue, name.count > 1, name.uppercased() == name { names.append(name) }
        }
        return names
    }
}
