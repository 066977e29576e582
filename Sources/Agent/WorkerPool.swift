package import Federation
package import Kernel
import Synchronization

/// Runs jobs in worker processes that live for seconds.
///
/// A worker starts when a job is due, takes up to 16 at a time and at most 256 in all, and ends when
/// it has been idle for 2 s. A second one starts when jobs have waited for over 2 s. A worker that
/// overstays a job's time limit by 5 s is killed; the other jobs that a dead worker held are run
/// again by the next one without counting as failures.
package final class WorkerPool: ExchangeWorker {
    /// What the pool did, for metrics and the log; a worker behind a socket has no process id here.
    package enum Event: Sendable {
        case started(pid: Int32?)
        case died(pid: Int32?, reason: String)
    }

    private let place: WorkerPlace
    private let allowance: Sandbox.Allowance
    private let environment: [String: String]
    private let timekeeper: any Timekeeper
    private let report: @Sendable (Event) -> Void
    private let queue = Mutex(JobQueue())
    private let wakeup = Wakeup()

    /// - Parameters:
    ///   - place: where workers come from.
    ///   - allowance: what they may do beside speaking to the network.
    ///   - environment: the requester's; only what a job may carry is passed on.
    package init(
        place: WorkerPlace,
        allowance: Sandbox.Allowance = [],
        environment: [String: String],
        timekeeper: any Timekeeper,
        report: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
        self.place = place
        self.allowance = allowance
        self.environment = environment
        self.timekeeper = timekeeper
        self.report = report
    }

    package func run<Value>(
        _ request: JobRequest<Value>,
        for account: Account,
        within seconds: Double
    ) async -> JobAnswer<Value> {
        request.answer(
            await run(request.kind, for: account, within: seconds, telling: request.tell)
        )
    }

    private func run(
        _ kind: Job.Kind,
        for account: Account,
        within seconds: Double,
        telling tell: (@Sendable (StepReport) -> Void)?
    ) async -> JobResult {
        let id = queue.withLock { $0.takeID() }
        let job = Job(
            id: id,
            kind: kind,
            path: account.path,
            document: account.document,
            environment: Job.environment(for: account, from: environment),
            timeout: min(seconds, kind.timeLimit),
            handedOver: account.handedOver
        )
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = timekeeper.now
                let isOpen = queue.withLock { queue in
                    guard !Task.isCancelled else { return false }
                    var entry = JobQueue.Entry(job: job, queuedAt: now, continuation: continuation)
                    entry.tell = tell
                    queue.add(entry)
                    return true
                }
                if isOpen { wakeAll() } else { continuation.resume(returning: .cancelled(id)) }
            }
        } onCancel: {
            let entry = queue.withLock { $0.remove(id) }
            entry?.continuation.resume(returning: .cancelled(id))
        }
    }

    /// Keeps workers as jobs need them, until cancelled; then every job and worker is given up.
    package func serve() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let decision = queue.withLock { $0.decide(at: timekeeper.now) }
                switch decision {
                case .start(let worker): group.addTask { await self.live(as: worker) }
                case .wait(let deadline): await wakeup.wait(until: deadline, on: timekeeper)
                }
            }
            group.cancelAll()
        }
        for entry in queue.withLock({ $0.removeAll() }) {
            entry.continuation.resume(returning: .cancelled(entry.job.id))
        }
    }

    private func wakeAll() {
        for wakeup in queue.withLock({ $0.workers.values.flatMap { [$0.wakeup, $0.watchWakeup] } })
        {
            wakeup.ring()
        }
        wakeup.ring()
    }

    /// One worker's life, from its start until it is gone.
    private func live(as id: Int) async {
        let process: any WorkerLink
        do throws(Failure) {
            process = try await place.begin(allowance)
        } catch {
            return abandon(id, because: error)
        }
        report(.started(pid: process.pid))
        await withTaskGroup(of: String?.self) { group in
            group.addTask { await self.readResults(of: id, process) }
            group.addTask { await self.drainErrors(of: process) }
            group.addTask {
                await self.feed(id, process)
                return nil
            }
            group.addTask {
                await self.watch(id, process)
                return nil
            }
            // Its output has ended, or its input is closed to us, or all this is cancelled.
            let offence = await group.next() ?? nil
            process.finish()
            group.addTask {
                await self.killLater(process)
                return nil
            }
            let reason = await exitReason(process)
            group.cancelAll()
            removeWorker(id, process, offence ?? reason)
        }
    }

    /// Returns when the worker has ended its output, or has said what no worker says: then it is killed,
    /// and the reason is returned.
    private func readResults(of id: Int, _ process: any WorkerLink) async -> String? {
        do {
            try await process.readLines { line in try take(line, from: id) }
            return nil
        } catch is CancellationError {
            return nil
        } catch is LineReader.TooLong {
            process.kill()
            return "it wrote more than any results are and was killed"
        } catch is Errno {
            // Reading fails where a connection is closed with a job unread (ECONNRESET): it has ended.
            return nil
        } catch {
            process.kill()
            return "it wrote something that is not a result and was killed"
        }
    }

    private func take(_ line: [UInt8], from worker: Int) throws {
        let now = timekeeper.now
        let found = try WorkerLine(parsing: line) { id in
            min(queue.withLock { $0.start(of: id, on: worker) } ?? now, now)...now
        }
        let result: JobResult
        switch found {
        case .step(let step, let id):
            guard case .taken(let tell) = queue.withLock({ $0.noteStep(of: id, on: worker) }) else {
                throw LineReader.TooLong()
            }
            tell?(step)
            return
        case .result(let ended): result = ended
        }
        guard queue.withLock({ $0.noteLine(of: worker) }) else { throw LineReader.TooLong() }
        let entry = queue.withLock { $0.finish(result.id, on: worker, at: now) }
        entry?.continuation.resume(returning: result)
        wakeAll()
    }

    /// Returns when the worker has closed its standard error or, with the reason, when it was killed for
    /// what it wrote there.
    private func drainErrors(of process: any WorkerLink) async -> String? {
        do {
            try await process.drainErrors()
        } catch is LineReader.TooLong {
            process.kill()
            return "it wrote over \(WorkerLimits.errors >> 20) MiB to standard error and was killed"
        } catch {}
        return nil
    }

    /// Ends a worker that has closed a pipe and stays all the same.
    private func killLater(_ process: any WorkerLink) async {
        do {
            try await timekeeper.sleep(until: timekeeper.now.advanced(bySeconds: 1))
            process.kill()
        } catch {}
    }

    private func exitReason(_ process: any WorkerLink) async -> String {
        do { return try await process.exitReason() } catch { return "cancelled" }
    }

    private func feed(_ id: Int, _ process: any WorkerLink) async {
        guard let wakeup = queue.withLock({ $0.workers[id]?.wakeup }) else { return }
        while !Task.isCancelled {
            guard let job = queue.withLock({ $0.hand(to: id, at: timekeeper.now) }) else {
                // Where it is full, what still waits may need another one.
                self.wakeup.ring()
                await wakeup.wait()
                continue
            }
            do { try await process.send(job) } catch {
                // It is dying; what it holds is settled when it is removed.
                return
            }
        }
    }

    /// Ends a worker that is idle, and kills one that overstays a job.
    private func watch(_ id: Int, _ process: any WorkerLink) async {
        guard let wakeup = queue.withLock({ $0.workers[id]?.watchWakeup }) else { return }
        while !Task.isCancelled {
            let now = timekeeper.now
            let verdict = queue.withLock { $0.judge(id, at: now) }
            switch verdict {
            case .idle: process.finish()
            case .overstaying(let entries):
                for entry in entries {
                    entry.continuation.resume(returning: .overstayed(entry.job))
                }
                process.kill()
            case .busy: break
            }
            let deadline = queue.withLock { $0.deadline(of: id) }
            await wakeup.wait(
                until: deadline ?? now.advanced(bySeconds: JobQueue.overstaySeconds),
                on: timekeeper
            )
            // Told to end, it had its grace.
            if deadline == nil && !Task.isCancelled { process.kill() }
        }
    }

    private func removeWorker(_ id: Int, _ process: any WorkerLink, _ reason: String) {
        let (failed, held) = queue.withLock { $0.removeWorker(id) }
        if held > 0 { report(.died(pid: process.pid, reason: reason)) }
        for entry in failed {
            let result = JobResult.died(entry.job, reason, hint: process.hint)
            entry.continuation.resume(returning: result)
        }
        wakeup.ring()
    }

    /// No worker: those that wait for one are told why; those that another one holds go on.
    private func abandon(_ id: Int, because failure: Failure) {
        let entries = queue.withLock { queue in
            _ = queue.removeWorker(id)
            return queue.removeWaiting()
        }
        for entry in entries {
            entry.continuation.resume(
                returning: JobResult(id: entry.job.id, outcome: .failure(failure))
            )
        }
    }
}

extension JobResult {
    fileprivate static func failure(
        _ id: Int,
        _ message: String,
        hint: String? = nil
    ) -> JobResult {
        let failure = Failure(.transient, at: .worker, message, hint: hint)
        return JobResult(id: id, outcome: .failure(failure))
    }

    fileprivate static func cancelled(_ id: Int) -> JobResult {
        .failure(id, "the job was cancelled")
    }

    fileprivate static func overstayed(_ job: Job) -> JobResult {
        .failure(job.id, "the worker overstayed the job's \(Int(job.timeout)) s and was killed")
    }

    fileprivate static func died(_ job: Job, _ reason: String, hint: String?) -> JobResult {
        .failure(job.id, "the worker died over the job (\(reason))", hint: hint)
    }
}
