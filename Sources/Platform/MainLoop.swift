import Glibc
import Synchronization

/// Runs all of a program's tasks on one thread, the first, which sleeps in the kernel while there is
/// nothing to do. A program that mostly waits needs no pool of threads, nor libdispatch's memory and
/// its wake-up each second.
package final class MainLoop: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var exitCode: Int32?
    }

    private let state = Mutex(State())
    private let wakeUp: OneThreadSemaphore

    private init() {
        wakeUp = OneThreadSemaphore()
    }

    /// Runs the body as the program's first task and returns what it gives; other tasks then just stop.
    /// To be called from a synchronous `main`.
    package static func run(_ body: @escaping @Sendable () async -> Int32) -> Int32 {
        let loop = MainLoop()
        // The one bridge from synchronous to structured: it ends with the process.
        Task(executorPreference: loop) {
            let code = await body()
            loop.state.withLock { $0.exitCode = code }
            loop.wakeUp.signal()
        }
        return loop.work()
    }

    /// Called by the runtime, from any thread.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
        wakeUp.signal()
    }

    private func work() -> Int32 {
        while true {
            let (jobs, exitCode) = state.withLock { state in
                defer { state.jobs = [] }
                return (state.jobs, state.exitCode)
            }
            if let exitCode { return exitCode }
            for job in jobs { unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
            if jobs.isEmpty { wakeUp.wait() }
        }
    }
}

/// A count that one thread waits for and any thread raises. `sem_init(3)`
// Allocated in init and freed in deinit, never replaced.
@safe
private final class OneThreadSemaphore: Sendable {
    private nonisolated(unsafe) let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        unsafe semaphore = .allocate(capacity: 1)
        let result = unsafe sem_init(semaphore, 0, 0)
        precondition(result == 0, "no semaphore")
    }

    deinit {
        unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    func signal() {
        _ = unsafe sem_post(semaphore)
    }

    func wait() {
        _ = unsafe sem_wait(semaphore)
    }
}
