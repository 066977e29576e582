package import Federation

/// Does jobs that need the network. The live one is ``WorkerPool``; tests hand in a closure's.
package protocol ExchangeWorker: Sendable {
    /// Runs one job to its end; every way to fail is a result. Cancelling the task gives up the job.
    func run(_ kind: Job.Kind, for account: Account) async -> JobResult

    /// The same, with less time than jobs of the kind have: the job ends itself after so many seconds.
    func run(_ kind: Job.Kind, for account: Account, within seconds: Double) async -> JobResult
}

extension ExchangeWorker {
    /// Of a worker that cannot be told: with all the time that jobs of the kind have.
    package func run(
        _ kind: Job.Kind,
        for account: Account,
        within seconds: Double
    ) async -> JobResult {
        await run(kind, for: account)
    }
}
