import Federation
import Kernel
import Text

extension Command {
    static let help = Command(
        name: "help",
        arguments: "[TOPIC|COMMAND]",
        summary: "list commands and topics, or show a manual page",
        details: """
            A topic's manual page is shown with $PAGER, else less or more; as plain text where output
            is no terminal. A command's options are those of --help.
            """,
        maximalWords: 1,
        choices: ManualPage.all.map(\.topic),
        run: { invocation in try await helpCommand(invocation) }
    )
}

private func helpCommand(_ invocation: Invocation) async throws -> Int32 {
    guard let word = invocation.words.first else { return try show(Help.overview()) }
    if let command = Command.all.first(where: { $0.name == word }) {
        return try show(Help.of(command))
    }
    guard let page = ManualPage.named(word) else {
        let known = Command.all.map(\.name) + ManualPage.all.flatMap { [$0.topic, $0.name] }
        throw UsageError(
            message: "unknown topic \"\(word.printable)\"",
            hint: nearest(to: word, among: known).map { "did you mean \($0)?" }
                ?? "wif-agent help lists them"
        )
    }
    try await Pager(invocation).show(try page.path())
    return 0
}

/// The texts of `--help` and of `help`.
enum Help {
    static func overview() -> String {
        var text = """
            wif-agent \(programVersion): keyless access to a service for a workload

            usage: wif-agent COMMAND [OPTION]...


            """
        text += Help.list(Command.all.map { ($0.name, $0.summary) })
        text += "\nmanual pages, shown by wif-agent help TOPIC:\n\n"
        text += Help.list(
            ManualPage.all.map { ($0.topic, "\($0.summary), \($0.name)(\($0.section))") }
        )
        text += "\nwif-agent COMMAND --help lists a command's options.\n"
        return text
    }

    static func of(_ command: Command) -> String {
        let arguments = command.arguments.isEmpty ? "" : " " + command.arguments
        var text =
            "usage: wif-agent \(command.name) [OPTION]...\(arguments)\n\n\(command.summary)\n"
        if !command.details.isEmpty { text += "\n\(command.details)\n" }
        text += "\n"
        return text + list(command.allOptions.map { ($0.usage, $0.help) })
    }

    /// Names and what they are, in two columns.
    private static func list(_ entries: [(name: String, text: String)]) -> String {
        let width = entries.map(\.name.count).max() ?? 0
        return entries.map { name, text in
            "  \(name)\(String(repeating: " ", count: width - name.count))  \(text)\n"
        }.joined()
    }
}
