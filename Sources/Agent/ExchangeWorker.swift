package import Federation

/// Does jobs that need the network. The live one is ``WorkerPool``; tests hand in a closure's.
package protocol ExchangeWorker: Sendable {
    /// Runs one job to its end; every way to fail is an answer. Cancelling the task gives up the job.
    ///
    /// - Parameter seconds: after which the job ends itself; never later than jobs of its kind do.
    func run<Value>(
        _ request: JobRequest<Value>,
        for account: Account,
        within seconds: Double
    ) async -> JobAnswer<Value>
}

extension ExchangeWorker {
    /// The same, with all the time that jobs of the kind have.
    package func run<Value>(
        _ request: JobRequest<Value>,
        for account: Account
    ) async -> JobAnswer<Value> {
        await run(request, for: account, within: request.kind.timeLimit)
    }
}
