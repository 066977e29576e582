import Agent
import Kernel
import Text

/// What a running agent was told to serve, by its command line and variables.
struct AgentCommand {
    private let processID: Int
    /// The files that it was given by name; empty where that is not known.
    private var files: [String] = []
    /// The folder that it was given; `nil` where there is none, or it is not known.
    private var folder: String?
    private let isKnown: Bool

    init(of report: AgentStatus) {
        processID = report.processID
        guard processID > 0, let process = process(processID), process.arguments.count > 1 else {
            isKnown = false
            return
        }
        isKnown = true
        var words = process.arguments.dropFirst(2).makeIterator()
        while let word = words.next() {
            switch word {
            case "-c", "--config": if let file = words.next() { files.append(file) }
            case "--config-dir": folder = words.next()
            default:
                if let file = Self.value(of: "--config", word) { files.append(file) }
                if let place = Self.value(of: "--config-dir", word) { folder = place }
            }
        }
        guard files.isEmpty, folder == nil, let variables = startEnvironment(of: processID) else {
            return
        }
        files = variables["WIF_AGENT_CONFIG"].map { [$0] } ?? []
        folder = variables["WIF_AGENT_CONFIG_DIR"]
        if files.isEmpty, folder == nil { folder = AccountChoice.standardDirectory }
    }

    private static func value(of option: String, _ word: String) -> String? {
        word.hasPrefix(option + "=") ? String(word.dropFirst(option.count + 1)) : nil
    }

    /// How it comes to serve a file that it does not serve.
    ///
    /// - Parameter served: the files that it does.
    func advice(to path: String, serving served: [String]) -> String {
        let (place, name) = splitPath(path)
        let second = "a second agent needs a --runtime-dir of its own"
        if !files.isEmpty {
            let list = files.map { "-c \($0)" }.joined(separator: " ").printable
            return
                "it was started for certain files alone (process \(processID): \(list)): start it with --config-dir"
                + " \(place.printable), for all of that folder, or with -c \(path.printable) too; to read a file again"
                + " (SIGHUP) does not add one; \(second)"
        }
        if let folder, folder != place {
            return
                "it serves the folder \(folder.printable) (process \(processID)): put the file there, \(folder.printable)/\(name.printable),"
                + " or start it with --config-dir \(place.printable); \(second)"
        }
        if folder == place || (isKnown && served.contains { splitPath($0).directory == place }) {
            return
                "it serves that folder, and has not read this file yet: systemctl reload wif-agent, or kill -HUP"
                + " \(processID); wif-agent status shows the result"
        }
        let other = served.first.map { splitPath($0).directory.printable } ?? "its folder"
        return
            "put the file into \(other) where it was started for that folder, then send it SIGHUP (systemctl reload"
            + " wif-agent); or start it with -c \(path.printable), too; \(second)"
    }
}
