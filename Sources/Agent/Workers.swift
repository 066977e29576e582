package import Federation
package import Kernel

/// A pool of workers for each thing that jobs may need of them beside the network: most need nothing.
///
/// A pool starts a process only when a job is due, so that most have none.
package final class Workers: ExchangeWorker {
    private let environment: [String: String]
    private let pools: [Sandbox.Allowance: WorkerPool]

    private static let allowances: [Sandbox.Allowance] = [
        [], .files, .unixSockets, [.files, .unixSockets], .programs,
    ]

    /// - Parameters:
    ///   - place: where workers come from.
    ///   - environment: the requester's; only what a job may carry is passed on.
    package init(
        place: WorkerPlace,
        environment: [String: String],
        timekeeper: any Timekeeper,
        report: @escaping @Sendable (WorkerPool.Event) -> Void = { _ in }
    ) {
        self.environment = environment
        var pools: [Sandbox.Allowance: WorkerPool] = [:]
        for allowance in Self.allowances {
            pools[allowance] = WorkerPool(
                place: place,
                allowance: allowance,
                environment: environment,
                timekeeper: timekeeper,
                report: report
            )
        }
        self.pools = pools
    }

    package func run<Value>(
        _ request: JobRequest<Value>,
        for account: Account,
        within seconds: Double
    ) async -> JobAnswer<Value> {
        let allowance = request.kind.allowance(for: account, in: environment)
        guard let pool = pools[allowance] else {
            let message = "no worker has \(allowance.arguments.joined(separator: " "))"
            return .failure(Failure(.misconfigured, at: .worker, message))
        }
        return await pool.run(request, for: account, within: seconds)
    }

    /// Keeps workers as jobs need them, until cancelled; then every job and worker is given up.
    package func serve() async {
        await withDiscardingTaskGroup { group in
            for pool in pools.values { group.addTask { await pool.serve() } }
        }
    }
}
