import Agent
import Federation
import Platform

/// Jobs run for this command alone, by workers that end with it.
enum DirectExchange {
    /// Runs a job, again while it fails for passing reasons, for at most `timeout` seconds in all.
    static func run(
        _ kind: Job.Kind,
        for account: Account,
        timeout: Double,
        _ invocation: Invocation
    ) async throws(UsageError) -> JobResult {
        try await withWorkers(invocation) { worker in
            await retrying(timeout: timeout) { await worker.run(kind, for: account) }
        }
    }

    static func withWorkers<Value: Sendable>(
        _ invocation: Invocation,
        _ body: (any ExchangeWorker) async -> Value
    ) async throws(UsageError) -> Value {
        let pool = Workers(
            place: try invocation.workerPlace,
            environment: invocation.environment,
            timekeeper: SystemTimekeeper()
        )
        return await withTaskGroup { group in
            group.addTask { await pool.serve() }
            defer { group.cancelAll() }
            return await body(pool)
        }
    }

    /// Attempts until success, a failure that waiting will not mend, or the end of the time.
    static func retrying(timeout: Double, _ attempt: () async -> JobResult) async -> JobResult {
        let end = BootInstant.now.advanced(bySeconds: timeout)
        var count = 0
        while true {
            let result = await attempt()
            guard case .failure(let failure) = result.outcome,
                failure.class == .transient || failure.class == .throttled
            else { return result }
            count += 1
            let delay = RefreshSchedule.retryDelay(
                after: failure,
                attempt: count,
                validity: nil,
                chance: Double.random(in: 0..<1)
            )
            let next = BootInstant.now.advanced(bySeconds: delay)
            guard next < end else { return result }
            writeToStandardError("wif-agent: \(failure.message); trying again\n")
            do { try await SystemTimekeeper().sleep(until: next) } catch { return result }
        }
    }
}

extension Invocation {
    /// Where workers come from, as `--worker-socket` says.
    var workerPlace: WorkerPlace {
        get throws(UsageError) {
            switch value("worker-socket") {
            case nil: return WorkerPlace(.automatic)
            case "none"?: return WorkerPlace(.child)
            case let path? where path.hasPrefix("/"): return WorkerPlace(.socket(path))
            case let other?:
                let expected = "an absolute path or none is expected"
                throw UsageError(message: "--worker-socket \(other.printable): \(expected)")
            }
        }
    }
}

extension JobResult {
    /// The credential, with the result's warnings on standard error.
    /// - Throws: ``CommandFailure``.
    func credential() throws -> Credential {
        tellWarnings()
        switch outcome {
        case .credential(let credential): return credential
        case .failure(let failure): throw CommandFailure(failure)
        case .subjectToken, .revoked, .steps, .data: throw CommandFailure(.strangeAnswer)
        }
    }

    func tellWarnings() {
        for warning in warnings { writeToStandardError("warning: \(warning)\n") }
    }
}

extension Failure {
    static let strangeAnswer = Failure(
        .transient,
        at: .worker,
        "the worker answered something else than was asked"
    )
}
