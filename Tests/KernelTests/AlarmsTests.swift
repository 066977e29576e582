import TestSupport
import Testing

@testable import Kernel

/// The one kernel timer for all that sleep; these tests take real time, a few hundredths of a second.
@Suite(.timeLimit(.minutes(1))) struct `Alarms at instants` {
    @Test(arguments: [-10.0, 0]) func `are over at once where the instant is past`(offset: Double)
        async throws
    {
        let start = BootInstant.now
        try await Alarms.shared.sleep(until: start.advanced(bySeconds: offset))
        #expect(BootInstant.now.seconds(since: start) < 5)
    }

    @Test func `wake each sleeper at its own instant, whatever the order they came in`()
        async throws
    {
        let start = BootInstant.now
        let woken = Box()
        try await withThrowingDiscardingTaskGroup { group in
            for delay in [0.06, 0.02, 0.1, 0.04, 0.04] {
                group.addTask {
                    try await Alarms.shared.sleep(until: start.advanced(bySeconds: delay))
                    #expect(BootInstant.now.seconds(since: start) >= delay)
                    woken.add("\(delay)")
                }
            }
        }
        #expect(woken.all.sorted() == ["0.02", "0.04", "0.04", "0.06", "0.1"])
    }

    @Test func `end with the task, and the others sleep on`() async throws {
        let start = BootInstant.now
        let moment = start.advanced(bySeconds: 0.2)
        let other = Task { try await Alarms.shared.sleep(until: moment) }
        let first = Task {
            try await Alarms.shared.sleep(until: start.advanced(bySeconds: 3600))
        }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        try await other.value
        #expect(BootInstant.now >= moment)
    }

    @Test func `do not sleep in a task that has been cancelled`() async {
        let task = Task {
            await yieldUntil { Task.isCancelled }
            try await Alarms.shared.sleep(until: .distantFuture)
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
