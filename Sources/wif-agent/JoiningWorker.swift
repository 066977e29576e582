import Agent
import Federation
import Kernel
import Synchronization

/// Gets credentials from a running agent that serves the account; where none does, by exchanges.
final class JoiningWorker: ExchangeWorker {
    private struct Last {
        var credential: Credential?
        var isOwn = false
    }

    private let agents: RunningAgents
    private let pool: any ExchangeWorker
    private let last = Mutex(Last())

    /// Seconds that an agent is given to get a newer credential than the present one.
    private static let patience = ControlServer.maximalWait

    init(agents: RunningAgents, pool: any ExchangeWorker) {
        self.agents = agents
        self.pool = pool
    }

    /// Whether the last credential came of an own exchange.
    var ownsCredential: Bool { last.withLock(\.isOwn) }

    func run(
        _ kind: Job.Kind,
        for account: Account,
        within seconds: Double
    ) async -> JobResult {
        guard case .exchange = kind else {
            return await pool.run(kind, for: account, within: seconds)
        }
        let start = BootInstant.now
        let older = last.withLock(\.credential)
        do throws(CommandFailure) {
            let credential = try await agents.credential(
                of: account,
                newerThan: older,
                wait: older == nil ? seconds : Self.patience
            )
            if let credential {
                guard credential.receivedAt > older?.receivedAt ?? BootInstant(nanoseconds: .min)
                else { return JobResult(id: 0, outcome: .failure(.notNewer)) }
                last.withLock { $0 = Last(credential: credential, isOwn: false) }
                return JobResult(id: 0, outcome: .credential(credential))
            }
        } catch {
            return JobResult(id: 0, outcome: .failure(error.failure))
        }
        let rest =
            older == nil ? max(0.1, seconds - BootInstant.now.seconds(since: start)) : seconds
        let result = await pool.run(kind, for: account, within: rest)
        if case .credential(let credential) = result.outcome {
            last.withLock { $0 = Last(credential: credential, isOwn: true) }
        }
        return result
    }
}

/// Gives the credential that is there already first, then what the worker gives.
final class PrimedWorker: ExchangeWorker {
    private let first: Mutex<JobResult?>
    private let worker: any ExchangeWorker

    init(_ first: JobResult, then worker: any ExchangeWorker) {
        self.first = Mutex(first)
        self.worker = worker
    }

    func run(
        _ kind: Job.Kind,
        for account: Account,
        within seconds: Double
    ) async -> JobResult {
        if let result = first.withLock({ $0.take() }) { return result }
        return await worker.run(kind, for: account, within: seconds)
    }
}

extension Failure {
    fileprivate static let notNewer = Failure(
        .transient,
        at: .worker,
        "the agent has no newer credential yet"
    )
}
