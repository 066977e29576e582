import Federation
import FoundationEssentials
import Kernel
import Synchronization
import TestSupport
import Testing

@testable import Agent
@testable import Outputs

/// When the service manager is told of life, and when no more: on a clock that the test moves.
@Suite(.timeLimit(.minutes(1)))
struct `The watchdog` {
    @Test func `is fed through refreshes, failures and an expiry`() async throws {
        let scene = try Scene()
        try await scene.play { loop in
            for turn in 0..<200 {
                scene.service.withLock { $0 = turn % 3 == 0 ? .fails : .works }
                let seen = scene.attempts
                await yieldUntil { loop.rests && scene.time.sleeperCount >= 1 }
                #expect(scene.board.stuckAccounts.isEmpty, "turn \(turn)")
                let rest = loop.snapshot.nextAttempt.seconds(since: scene.time.now)
                scene.time.advance(by: max(rest, 0))
                await yieldUntil { scene.attempts > seen }
            }
            scene.service.withLock { $0 = .fails }
            // Into an expiry, step by step.
            for _ in 0..<200 {
                scene.time.advance(by: 20)
                await yieldUntil { !loop.isBehind(at: scene.time.now) }
                #expect(scene.board.stuckAccounts.isEmpty)
            }
        }
    }

    @Test func `is not while an attempt never ends, though not before all of its limits`()
        async throws
    {
        let scene = try Scene()
        scene.service.withLock { $0 = .hangs }
        try await scene.play { loop in
            await yieldUntil { scene.attempts == 1 }
            let limit = loop.account.longestTurn(among: 1)
            scene.time.advance(by: limit)
            #expect(scene.board.stuckAccounts.isEmpty)
            scene.time.advance(by: 31)
            #expect(scene.board.stuckAccounts == ["mondoo"])
        }
    }

    @Test func `is not while a delivery never ends`() async throws {
        let scene = try Scene()
        scene.deliveryHangs.withLock { $0 = true }
        try await scene.play { loop in
            await yieldUntil { loop.snapshot.outputWork != nil }
            scene.time.advance(by: loop.account.longestTurn(among: 1) + 31)
            #expect(scene.board.stuckAccounts == ["mondoo"])
        }
    }

    @Test func `is not where alarms do not come, and again once they do`() async throws {
        let scene = try Scene(isDeaf: true)
        try await scene.play { loop in
            await yieldUntil { loop.snapshot.isReady(at: scene.time.now) && loop.rests }
            await yieldUntil { scene.deaf.sleepers.withLock(\.self) >= 1 }
            scene.time.advance(by: loop.snapshot.nextAttempt.seconds(since: scene.time.now) + 29)
            #expect(scene.board.stuckAccounts.isEmpty)
            scene.time.advance(by: 2)
            #expect(scene.board.stuckAccounts == ["mondoo"])
            loop.lookAgain()
            loop.refresh()
            await yieldUntil { scene.attempts == 2 && loop.snapshot.isReady(at: scene.time.now) }
            #expect(scene.board.stuckAccounts.isEmpty)
        }
    }

    @Test func `is told of many changes at once, and of each in the end`() async throws {
        let scene = try Scene()
        try await scene.play { loop in
            await yieldUntil { loop.snapshot.isReady(at: scene.time.now) }
            await withTaskGroup { group in
                group.addTask { await scene.board.watch { scene.looks.withLock { $0 += 1 } } }
                await yieldUntil { scene.looks.withLock(\.self) == 1 }
                for _ in 0..<100 { scene.board.changed() }
                await yieldUntil { scene.time.slept.contains { 0.0009...0.0011 ~= $0 } }
                for _ in 0..<100 { scene.board.changed() }
                #expect(scene.looks.withLock(\.self) == 1)
                scene.time.advance(by: 0.002)
                await yieldUntil { scene.looks.withLock(\.self) == 2 }
                await yieldUntil {
                    scene.time.advance(by: 0.001)
                    return scene.looks.withLock(\.self) == 3
                }
                group.cancelAll()
            }
        }
    }

    @Test(arguments: [(1, 434.0), (64, 568), (1000, 2444)])
    func `waits longer where many accounts share the workers`(_ accounts: Int, _ limit: Double)
        throws
    {
        #expect(try Scene().account.longestTurn(among: accounts) == limit)
    }
}

extension AccountLoop {
    /// Whether nothing runs.
    fileprivate var rests: Bool {
        let life = snapshot
        return !life.isAttempting && !life.isDelivering && life.outputWork == nil
    }

    /// Whether something is due that the loop's tasks have yet to get to.
    fileprivate func isBehind(at now: BootInstant) -> Bool {
        !rests || (snapshot.deadline ?? .distantFuture) <= now
    }
}

/// One account, a service that may fail or hang, and outputs that may hang.
private final class Scene: ResultWorker, CredentialOutputs {
    enum Service {
        case works
        case fails
        case hangs
    }

    let time = VirtualTimekeeper()
    let deaf: DeafTimekeeper
    let board: Board
    let account: Account
    let service = Mutex(Service.works)
    let deliveryHangs = Mutex(false)
    let looks = Mutex(0)
    private let count = Mutex(0)
    private let isDeaf: Bool

    init(isDeaf: Bool = false) throws {
        self.isDeaf = isDeaf
        deaf = DeafTimekeeper(time: time)
        board = Board(timekeeper: time)
        let document = #"{"type":"external_account","audience":"//x/spaces/y","issuerUri":"x"}"#
        account = try Account(parsing: Secret(document), path: "/etc/mondoo.json")
    }

    var attempts: Int { count.withLock(\.self) }

    func play(_ body: (AccountLoop) async -> Void) async throws {
        let loop = try AccountLoop(
            account: account,
            openOutputs: { [self] _ in self },
            keeper: nil,
            dependencies: AccountLoop.Dependencies(
                worker: self,
                timekeeper: isDeaf ? deaf : time,
                chance: { 0.5 },
                log: Log(level: .error, format: .text) { _ in },
                onChange: {}
            )
        )
        board.set([loop], [])
        await withDiscardingTaskGroup { group in
            group.addTask { await loop.run() }
            await body(loop)
            group.cancelAll()
        }
        // The loop has this scene for its worker, and would keep it for ever.
        board.set([], [])
    }

    func result(_ kind: Job.Kind, for account: Account) async -> JobResult {
        count.withLock { $0 += 1 }
        switch service.withLock(\.self) {
        case .works: break
        case .hangs:
            await Wakeup().wait()
            fallthrough
        case .fails:
            return JobResult(id: 1, outcome: .failure(Failure(.transient, at: .exchange, "down")))
        }
        let credential = Credential(
            kind: .mondoo,
            value: Secret("x"),
            issuedAt: time.wallClock,
            lifetime: 3600,
            receivedAt: time.now
        )
        return JobResult(id: 1, outcome: .credential(credential))
    }

    func deliver(_ credential: Credential) async -> [OutputReport] {
        if deliveryHangs.withLock(\.self) { await Wakeup().wait() }
        let output = Output(kind: .file(.raw, FileOptions()), path: "/x")
        return [OutputReport(output: output, facts: nil, failure: nil, warnings: [])]
    }

    func expire() async -> [OutputReport] { [] }

    func withdraw() async -> [OutputReport] { [] }

    func close(removing: Bool) async -> [OutputReport] { [] }
}

/// A clock that goes, and whose alarms never come.
private final class DeafTimekeeper: Timekeeper {
    let sleepers = Mutex(0)
    private let time: VirtualTimekeeper

    init(time: VirtualTimekeeper) {
        self.time = time
    }

    var now: BootInstant { time.now }
    var wallClock: WallTime { time.wallClock }

    func sleep(until instant: BootInstant) async throws {
        sleepers.withLock { $0 += 1 }
        await Wakeup().wait()
        throw CancellationError()
    }

    func alarm(at instant: BootInstant, _ ring: @escaping @Sendable () -> Void) -> Alarm {
        sleepers.withLock { $0 += 1 }
        return Alarm {}
    }
}
