import Federation
import Kernel

/// Which job waits for a worker, and which worker holds which job: the bookkeeping of ``WorkerPool``,
/// without processes.
struct JobQueue {
    struct Entry {
        let job: Job
        let queuedAt: BootInstant
        let continuation: CheckedContinuation<JobResult, Never>
        /// How many workers have died while they held it.
        var deaths = 0
        /// When a worker was given it.
        var begunAt = BootInstant(nanoseconds: .max)
        var overstaysAt = BootInstant(nanoseconds: .max)
        /// Told of each step of a probe; `nil` for a job of which no steps are told.
        var tell: (@Sendable (StepReport) -> Void)?
        /// Steps that have been told of, by whichever worker.
        var toldSteps = 0
        /// Steps that the worker which holds it has reported.
        var reportedSteps = 0
    }

    struct Worker {
        /// Rung when there may be something to hand to it.
        let wakeup = Wakeup()
        /// Rung when its deadline may have changed.
        let watchWakeup = Wakeup()
        var held: [Int: Entry] = [:]
        var taken = 0
        /// Lines that it has answered.
        var lines = 0
        var idleSince: BootInstant
        /// Gets no more jobs: it is being ended or killed.
        var isRetired = false
    }

    enum Decision {
        case start(worker: Int)
        case wait(until: BootInstant?)
    }

    enum Verdict {
        case busy
        case idle
        case overstaying([Entry])
    }

    static let jobsAtATime = 16
    static let jobsInALife = 256
    static let maximalWorkers = 4
    static let idleSeconds = 2.0
    static let patienceSeconds = 2.0
    static let overstaySeconds = 5.0

    private(set) var waiting: [Entry] = []
    private(set) var workers: [Int: Worker] = [:]
    private var nextID = 1
    private var nextWorker = 1

    mutating func takeID() -> Int {
        defer { nextID += 1 }
        return nextID
    }

    mutating func add(_ entry: Entry) {
        waiting.append(entry)
    }

    /// Whether a worker is to be started now; one that is counts from here on.
    mutating func decide(at now: BootInstant) -> Decision {
        guard let oldest = waiting.first else { return .wait(until: nil) }
        let active = workers.values.filter { !$0.isRetired && $0.taken < Self.jobsInALife }
        if active.contains(where: \.hasRoom) { return .wait(until: nil) }
        guard active.count < Self.maximalWorkers else { return .wait(until: nil) }
        let patience = oldest.queuedAt.advanced(bySeconds: Self.patienceSeconds)
        if !active.isEmpty && now < patience { return .wait(until: patience) }
        defer { nextWorker += 1 }
        workers[nextWorker] = Worker(idleSince: now)
        return .start(worker: nextWorker)
    }

    /// The next job for the worker, now held by it; `nil` if there is none or it is full.
    mutating func hand(to worker: Int, at now: BootInstant) -> Job? {
        guard workers[worker]?.hasRoom == true, !waiting.isEmpty else { return nil }
        var entry = waiting.removeFirst()
        entry.begunAt = now
        entry.reportedSteps = 0
        entry.overstaysAt = now.advanced(bySeconds: entry.job.timeout + Self.overstaySeconds)
        workers[worker]?.held[entry.job.id] = entry
        workers[worker]?.taken += 1
        return entry.job
    }

    /// Counts a line that the worker has answered; whether it may be a result, of which there is one for
    /// each job at most.
    mutating func noteLine(of worker: Int) -> Bool {
        guard let lines = workers[worker]?.lines, let taken = workers[worker]?.taken else {
            return false
        }
        workers[worker]?.lines = lines + 1
        return lines < taken
    }

    /// What a line about a step is.
    enum StepLine {
        /// Of a job that the worker holds. Nobody is told where another worker reported the step before it
        /// died.
        case taken((@Sendable (StepReport) -> Void)?)
        /// Of another job, or more than a job has.
        case refused
    }

    /// Counts a step that a worker reports.
    mutating func noteStep(of id: Int, on worker: Int) -> StepLine {
        guard var entry = workers[worker]?.held[id], let tell = entry.tell,
            entry.reportedSteps < WorkerLine.mostSteps
        else { return .refused }
        entry.reportedSteps += 1
        let isNew = entry.reportedSteps > entry.toldSteps
        entry.toldSteps = max(entry.toldSteps, entry.reportedSteps)
        workers[worker]?.held[id] = entry
        return .taken(isNew ? tell : nil)
    }

    /// When the worker was given the job; `nil` for a job that it does not hold.
    func start(of id: Int, on worker: Int) -> BootInstant? { workers[worker]?.held[id]?.begunAt }

    mutating func finish(_ id: Int, on worker: Int, at now: BootInstant) -> Entry? {
        let entry = workers[worker]?.held.removeValue(forKey: id)
        if workers[worker]?.held.isEmpty == true { workers[worker]?.idleSince = now }
        return entry
    }

    mutating func remove(_ id: Int) -> Entry? {
        if let index = waiting.firstIndex(where: { $0.job.id == id }) {
            return waiting.remove(at: index)
        }
        for worker in workers.keys {
            if let entry = workers[worker]?.held.removeValue(forKey: id) { return entry }
        }
        return nil
    }

    mutating func removeWaiting() -> [Entry] {
        defer { waiting = [] }
        return waiting
    }

    mutating func removeAll() -> [Entry] {
        defer { waiting = [] }
        var entries = waiting
        for worker in workers.keys {
            entries += workers[worker]?.held.values.map(\.self) ?? []
            workers[worker]?.held = [:]
        }
        return entries
    }

    /// Whether the worker has been idle long enough to end, or overstays a job; such a one is retired.
    mutating func judge(_ id: Int, at now: BootInstant) -> Verdict {
        guard let worker = workers[id] else { return .idle }
        let late = worker.held.values.filter { $0.overstaysAt <= now }
        if !late.isEmpty {
            workers[id]?.isRetired = true
            for entry in late { workers[id]?.held[entry.job.id] = nil }
            return .overstaying(late)
        }
        let isSpent = worker.taken >= Self.jobsInALife
        let isIdle = worker.idleSince.advanced(bySeconds: Self.idleSeconds) <= now
        guard worker.held.isEmpty, isSpent || isIdle else { return .busy }
        workers[id]?.isRetired = true
        return .idle
    }

    /// When the worker is to be judged next; `nil` for one that is retired.
    func deadline(of id: Int) -> BootInstant? {
        guard let worker = workers[id], !worker.isRetired else { return nil }
        return worker.held.values.map(\.overstaysAt).min()
            ?? worker.idleSince.advanced(bySeconds: Self.idleSeconds)
    }

    /// Takes a worker that is gone out of the books. What it held waits again, first in line; a job
    /// over which two workers died is not tried a third time.
    ///
    /// - Returns: the jobs that are given up, and how many the worker held.
    mutating func removeWorker(_ id: Int) -> (failed: [Entry], held: Int) {
        guard let worker = workers.removeValue(forKey: id) else { return ([], 0) }
        var failed: [Entry] = []
        var again: [Entry] = []
        for var entry in worker.held.values.sorted(by: { $0.job.id < $1.job.id }) {
            entry.deaths += worker.isRetired ? 0 : 1
            if entry.deaths > 1 { failed.append(entry) } else { again.append(entry) }
        }
        waiting = again + waiting
        return (failed, worker.held.count)
    }
}

extension JobQueue.Worker {
    fileprivate var hasRoom: Bool {
        !isRetired && held.count < JobQueue.jobsAtATime && taken < JobQueue.jobsInALife
    }
}
