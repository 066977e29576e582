import Glibc
import Synchronization

/// Runs all of a program's tasks on one thread, the first, which sleeps in the kernel while there is
/// nothing to do. A program that mostly waits needs no pool of threads, nor libdispatch's memory and
/// its wake-up each second. After some seconds with nothing to do it gives back the memory that only the work
/// before took.
package final class MainLoop: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        /// Tasks that let the others go first.
        var yielded: [CheckedContinuation<Void, Never>] = []
        var exitCode: Int32?

        var isEmpty: Bool { jobs.isEmpty && yielded.isEmpty && exitCode == nil }
    }

    /// The one that runs the present task.
    @TaskLocal private static var current: MainLoop?

    /// Seconds with nothing to do after which memory is given back.
    private static let quiet = 2.0

    private let state = Mutex(State())
    private let wakeUp = OneThreadSemaphore()

    private init() {}

    /// Runs the body as the program's first task and returns what it gives; other tasks then just stop.
    /// To be called from a synchronous `main`, once.
    ///
    /// - Throws: ``Errno`` where the kernel gives no thread or descriptor to wait with; the body has
    ///   then not been called.
    package static func run(
        _ body: @escaping @Sendable () async -> Int32
    ) throws(Errno) -> Int32 {
        shareHeap()
        try Poller.shared.check()
        try Alarms.shared.check()
        let loop = MainLoop()
        // The one bridge from synchronous to structured: it ends with the process.
        Task(executorPreference: loop) {
            let code = await $current.withValue(loop) { await body() }
            loop.change { $0.exitCode = code }
        }
        return loop.work()
    }

    /// Lets every other task that can go on do so first. (`Task.yield` would go by way of libdispatch.)
    static func yield() async {
        guard let loop = current else { return await Task.yield() }
        await withCheckedContinuation { continuation in
            loop.change { $0.yielded.append(continuation) }
        }
    }

    /// Called by the runtime, from any thread.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        change { $0.jobs.append(job) }
    }

    private func change(_ change: (inout State) -> Void) {
        let wasEmpty = state.withLock { state in
            let wasEmpty = state.isEmpty
            change(&state)
            return wasEmpty
        }
        if wasEmpty { wakeUp.signal() }
    }

    private func work() -> Int32 {
        while true {
            let taken = state.withLock { state in
                defer { (state.jobs, state.yielded) = ([], []) }
                return state
            }
            if let exitCode = taken.exitCode { return exitCode }
            for job in taken.jobs { unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
            for continuation in taken.yielded { continuation.resume() }
            if taken.isEmpty, !wakeUp.wait(seconds: Self.quiet) {
                releaseUnusedPages()
                wakeUp.wait()
            }
        }
    }
}
