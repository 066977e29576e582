import Agent
import Federation
import Kernel
internal import Text

/// The agents that may serve an account already.
struct RunningAgents: Sendable {
    private let runtimeDirectory: String?
    private let environment: [String: String]

    init(runtimeDirectory: String?, environment: [String: String]) {
        self.runtimeDirectory = runtimeDirectory
        self.environment = environment
    }

    /// The credential of an agent that serves the account's file; `nil` where none does.
    ///
    /// - Parameters:
    ///   - older: waits for a credential that was received after this one.
    ///   - wait: seconds to wait for it.
    /// - Throws: ``CommandFailure`` where an agent serves the file and has no such credential.
    func credential(
        of account: Account,
        newerThan older: Credential? = nil,
        wait: Double
    ) async throws(CommandFailure) -> Credential? {
        let path: String
        do throws(Errno) {
            path = try realPath(account.path)
        } catch {
            return nil
        }
        let newer = older.map { "&newer=\($0.receivedAt.nanoseconds)" } ?? ""
        let target = "/credential?file=\(percentEncoded(path))&wait=\(wait)\(newer)"
        let agents = AgentClient.all(runtimeDirectory: runtimeDirectory, environment: environment)
        for agent in agents {
            guard let answer = try await answer(of: agent, target, wait + 5),
                answer.status != 404
            else { continue }
            if let credential = answer.json?["credential"].flatMap(Credential.init(json:)) {
                return credential
            }
            if let failure = answer.json?["failure"].flatMap(Failure.init(json:)) {
                throw CommandFailure(failure)
            }
            throw CommandFailure(
                Failure(
                    .refused,
                    at: .worker,
                    "the agent at \(agent.directory) answered \(answer.status): "
                        + answer.text.printable
                )
            )
        }
        return nil
    }

    /// The agent's answer; `nil` where there is no agent. One that is there and does not answer is not
    /// gone around.
    private func answer(
        of agent: AgentClient,
        _ target: String,
        _ timeout: Double
    ) async throws(CommandFailure) -> AgentClient.Answer? {
        var isAgain = false
        while true {
            do throws(AgentClient.Unreachable) {
                return try await agent.ask("GET", target, timeout: timeout)
            } catch {
                switch error.kind {
                case .absent, .foreign: return nil
                // It may have been about to end.
                case .broken where !isAgain: isAgain = true
                case .broken, .forbidden, .hung, .late: throw CommandFailure(error.failure)
                }
            }
        }
    }
}

func runningAgents(_ invocation: Invocation) -> RunningAgents {
    RunningAgents(
        runtimeDirectory: invocation.value("runtime-dir").map(AccountChoice.absolute),
        environment: invocation.environment
    )
}
