import Federation

@testable import Agent

/// A worker of a test, which makes each result as a worker's line would tell it.
protocol ResultWorker: ExchangeWorker {
    func result(_ kind: Job.Kind, for account: Account) async -> JobResult
}

extension ResultWorker {
    func run<Value>(
        _ request: JobRequest<Value>,
        for account: Account,
        within seconds: Double
    ) async -> JobAnswer<Value> {
        request.answer(await result(request.kind, for: account))
    }
}
