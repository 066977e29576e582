package import Federation
package import Platform

/// Two pools of workers: those that run no programs, and those for the few jobs that must.
///
/// A pool starts a process only when a job is due, so that the second one usually has none.
package final class Workers: ExchangeWorker {
    private let environment: [String: String]
    private let usual: WorkerPool
    private let programs: WorkerPool

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
        let pool = { (arguments: [String]) in
            WorkerPool(
                place: place,
                arguments: arguments,
                environment: environment,
                timekeeper: timekeeper,
                report: report
            )
        }
        usual = pool([])
        programs = pool(["--programs"])
    }

    package func run(_ kind: Job.Kind, for account: Account) async -> JobResult {
        await run(kind, for: account, within: kind.timeLimit)
    }

    package func run(
        _ kind: Job.Kind,
        for account: Account,
        within seconds: Double
    ) async -> JobResult {
        let runsPrograms = kind.runsPrograms(for: account, in: environment)
        return await (runsPrograms ? programs : usual).run(kind, for: account, within: seconds)
    }

    /// Keeps workers as jobs need them, until cancelled; then every job and worker is given up.
    package func serve() async {
        async let other: Void = programs.serve()
        await usual.serve()
        await other
    }
}
