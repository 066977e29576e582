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
}
