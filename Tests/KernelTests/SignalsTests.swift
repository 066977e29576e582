import Glibc
import Kernel
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Signals to wait for` {
    // While an asynchronous main waits, the first thread has no signal blocked: a process that
    // relied on blocking them was ended by them.
    @Test func `a signal to the process arrives as its number, and ends nothing`() async throws {
        let signals = try Signals([SIGUSR1, SIGUSR2])
        kill(getpid(), SIGUSR2)
        #expect(try await signals.next() == SIGUSR2)
        kill(getpid(), SIGUSR1)
        #expect(try await signals.next() == SIGUSR1)
    }

    // They were messages on a socket, which the kernel refuses where it has no memory or many wait.
    @Test func `every one of a burst arrives, with its sender`() async throws {
        let number = Int32(40)
        let signals = try Signals([number])
        for _ in 0..<300 { kill(getpid(), number) }
        for _ in 0..<300 {
            let arrival = try await signals.nextArrival()
            #expect(arrival.number == number)
            #expect(arrival.sender == getpid())
            #expect(!arrival.isFromKernel)
        }
    }

    // Queues were found by their descriptor, in a table of 1024.
    @Test(.enabled("needs 1200 descriptors", { descriptorLimit >= 1200 }))
    func `signals arrive whatever number their descriptor has`() async throws {
        let taken = (0..<1100).map { _ in fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) }
        defer { for descriptor in taken { close(descriptor) } }
        #expect(!taken.contains(-1))
        let number = Int32(41)
        let signals = try Signals([number])
        kill(getpid(), number)
        #expect(try await signals.next() == number)
    }
}

private var descriptorLimit: rlim_t {
    var limit = rlimit()
    unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return limit.rlim_cur
}
