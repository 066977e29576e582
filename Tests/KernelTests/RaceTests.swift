import Kernel
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Work against a deadline` {
    private struct Wrong: Error {}

    private let time = VirtualTimekeeper()

    @Test func `counts where it ends in time, and the alarm goes`() async {
        let time = time
        let end = time.now.advanced(bySeconds: 10)
        async let value = before(end, on: time) { () async -> Int in
            // It ends while the alarm is set.
            await time.waitForSleepers(1)
            return 7
        }
        #expect(await value == 7)
        #expect(time.sleeperCount == 0)
    }

    @Test func `is cancelled at the deadline, and its end awaited`() async {
        let time = time
        let notes = Box()
        async let value = before(time.now.advanced(bySeconds: 10), on: time) { () async -> Int in
            await Wakeup().wait()
            notes.add("ended")
            return 7
        }
        await time.waitForSleepers(1)
        time.advance(by: 9.5)
        #expect(time.sleeperCount == 1)
        time.advance(by: 0.5)
        #expect(await value == nil)
        #expect(notes.all == ["ended"])
    }

    @Test func `may fail`() async {
        await #expect(throws: Wrong.self) {
            try await throwingBefore(.distantFuture, on: time) { throw Wrong() }
        }
        #expect(time.sleeperCount == 0)
    }

    @Test func `answers a cancellation itself`() async {
        let time = time
        let (value, error) = await withTaskGroup(of: (Int??, Bool).self) { group in
            group.addTask {
                let value = await before(.distantFuture, on: time) { () async -> Int in
                    await Wakeup().wait()
                    return 7
                }
                return (value, false)
            }
            group.addTask {
                do {
                    _ = try await throwingBefore(.distantFuture, on: time) {
                        try await time.sleep(until: .distantFuture)
                    }
                } catch is CancellationError {
                    return (nil, true)
                } catch {}
                return (nil, false)
            }
            await time.waitForSleepers(3)
            group.cancelAll()
            return await group.reduce(into: (Int??.none, false)) { all, one in
                if let value = one.0 { all.0 = value }
                all.1 = all.1 || one.1
            }
        }
        #expect(value == .some(.some(7)))
        #expect(error)
        #expect(time.sleeperCount == 0)
    }

    @Test func `a rival may end the race, or leave it`() async throws {
        let time = time
        let left = await race(
            { () async -> Int in
                _ = await time.reaches(BootInstant(seconds: 1e6))
                return 1
            },
            against: { nil },
            { 3 }
        )
        #expect(left == 3)
        #expect(await race({ 1 }, against: { nil }) == 1)
        await #expect(throws: Wrong.self) {
            try await throwingRace(
                { () async throws -> Int in
                    try await time.sleep(until: .distantFuture)
                    return 1
                },
                against: { throw Wrong() }
            )
        }
        #expect(time.sleeperCount == 0)
    }
}
