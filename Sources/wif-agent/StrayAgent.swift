import Agent
import Federation
import Kernel
import Text

/// A running agent that listens elsewhere than where commands look.
struct StrayAgent {
    let processID: Int
    /// Its runtime directory.
    let directory: String

    /// The first one that is not in one of the directories.
    static func find(besides known: [String]) -> StrayAgent? { all(besides: known).first }

    /// Those that are not in one of the directories.
    static func all(besides known: [String]) -> [StrayAgent] {
        processes(named: "wif-agent").compactMap { process in
            guard process.arguments.count > 1, process.arguments[1] == "run",
                let directory = directory(of: process), !known.contains(directory),
                AgentClient.named(directory).hasSocket
            else { return nil }
            return StrayAgent(processID: process.id, directory: directory)
        }
    }

    private static func directory(of process: ProcessFacts) -> String? {
        let option = "--runtime-dir"
        let words = process.arguments
        if let index = words.firstIndex(of: option), index + 1 < words.count {
            return absolute(words[index + 1])
        }
        if let word = words.first(where: { $0.hasPrefix(option + "=") }) {
            return absolute(String(word.dropFirst(option.count + 1)))
        }
        let environment = startEnvironment(of: process.id) ?? [:]
        if let named = environment["WIF_AGENT_RUNTIME_DIR"] { return absolute(named) }
        if let made = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first {
            return absolute(String(made))
        }
        let owner = FileFacts(ifAt: "/proc/\(process.id)")?.owner ?? 0
        if owner != 0, let base = environment["XDG_RUNTIME_DIR"] { return "\(base)/wif-agent" }
        // Of one whose variables this user may not see the usual places are left.
        let own = "/run/user/\(owner)/wif-agent"
        return owner != 0 && AgentClient.named(own).hasSocket ? own : "/run/wif-agent"
    }

    /// A relative one cannot be followed from here.
    private static func absolute(_ path: String) -> String? { path.hasPrefix("/") ? path : nil }
}

extension Invocation {
    /// That no agent answers where it was looked for, and where there is one else.
    var noAgent: Failure {
        var failure = AgentClient.Unreachable(kind: .absent, reason: "no agent is running").failure
        let given = value("runtime-dir").map(AccountChoice.absolute)
        let looked = given ?? RuntimeDirectory.standard(environment)
        guard let stray = StrayAgent.find(besides: agents.map(\.directory)) else {
            if let given {
                failure.message = "no agent is running in \(given.printable)"
            }
            return failure
        }
        let place = stray.directory.printable
        failure.message =
            "no agent answers in \(looked.printable); one runs in \(place) (process \(stray.processID))"
        failure.hint =
            "name its directory: --runtime-dir \(place), or WIF_AGENT_RUNTIME_DIR=\(place)"
        return failure
    }
}
