package import Federation

/// Does jobs that need the network. The live one is ``WorkerPool``; tests hand in a closure's.
package protocol ExchangeWorker: Sendable {
    /// Runs one job to its end; every way to fail is a result. Cancelling the task gives up the job.
    ///
    /// - Parameter seconds: after which the job ends itself; never later than jobs of its kind do.
    func run(_ kind: Job.Kind, for account: Account, within seconds: Double) async -> JobResult
}

extension ExchangeWorker {
    /// The same, with all the time that jobs of the kind have.
    package func run(_ kind: Job.Kind, for account: Account) async -> JobResult {
        await run(kind, for: account, within: kind.timeLimit)
    }
}
