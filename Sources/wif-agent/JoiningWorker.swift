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

    func run<Value>(
        _ request: JobRequest<Value>,
        for account: Account,
        within seconds: Double
    ) async -> JobAnswer<Value> {
        guard case .exchange = request.kind else {
            return await pool.run(request, for: account, within: seconds)
        }
        return request.answer(await exchange(for: account, within: seconds))
    }

    private func exchange(for account: Account, within seconds: Double) async -> JobResult {
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
        let answer = await pool.run(.exchange, for: account, within: rest)
        if case .success(let credential) = answer.outcome {
            last.withLock { $0 = Last(credential: credential, isOwn: true) }
        }
        return JobResult(id: 0, answer) { .credential($0) }
    }
}

/// Gives the credential that is there already first, then what the worker gives.
final class PrimedWorker: ExchangeWorker {
    private let first: Mutex<Credential?>
    private let worker: any ExchangeWorker

    init(_ first: Credential, then worker: any ExchangeWorker) {
        self.first = Mutex(first)
        self.worker = worker
    }

    func run<Value>(
        _ request: JobRequest<Value>,
        for account: Account,
        within seconds: Double
    ) async -> JobAnswer<Value> {
        if case .exchange = request.kind, let credential = first.withLock({ $0.take() }) {
            return request.answer(JobResult(id: 0, outcome: .credential(credential)))
        }
        return await worker.run(request, for: account, within: seconds)
    }
}

extension Failure {
    fileprivate static let notNewer = Failure(
        .transient,
        at: .worker,
        "the agent has no newer credential yet"
    )
}
