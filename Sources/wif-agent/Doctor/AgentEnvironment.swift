import Federation
import Kernel
import Text

/// The variables that a running agent was started with, held against this shell's.
struct AgentEnvironment {
    private let agents: [String: String]?
    private let own: [String: String]

    /// Nothing is told of a process whose variables this user may not see.
    init(_ processID: Int, _ invocation: Invocation) {
        agents = processID > 0 ? startEnvironment(of: processID) : nil
        own = invocation.environment
    }

    /// Variables that are those of a shell or a unit, and may differ.
    private static let passedOver: Set<String> = ["PATH", "HOME", "LANG", "NO_PROXY", "no_proxy"]

    /// What this shell has otherwise than an agent that failed at the network or at its token source; `nil`
    /// where that is not known to matter. No value is shown.
    func difference(_ failure: Failure) -> (text: String, hint: String)? {
        guard let agents, failure.step == .exchange || failure.step == .subjectToken else {
            return nil
        }
        let names = Set(agents.keys).union(own.keys).filter {
            Job.isAllowed(variable: $0) && !Self.passedOver.contains($0)
                && (agents[$0] ?? "") != (own[$0] ?? "")
        }
        // A service that answers is reached: no variable of the way to it is in question.
        guard failure.class.isPassing || failure.step == .subjectToken else { return nil }
        let missing = names.filter { agents[$0] == nil }.sorted()
        let others = names.filter { agents[$0] != nil }.sorted()
        guard let first = missing.first ?? others.first else { return nil }
        var parts: [String] = []
        if !missing.isEmpty {
            parts.append("this shell has \(list(missing)), and the agent does not")
        }
        if !others.isEmpty {
            parts.append("the agent has \(list(others)) otherwise than this shell")
        }
        return (
            parts.joined(separator: "; "),
            "give the agent what works here: write \(first.printable)=... into /etc/default/wif-agent, which its units"
                + " read, then systemctl restart wif-agent; the steps below are taken with this shell's variables, and"
                + " tell whether they help"
        )
    }

    private func list(_ names: [String]) -> String { names.joined(separator: ", ").printable }
}
