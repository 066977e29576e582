import Text

/// A command as it is written for a shell, where the words of one program are wanted.
struct ShellLine {
    private let text: String

    init(_ text: String) { self.text = text.trimmed }

    /// Words that join commands or files for a shell, and are arguments like others without one.
    static let operators: Set<String> = ["&&", "||", "|", ";", "&", ">", ">>", "<", "2>&1", "2>"]

    /// Whether only a shell can do what is written.
    private var needsShell: Bool {
        // Quotes and backslashes are taken out of the words by the splitting below.
        let words = text.split(separator: " ").map(String.init)
        return words.contains(where: Self.operators.contains)
            || text.contains { "|;<>&`$*?".contains($0) }
    }

    /// What to write in its place.
    var hint: String {
        let shell = JSON.array(["/bin/sh", "-c", .string(text)])
        guard !needsShell, let words = shellWords(text), let program = words.first else {
            return "no shell runs it: write its words as an array, and a line for a shell as"
                + " \(Self.shown(shell))"
        }
        let path = program.hasPrefix("/") ? program : "/usr/bin/\(program)"
        let array = JSON.array([.string(path)] + words.dropFirst().map { .string($0) })
        return "write an array, its program with the whole path: \(Self.shown(array))"
    }

    /// An array as people write it.
    static func shown(_ array: JSON) -> String {
        let words = (array.array ?? []).map { String(decoding: $0.serialized(), as: UTF8.self) }
        return "[\(words.joined(separator: ", "))]".printable
    }
}

extension KeyedValues {
    /// A warning for words that mean something to a shell alone; `nil` where there are none, or a shell runs
    /// them.
    func warning(of command: [String]) -> AccountWarning? {
        guard let word = command.dropFirst().first(where: ShellLine.operators.contains) else {
            return nil
        }
        let name = command[0].split(separator: "/").last ?? ""
        let takesThem = ["sh", "bash", "dash", "zsh", "ksh", "busybox", "env", "expr", "test"]
        guard !takesThem.contains(String(name)) else { return nil }
        let line = JSON.string(command.joined(separator: " "))
        return AccountWarning(
            "\(self.name(of: "command")): holds \(word), an argument of \(command[0].printable) like others,"
                + " because no shell runs the command",
            hint: "write \(ShellLine.shown(.array(["/bin/sh", "-c", line]))), or two hooks"
        )
    }
}
