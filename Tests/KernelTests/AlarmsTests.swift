import Synchronization
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

    @Test(arguments: [-10.0, 0, 0.02])
    func `make a call at its instant, and not within the request for it`(
        delay: Double
    ) async {
        let instant = BootInstant.now.advanced(bySeconds: delay)
        let rung = Wakeup()
        let isAsked = Mutex(false)
        let order = Box()
        isAsked.withLock { flag in
            _ = Alarms.shared.alarm(at: instant) {
                isAsked.withLock { order.add($0 ? "rung after the request" : "rung within it") }
                rung.ring()
            }
            flag = true
        }
        await rung.wait()
        #expect(order.all == ["rung after the request"])
        #expect(BootInstant.now >= instant)
    }

    @Test func `make no call that was cancelled, and all the others`() async {
        let start = BootInstant.now
        let (calls, last) = (Box(), Wakeup())
        let cancelled = Alarms.shared.alarm(at: start.advanced(bySeconds: 0.02)) { calls.add("1") }
        _ = Alarms.shared.alarm(at: start.advanced(bySeconds: 0.04)) { calls.add("2") }
        _ = Alarms.shared.alarm(at: start.advanced(bySeconds: 0.06)) {
            calls.add("3")
            last.ring()
        }
        cancelled.cancel()
        await last.wait()
        #expect(calls.all == ["2", "3"])
        // One that has come is past cancelling, and leaves nothing behind.
        cancelled.cancel()
    }

    @Test func `wake a wait at its deadline, or when it is rung before`() async {
        let wakeup = Wakeup()
        let deadline = BootInstant.now.advanced(bySeconds: 0.02)
        await wakeup.wait(until: deadline, on: SystemTimekeeper())
        #expect(BootInstant.now >= deadline)
        wakeup.ring()
        let late = BootInstant.now.advanced(bySeconds: 3600)
        await wakeup.wait(until: late, on: SystemTimekeeper())
        #expect(BootInstant.now < late)
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
