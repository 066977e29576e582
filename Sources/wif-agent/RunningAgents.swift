import Agent
import Federation
import Kernel
import Text

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
    ///   - minimum: seconds that it must have left; the agent refreshes it first where there is less.
    ///   - wait: seconds to wait for it.
    /// - Throws: ``CommandFailure`` where an agent serves the file and has no such credential.
    func credential(
        of account: Account,
        newerThan older: Credential? = nil,
        leaving minimum: Double = 0,
        wait: Double
    ) async throws(CommandFailure) -> Credential? {
        let path: String
        do throws(Errno) {
            path = try realPath(account.path)
        } catch {
            return nil
        }
        let newer = older.map { "&newer=\($0.receivedAt.nanoseconds)" } ?? ""
        let least = minimum > 0 ? "&left=\(minimum)" : ""
        let target = "/credential?file=\(percentEncoded(path))&wait=\(wait)\(newer)\(least)"
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

    /// Has the agent that serves the account's file refresh it, if the credential is its present one; does
    /// not wait for the result.
    /// - Throws: ``CommandFailure`` where an agent does not answer.
    func refresh(_ account: Account, holding credential: Secret) async throws(CommandFailure) {
        guard let present = try await self.credential(of: account, wait: 0),
            present.value.isEqual(to: credential)
        else { return }
        let path: String
        do throws(Errno) { path = try realPath(account.path) } catch { return }
        let target = "/refresh/\(percentEncoded(account.name))?file=\(percentEncoded(path))"
        for agent in AgentClient.all(runtimeDirectory: runtimeDirectory, environment: environment) {
            do throws(AgentClient.Unreachable) {
                let answer = try await agent.ask("POST", target, timeout: Self.requestTime)
                if answer.status != 404 { return }
            } catch {
                switch error.kind {
                case .absent, .foreign: continue
                // The refresh has begun.
                case .late: return
                case .broken, .forbidden, .hung: throw CommandFailure(error.failure)
                }
            }
        }
    }

    /// Seconds for a request whose result is of no interest.
    private static let requestTime = 1.0

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
