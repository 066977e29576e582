import Federation

extension Command {
    static let completion = Command(
        name: "completion",
        arguments: Shell.allCases.map(\.rawValue).joined(separator: "|"),
        summary: "print a shell's completions for this program",
        details: """
            bash: . <(wif-agent completion bash)
            zsh:  . <(wif-agent completion zsh), after compinit
            fish: wif-agent completion fish | source
            """,
        maximalWords: 1,
        choices: Shell.allCases.map(\.rawValue),
        run: { invocation in
            guard let shell = invocation.words.first.flatMap(Shell.init(rawValue:)) else {
                throw UsageError(message: "a shell is missing: bash, zsh or fish")
            }
            return try show(shell.completions)
        }
    )
}

/// A shell whose completions can be generated.
enum Shell: String, CaseIterable {
    case bash
    case zsh
    case fish

    var completions: String {
        switch self {
        case .bash: bashCompletions()
        case .zsh: zshCompletions()
        case .fish: fishCompletions()
        }
    }
}

extension Option {
    /// What stands on a command line for it.
    fileprivate var spellings: [String] { (short.map { ["-\($0)"] } ?? []) + ["--\(name)"] }
    fileprivate var takesFile: Bool { value == "FILE" }
    fileprivate var takesDirectory: Bool { value == "DIR" }
}

private func indented(_ lines: [String], by width: Int) -> String {
    lines.map { String(repeating: " ", count: width) + $0 + "\n" }.joined()
}

// MARK: bash

/// What may follow an option: one `case` arm for each command and option that takes a value.
private func bashValues() -> [String] {
    Command.all.flatMap { command in
        command.allOptions.filter { $0.value != nil }.map { option in
            let patterns = option.spellings.map { "\(command.name):\($0)" }.joined(separator: "|")
            return "\(patterns)) \(bashCandidates(option)); return ;;"
        }
    }
}

/// What else may come: one `case` arm for each command.
private func bashWords() -> [String] {
    Command.all.map { command in
        let own = command.allOptions.map { "--\($0.name)" } + command.choices
        let rest = command.takesCommand ? "; _wif_agent_command" : ""
        return "\(command.name)) words='\(own.joined(separator: " "))'\(rest) ;;"
    }
}

private func bashCompletions() -> String {
    let names = Command.all.map(\.name).joined(separator: " ")
    return """
        # wif-agent(1) completions for bash
        _wif_agent_fill() {
            local line
            while IFS= read -r line; do COMPREPLY+=("$line"); done
        }

        # A word beyond the options belongs to another program's command line.
        _wif_agent_command() {
            local index=2
            while [ "$index" -lt "$COMP_CWORD" ] && [ "${COMP_WORDS[index]}" != -- ]; do
                index=$((index + 1))
            done
            [ "$index" -lt "$COMP_CWORD" ] || return
            words=''
            if [ "$((index + 1))" -eq "$COMP_CWORD" ]; then
                _wif_agent_fill < <(compgen -c -- "$word")
            else
                compopt -o filenames 2>/dev/null
                _wif_agent_fill < <(compgen -f -- "$word")
            fi
        }

        _wif_agent() {
            local word=${COMP_WORDS[COMP_CWORD]} words=''
            COMPREPLY=()
            if [ "$COMP_CWORD" -eq 1 ]; then
                _wif_agent_fill < <(compgen -W '\(names) --help --version' -- "$word")
                return
            fi
            case ${COMP_WORDS[1]}:${COMP_WORDS[COMP_CWORD - 1]} in
        \(indented(bashValues(), by: 4))    esac
            case ${COMP_WORDS[1]} in
        \(indented(bashWords(), by: 4))    esac
            _wif_agent_fill < <(compgen -W "$words" -- "$word")
        }

        complete -F _wif_agent wif-agent

        """
}

private func bashCandidates(_ option: Option) -> String {
    if option.takesFile || option.takesDirectory {
        let flag = option.takesFile ? "-f" : "-d"
        return "compopt -o filenames 2>/dev/null; _wif_agent_fill < <(compgen \(flag) -- \"$word\")"
    }
    if option.choices.isEmpty { return ":" }
    let words = option.choices.joined(separator: " ")
    return "_wif_agent_fill < <(compgen -W '\(words)' -- \"$word\")"
}

// MARK: zsh

private func zshCompletions() -> String {
    let names = Command.all.map { "'\($0.name):\(zshText($0.summary))'" }
    let cases = Command.all.map { command in
        var lines = command.allOptions.map { "    \(zshOption($0)) \\" }
        if command.takesCommand {
            lines.append("    '*:::command:_normal' \\")
        } else if !command.choices.isEmpty {
            lines.append("    '1:word:(\(command.choices.joined(separator: " ")))' \\")
        }
        return "\(command.name))\n            _arguments -s \\\n"
            + indented(lines, by: 8) + "            && return ;;"
    }
    return """
        #compdef wif-agent
        # wif-agent(1) completions for zsh
        _wif_agent() {
            local context state line
            local -a names
            typeset -A opt_args
            _arguments -C '1:command:->name' '*::argument:->rest' && return
            case $state in
            name)
                names=(
        \(indented(names, by: 12))        )
                _describe command names ;;
            rest)
                case $line[1] in
        \(indented(cases, by: 8))        esac ;;
            esac
        }

        if [ "$funcstack[1]" = _wif_agent ]; then
            _wif_agent "$@"
        else
            compdef _wif_agent wif-agent
        fi

        """
}

private func zshOption(_ option: Option) -> String {
    var value = ""
    if let placeholder = option.value {
        let action =
            option.takesFile ? "_files" : option.takesDirectory ? "_files -/" : zshWords(option)
        value = ":\(placeholder):\(action)"
    }
    let text = "[\(zshText(option.help))]\(value)"
    guard let short = option.short else { return "'*--\(option.name)\(text)'" }
    return "'*'{-\(short),--\(option.name)}'\(text)'"
}

private func zshWords(_ option: Option) -> String {
    option.choices.isEmpty ? " " : "(\(option.choices.joined(separator: " ")))"
}

private func zshText(_ text: String) -> String {
    text.map { "[]:".contains($0) ? "\\\($0)" : $0 == "'" ? "'\\''" : String($0) }.joined()
}

// MARK: fish

private func fishCompletions() -> String {
    var lines = ["# wif-agent(1) completions for fish", "complete -c wif-agent -f"]
    for command in Command.all {
        lines.append(
            "complete -c wif-agent -n __fish_use_subcommand -a \(command.name) "
                + "-d \(fishQuoted(command.summary))"
        )
        let condition = "-n '__fish_seen_subcommand_from \(command.name)'"
        for option in command.allOptions {
            lines.append("complete -c wif-agent \(condition) \(fishOption(option))")
        }
        if command.takesCommand {
            lines.append(
                "complete -c wif-agent \(condition) -x -a '(__fish_complete_subcommand)'"
            )
        } else if !command.choices.isEmpty {
            let words = command.choices.joined(separator: " ")
            lines.append("complete -c wif-agent \(condition) -a '\(words)'")
        }
    }
    return lines.joined(separator: "\n") + "\n"
}

private func fishOption(_ option: Option) -> String {
    var text = option.short.map { "-s \($0) " } ?? ""
    text += "-l \(option.name) -d \(fishQuoted(option.help))"
    guard option.value != nil else { return text }
    if option.takesFile { return text + " -r -F" }
    if option.takesDirectory { return text + " -x -a '(__fish_complete_directories)'" }
    return text
        + (option.choices.isEmpty ? " -x" : " -x -a '\(option.choices.joined(separator: " "))'")
}

private func fishQuoted(_ text: String) -> String {
    "'" + text.map { $0 == "'" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "'"
}
