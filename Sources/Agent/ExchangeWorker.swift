package import Federation

/// Does jobs that need the network. The live one is ``WorkerPool``; tests hand in a closure's.
package protocol ExchangeWorker: Sendable {
    /// Runs one job to its end; every way to fail is a result. Cancelling the task gives up the job.
    func run(_ kind: Job.Kind, for account: Account) async -> JobResult
}
