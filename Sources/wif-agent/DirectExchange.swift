import Agent
import Federation
import Kernel
import Text

/// Jobs run for this command alone, by workers that end with it.
enum DirectExchange {
    /// Runs a job, again while it fails for passing reasons, for at most `timeout` seconds in all; see
    /// ``retrying(timeout:_:)``.
    static func run<Value>(
        _ request: JobRequest<Value>,
        for account: Account,
        timeout: Double,
        since start: BootInstant = .now,
        _ invocation: Invocation
    ) async throws(UsageError) -> JobAnswer<Value> {
        try await withWorkers(invocation) { worker in
            await retrying(for: account, timeout: timeout, since: start) {
                await worker.run(request, for: account, within: $0)
            }
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
            return await body(chained(pool, invocation.environment, after: []))
        }
    }

    /// The worker with the credentials of accounts whose files lie beside the one that uses them: each gets a
    /// new one for this.
    private static func chained(
        _ pool: Workers,
        _ environment: [String: String],
        after trail: [String]
    ) -> ChainedWorker {
        ChainedWorker(pool) { name, role, user in
            let trail = trail + [user.name]
            let directory = user.path.prefix(
                through: user.path.lastIndex(of: "/") ?? user.path.startIndex
            )
            guard !trail.contains(name) else {
                return .failure(.circle(trail + [name], role, user))
            }
            do throws(AccountFiles.Problem) {
                let path = "\(directory)\(name).json"
                let account = try AccountFiles.load(path, environment: environment)
                guard account.service.kind.facts.givesTokens else {
                    return .failure(account.notAToken.failure)
                }
                let worker = chained(pool, environment, after: trail)
                return await worker.run(.exchange, for: account).outcome.map(\.value)
            } catch {
                var failure = error.failure
                failure.hint =
                    failure.hint
                    ?? "credentialSource.account of \(user.path.printable) names this file:"
                    + " write it, or name another account"
                return .failure(failure)
            }
        }
    }

    /// Attempts until success, a failure that waiting will not fix, or the end of the time.
    ///
    /// The time is a deadline: what is under way then is given up, the start of a worker included. With a
    /// timeout of 0 there is one attempt, which has the time of a job.
    ///
    /// - Parameters:
    ///   - account: is named where it takes long.
    ///   - start: when the time began to run.
    ///   - attempt: is told how many seconds it has.
    static func retrying<Value>(
        for account: Account,
        timeout: Double,
        since start: BootInstant = .now,
        _ attempt: @escaping @Sendable (Double) async -> JobAnswer<Value>
    ) async -> JobAnswer<Value> {
        let whom =
            "\(account.name): the token source \(account.tokenSource.name), then"
            + " \(account.service.name)"
        let notice = WaitNotice(whom)
        return await notice.during {
            await retrying(timeout, since: start, attempt) { failure, delay in
                WaitNotice.clear()
                writeToStandardError("wif-agent: \(failure.message); trying again\n")
                let seconds = max(1, Int(delay.rounded(.up)))
                notice.change(
                    to: "\(account.name): the next attempt, \(seconds) s after the last one"
                )
            }
        }
    }

    private static func retrying<Value>(
        _ timeout: Double,
        since start: BootInstant,
        _ attempt: @escaping @Sendable (Double) async -> JobAnswer<Value>,
        _ tell: @Sendable (Failure, Double) -> Void
    ) async -> JobAnswer<Value> {
        guard timeout > 0 else { return await attempt(Job.standardTimeout) }
        let end = start.advanced(bySeconds: timeout)
        var count = 0
        var last: Failure?
        while true {
            let rest = max(0.1, end.seconds(since: .now))
            let answer = await before(end, on: SystemTimekeeper()) {
                await attempt(share(of: rest))
            }
            let result = answer ?? .failure(outOfTime(timeout, last))
            guard case .failure(let failure) = result.outcome, failure.class.isPassing
            else { return result }
            count += 1
            last = failure
            let delay = RefreshSchedule.retryDelay(
                after: failure,
                attempt: count,
                validity: nil,
                chance: Double.random(in: 0..<1)
            )
            let next = BootInstant.now.advanced(bySeconds: delay)
            guard next < end else { return result }
            tell(failure, delay)
            do { try await SystemTimekeeper().sleep(until: next) } catch { return result }
        }
    }

    /// Seconds before the end at which a job ends itself, so that what it says of its last step is heard.
    private static let margin = 0.3

    /// Seconds for whom is asked, of so many in all: the answer must come in time.
    static func share(of seconds: Double) -> Double { max(seconds - margin, seconds / 2) }

    private static func outOfTime(_ timeout: Double, _ last: Failure?) -> Failure {
        let reason = last.map { "; before: \($0.message)" } ?? ""
        return Failure(
            .transient,
            at: .worker,
            "no result within the \(timeout.formatted) s of --timeout\(reason)",
            hint: last?.hint
        )
    }
}

extension Double {
    /// Without a fraction where there is none.
    var formatted: String { self == rounded() ? String(Int(self)) : String(self) }
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

extension JobAnswer {
    /// What was asked for, with the answer's warnings on standard error.
    /// - Throws: ``CommandFailure``.
    func get() throws(CommandFailure) -> Value {
        for warning in warnings { writeToStandardError("warning: \(warning)\n") }
        switch outcome {
        case .success(let value): return value
        case .failure(let failure): throw CommandFailure(failure)
        }
    }
}

extension Failure {
    fileprivate static func circle(
        _ trail: [String],
        _ role: TokenRole,
        _ user: Account
    ) -> Failure {
        Failure(
            .misconfigured,
            at: .account,
            "account file \(user.path.printable): \(role.key).account: leads in a circle:"
                + " \(trail.joined(separator: ", "))",
            hint: "one of them must have a token source of its own"
        )
    }
}
