import Federation
import FoundationEssentials
import Kernel
import Synchronization
import TestSupport
import Testing

@testable import Agent
@testable import Outputs

/// The loop on a clock that the test moves.
@Suite(.timeLimit(.minutes(1)))
struct `An account loop through time` {
    @Test func `refreshes for a year, each between 35 and 60 per cent of the lifetime`()
        async throws
    {
        let road = try Road(lifetime: 86_400)
        let start = road.time.now
        try await road.travel { loop in
            var last = start
            while road.time.now.seconds(since: start) < 365 * 86_400 {
                // Out of time, everything below returns at once.
                if Task.isCancelled { return }
                let count = road.attempts
                await road.advanceToNextAttempt(of: loop)
                await road.waitForAttempts(count + 1, of: loop)
                let pause = road.time.now.seconds(since: last)
                #expect((0.35 * 86_400...0.60 * 86_400).contains(pause) || last == start)
                last = road.time.now
            }
            #expect(loop.snapshot.refreshes == road.attempts)
            #expect((608...1044).contains(road.attempts))
        }
    }

    @Test func `a suspend over the refresh point leads to one refresh within 30 s`() async throws {
        let road = try Road(lifetime: 3600)
        try await road.travel { loop in
            await road.waitForAttempts(1, of: loop)
            // The loop finds itself late, whichever of the timer and the resume it hears of first.
            road.time.advance(by: 3000)
            loop.lookAgain()
            road.time.advance(by: 30)
            await road.waitForAttempts(2, of: loop)
            #expect(loop.snapshot.phase(at: road.time.now) == .valid)
        }
    }

    @Test func `a suspend over expiry ends in a fresh credential, and tells the expiry`()
        async throws
    {
        let road = try Road(lifetime: 3600)
        try await road.travel { loop in
            await road.waitForAttempts(1, of: loop)
            road.fails.withLock { $0 = true }
            road.time.advance(by: 100_000)
            loop.lookAgain()
            await yieldUntil { road.expiries.withLock(\.self) == 1 }
            await road.waitForAttempts(2, of: loop)
            #expect(loop.snapshot.phase(at: road.time.now) == .expired)
            road.fails.withLock { $0 = false }
            road.time.advance(by: 61)
            await yieldUntil { loop.snapshot.isReady(at: road.time.now) }
        }
    }

    @Test(arguments: [-31_536_000.0, -86_400, -60, 60, 86_400, 315_360_000])
    func `a step of the wall clock moves nothing`(step: Double) async throws {
        let road = try Road(lifetime: 3600)
        try await road.travel { loop in
            await yieldUntil { loop.snapshot.isReady(at: road.time.now) }
            let before = loop.snapshot.nextAttempt
            road.time.stepWallClock(by: step)
            loop.lookAgain()
            #expect(loop.snapshot.nextAttempt == before)
            #expect(loop.snapshot.phase(at: road.time.now) == .valid)
            road.time.advance(by: 1)
            #expect(road.attempts == 1)
        }
    }

    @Test(arguments: [1.0, 5, 60, 86_400])
    func `every lifetime is refreshed in time, and never twice in a second`(lifetime: Double)
        async throws
    {
        let road = try Road(lifetime: lifetime)
        try await road.travel { loop in
            for _ in 0..<300 {
                await road.settle(loop)
                #expect(lifetime == 1 || loop.snapshot.isReady(at: road.time.now))
                await road.time.advanceToNextSleeper()
            }
        }
        let pauses = road.pauses
        #expect(pauses.count > 140)
        let (least, most) = (max(1, lifetime * 0.35), max(1, lifetime * 0.60))
        #expect(pauses.allSatisfy { least - 1e-6 <= $0 && $0 <= most + 1e-6 })
    }

    /// Outages, steps of the clock, suspends, impatient users and outputs that fail, in any order.
    @Test(arguments: 0..<40)
    func `no history has two attempts within a second`(number: Int) async throws {
        let lifetime = [1.0, 2, 5, 30, 3600, 86_400][number % 6]
        var random = Generator(seed: UInt64(number))
        let road = try Road(lifetime: lifetime, seed: random.next())
        try await road.travel { loop in
            for _ in 0..<150 {
                await road.settle(loop)
                switch Int.random(in: 0..<8, using: &random) {
                case 0: road.fails.withLock { $0.toggle() }
                case 1: road.outputFails.withLock { $0.toggle() }
                case 2: road.time.stepWallClock(by: .random(in: -1e9...1e9, using: &random))
                case 3: loop.refresh()
                case 4: loop.refresh(after: .random(in: 0...3, using: &random))
                case 5: road.time.advance(by: .random(in: 0...2 * lifetime, using: &random))
                case 6: road.time.advance(by: .random(in: 0...0.9, using: &random))
                default: await road.time.advanceToNextSleeper()
                }
                if Bool.random(using: &random) { loop.lookAgain() }
            }
            road.fails.withLock { $0 = false }
            road.outputFails.withLock { $0 = false }
            let count = road.attempts
            // The longest pause after failures, and one refresh.
            road.time.advance(by: 301 + lifetime)
            await road.waitForAttempts(count + 1, of: loop)
        }
        #expect(road.pauses.allSatisfy { $0 >= 1 - 1e-6 }, "\(road.pauses.min() ?? 0)")
    }

    @Test(arguments: [0.0, 1_000_000_000, 4_000_000_000])
    func `a clock that is wrong at boot and set right later shifts nothing`(wall: Double)
        async throws
    {
        let road = try Road(lifetime: 3600, wallClock: WallTime(secondsSinceEpoch: wall))
        let service = WallTime(secondsSinceEpoch: 1_704_164_645)
        road.serviceTime.withLock { $0 = service }
        try await road.travel { loop in
            await road.settle(loop)
            let before = loop.snapshot.nextAttempt
            #expect((1260...2160).contains(before.seconds(since: road.time.now)))
            #expect(loop.snapshot.credential?.expiresAt == service.advanced(bySeconds: 3600))
            road.time.stepWallClock(by: service.seconds(since: road.time.wallClock))
            loop.lookAgain()
            await road.settle(loop)
            #expect(loop.snapshot.nextAttempt == before)
            #expect(road.attempts == 1)
            road.time.advance(by: 3599)
            #expect(loop.snapshot.phase(at: road.time.now) == .valid)
            await road.waitForAttempts(2, of: loop)
        }
    }

    @Test func `an output that fails is tried again, and without a new exchange`() async throws {
        let road = try Road(lifetime: 3600)
        road.outputFails.withLock { $0 = true }
        try await road.travel { loop in
            await yieldUntil { loop.snapshot.outputs.contains { $0.failure != nil } }
            #expect(!loop.snapshot.isReady(at: road.time.now))
            road.outputFails.withLock { $0 = false }
            road.time.advance(by: 60)
            await yieldUntil { loop.snapshot.isReady(at: road.time.now) }
            #expect(road.attempts == 1)
        }
    }
}
