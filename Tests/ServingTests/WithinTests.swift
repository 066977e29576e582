import Kernel
import Serving
import Testing

@Suite(.timeLimit(.minutes(1))) struct WithinTests {
    @Test func `counts fractions of a second`() async throws {
        let start = BootInstant.now
        await #expect(throws: TimedOut.self) {
            try await within(.milliseconds(250)) { await Wakeup().wait() }
        }
        #expect(BootInstant.now.seconds(since: start) >= 0.25)
    }

    @Test func `returns what the work returned in time`() async throws {
        #expect(try await within(.seconds(30)) { 7 } == 7)
    }
}
