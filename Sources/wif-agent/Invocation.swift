import Federation
import Kernel
import Text

/// One option that a command takes.
struct Option: Sendable {
    let name: String
    var short: Character?
    /// What stands for its value in help; `nil` for a flag.
    var value: String?
    let help: String
    /// The values it takes, where they can be told.
    var choices: [String] = []

    /// As it is shown in help.
    var usage: String {
        let long = value.map { "--\(name) \($0)" } ?? "--\(name)"
        return short.map { "-\($0), \(long)" } ?? "    \(long)"
    }

    /// Whether its value is a path, relative ones being below the working directory.
    var isPath: Bool { value.map(["FILE", "DIR", "PATH"].contains) ?? false }

    /// The variable that stands in for the option.
    var variable: String {
        "WIF_AGENT_" + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }
}

/// A command line that cannot be followed.
struct UsageError: Error {
    let message: String
    var hint: String?
}

/// A parsed command line: options by name, and the words that are none.
struct Invocation: Sendable {
    let environment: [String: String]
    /// What the process was started with before it was hardened.
    let origin: ProcessOrigin
    private(set) var words: [String] = []
    private var values: [String: [String]] = [:]
    private let options: [Option]

    /// - Parameters:
    ///   - arguments: what follows the command's name.
    ///   - maximalWords: how many words beside options the command takes.
    ///   - endsAtWord: whether the first word ends the options, as that of another command line.
    init(
        _ arguments: some Sequence<String>,
        options: [Option],
        maximalWords: Int,
        endsAtWord: Bool = false,
        environment: [String: String],
        origin: ProcessOrigin
    ) throws(UsageError) {
        self.options = options
        self.origin = origin
        self.environment = environment
        var rest = Array(arguments)[...]
        while let argument = rest.popFirst() {
            if argument == "--" {
                words += rest
                break
            } else if argument.hasPrefix("-"), argument != "-" {
                try take(argument, &rest)
            } else {
                words.append(argument)
                guard endsAtWord else { continue }
                words += rest
                break
            }
        }
        try checkEncoding(isCommandLine: endsAtWord)
        guard words.count <= maximalWords else {
            throw UsageError(message: "unexpected argument \"\(words[maximalWords].printable)\"")
        }
    }

    private mutating func take(
        _ argument: String,
        _ rest: inout ArraySlice<String>
    ) throws(UsageError) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let word = String(parts[0])
        let isShort = !word.hasPrefix("--")
        guard
            let option = options.first(where: { option in
                isShort ? option.short.map { "-\($0)" } == word : "--\(option.name)" == word
            })
        else {
            let guess = nearest(to: word, among: options.map { "--\($0.name)" })
            throw UsageError(
                message: "unknown option \(word.printable)",
                hint: guess.map { "did you mean \($0)?" }
            )
        }
        var value = parts.count > 1 ? String(parts[1]) : nil
        if option.value == nil {
            guard value == nil else {
                throw UsageError(message: "the option --\(option.name) takes no value")
            }
            value = "true"
        } else if value == nil {
            value = rest.popFirst()
        }
        guard let value else { throw UsageError(message: "the option \(word) needs a value") }
        values[option.name, default: []].append(value)
    }

    /// What is not UTF-8 was replaced when the arguments became text: such a path would be another
    /// file's. The words of another command line reach it byte for byte.
    private func checkEncoding(isCommandLine: Bool) throws(UsageError) {
        var texts = isCommandLine ? [] : words.map { ("an argument", $0) }
        for option in options {
            let origin = values[option.name] == nil ? option.variable : "--\(option.name)"
            texts += all(option.name).map { value in
                (origin, option.isPath ? AccountChoice.absolute(value) : value)
            }
        }
        guard let (origin, text) = texts.first(where: { $1.contains("\u{FFFD}") }) else { return }
        throw UsageError(message: "\(origin): \"\(text.printable)\" is not UTF-8")
    }

    /// All values of an option; where none is given, that of its variable.
    func all(_ name: String) -> [String] {
        if let given = values[name] { return given }
        guard let option = options.first(where: { $0.name == name }),
            let value = environment[option.variable], !value.isEmpty
        else { return [] }
        return [value]
    }

    /// The variable that gives an option its value; `nil` where the command line does, or nothing.
    func variable(of name: String) -> String? {
        guard values[name] == nil, let option = options.first(where: { $0.name == name }),
            environment[option.variable]?.isEmpty == false
        else { return nil }
        return option.variable
    }

    /// The option's last value.
    func value(_ name: String) -> String? { all(name).last }

    func isSet(_ name: String) -> Bool {
        guard let value = value(name) else { return false }
        return !["0", "false", "no"].contains(value.lowercased())
    }

    /// `--timeout`, else as long as a job takes.
    var timeout: Double {
        get throws(UsageError) { try seconds("timeout", default: Job.standardTimeout) }
    }

    /// A number of seconds, 0 or more.
    func seconds(_ name: String, default standard: Double) throws(UsageError) -> Double {
        guard let text = value(name) else { return standard }
        guard let number = Double(text), number >= 0, number <= 1e9 else {
            throw UsageError(
                message: "--\(name) \(text.printable): a number of seconds is expected"
            )
        }
        return number
    }
}
