import Federation
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Agent
@testable import Outputs

/// The loop on a clock that the test moves.
@Suite(.timeLimit(.minutes(1)))
struct `An account loop through time` {
    @Test func `refreshes for a year, each between 60 and 75 per cent of the lifetime`()
        async throws
    {
        let road = try Road(lifetime: 86_400)
        let start = road.time.now
        await road.travel { loop in
            var last = start
            while road.time.now.seconds(since: start) < 365 * 86_400 {
                let count = road.attempts
                await road.advanceToNextAttempt(of: loop)
                await road.waitForAttempts(count + 1, of: loop)
                let pause = road.time.now.seconds(since: last)
                #expect((0.60 * 86_400...0.75 * 86_400).contains(pause) || last == start)
                last = road.time.now
            }
            #expect(loop.snapshot.refreshes == road.attempts)
            #expect((486...609).contains(road.attempts))
        }
    }

    @Test func `a suspend over the refresh point leads to one refresh within 30 s`() async throws {
        let road = try Road(lifetime: 3600)
        await road.travel { loop in
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
        await road.travel { loop in
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
        await road.travel { loop in
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

    @Test func `an output that fails is tried again, and without a new exchange`() async throws {
        let road = try Road(lifetime: 3600)
        road.outputFails.withLock { $0 = true }
        await road.travel { loop in
            await yieldUntil { loop.snapshot.outputs.contains { $0.failure != nil } }
            #expect(!loop.snapshot.isReady(at: road.time.now))
            road.outputFails.withLock { $0 = false }
            road.time.advance(by: 60)
            await yieldUntil { loop.snapshot.isReady(at: road.time.now) }
            #expect(road.attempts == 1)
        }
    }
}

/// One loop, a service that can be told to fail, and an output that can.
private final class Road: ExchangeWorker, CredentialOutputs {
    let time = VirtualTimekeeper()
    let fails = Mutex(false)
    let outputFails = Mutex(false)
    let expiries = Mutex(0)
    private let count = Mutex(0)
    private let lifetime: Double
    private let account: Account

    init(lifetime: Double) throws {
        self.lifetime = lifetime
        let document = """
            {"type":"external_account","audience":"//x/spaces/y","issuerUri":"https://issuer.example"}
            """
        account = try Account(parsing: Secret(document), path: "/etc/mondoo.json")
    }

    private func makeLoop() -> AccountLoop {
        AccountLoop(
            account: account,
            outputs: self,
            keeper: nil,
            in: AccountLoop.Surroundings(
                worker: self,
                timekeeper: time,
                chance: { Double.random(in: 0..<1) },
                log: Log(level: .error, format: .text) { _ in },
                onChange: {}
            )
        )
    }

    var attempts: Int { count.withLock(\.self) }

    func travel(_ body: (AccountLoop) async -> Void) async {
        let loop = makeLoop()
        await withDiscardingTaskGroup { group in
            group.addTask { await loop.run() }
            await body(loop)
            group.cancelAll()
        }
    }

    func advanceToNextAttempt(of loop: AccountLoop) async {
        await yieldUntil {
            !loop.snapshot.isAttempting && loop.snapshot.outputs.isEmpty == (attempts == 0)
        }
        let rest = loop.snapshot.nextAttempt.seconds(since: time.now)
        // One sleeps for the refresh, one for the expiry; before the first attempt nobody does.
        if rest > 0 {
            await time.waitForSleepers(2)
            time.advance(by: rest)
        }
    }

    func waitForAttempts(_ wanted: Int, of loop: AccountLoop) async {
        await yieldUntil { attempts >= wanted && !loop.snapshot.isAttempting }
    }

    func run(_ kind: Job.Kind, for account: Account) async -> JobResult {
        count.withLock { $0 += 1 }
        if fails.withLock(\.self) {
            return JobResult(id: 1, outcome: .failure(Failure(.transient, at: .exchange, "down")))
        }
        let credential = Credential(
            kind: .mondoo,
            value: Secret("x"),
            issuedAt: time.wallClock,
            lifetime: lifetime,
            receivedAt: time.now
        )
        return JobResult(id: 1, outcome: .credential(credential))
    }

    func run() async {}

    func deliver(_ credential: Credential) async -> [OutputReport] {
        let failure = outputFails.withLock(\.self) ? Failure(.transient, at: .output, "full") : nil
        let output = Output(kind: .file(.raw, FileOptions()), path: "/x")
        return [OutputReport(output: output, facts: nil, failure: failure, warnings: [])]
    }

    func expire() async -> [OutputReport] {
        expiries.withLock { $0 += 1 }
        return []
    }

    func withdraw() async -> [OutputReport] { [] }

    func close(removing: Bool) async -> [OutputReport] { [] }
}
