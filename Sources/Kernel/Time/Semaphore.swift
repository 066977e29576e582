import Glibc

/// A count that one thread waits for and any thread raises. `sem_init(3)`
// Allocated in init and freed in deinit, never replaced.
@safe
final class OneThreadSemaphore: Sendable {
    private nonisolated(unsafe) let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        unsafe semaphore = .allocate(capacity: 1)
        // For the threads of one process and a count of zero it cannot fail.
        _ = unsafe sem_init(semaphore, 0, 0)
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

    /// Waits for so many seconds at most.
    /// - Returns: whether there was something to take.
    @discardableResult
    func wait(seconds: Double) -> Bool {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        let end = Double(time.tv_nsec) / 1e9 + seconds
        time.tv_sec += Int(end)
        time.tv_nsec = Int((end - end.rounded(.down)) * 1e9)
        return unsafe sem_timedwait(semaphore, &time) == 0
    }
}
