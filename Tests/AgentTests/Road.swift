import Federation
import FoundationEssentials
import Kernel
import Synchronization
import TestSupport

@testable import Agent
@testable import Outputs

/// One loop, a service that can be told to fail, and an output that can.
final class Road: ResultWorker, CredentialOutputs {
    let time: VirtualTimekeeper
    /// What credentials say of their issue; the wall clock's time where there is none.
    let serviceTime = Mutex<WallTime?>(nil)
    let fails = Mutex(false)
    let outputFails = Mutex(false)
    /// While it is set a delivery does not end.
    let outputHangs = Mutex(false)
    let expiries = Mutex(0)
    private let starts = Mutex<[BootInstant]>([])
    private let lifetime: Double
    private let account: Account
    private let random: Mutex<Generator>

    init(
        lifetime: Double,
        wallClock: WallTime = WallTime(secondsSinceEpoch: 1_704_164_645),
        seed: UInt64 = 1
    ) throws {
        random = Mutex(Generator(seed: seed))
        time = VirtualTimekeeper(wallClock: wallClock)
        self.lifetime = lifetime
        let document = """
            {"type":"external_account","audience":"//x/spaces/y","issuerUri":"https://issuer.example"}
            """
        account = try Account(parsing: Secret(document), path: "/etc/mondoo.json")
    }

    func makeLoop(onChange: @escaping @Sendable () -> Void = {}) throws -> AccountLoop {
        try AccountLoop(
            account: account,
            openOutputs: { [self] _ in self },
            keeper: nil,
            dependencies: AccountLoop.Dependencies(
                worker: self,
                timekeeper: time,
                chance: { [self] in random.withLock { Double.random(in: 0..<1, using: &$0) } },
                log: Log(level: .error, format: .text) { _ in },
                onChange: onChange
            )
        )
    }

    var attempts: Int { starts.withLock(\.count) }

    /// Seconds from each attempt to the next one.
    var pauses: [Double] {
        let starts = starts.withLock(\.self)
        return zip(starts.dropFirst(), starts).map { $0.seconds(since: $1) }
    }

    /// Returns when the loop has nothing to do but to sleep.
    func settle(_ loop: AccountLoop) async {
        await yieldUntil {
            let life = loop.snapshot
            guard !life.isAttempting, !life.isDelivering, life.outputWork == nil,
                let next = life.deadline
            else {
                return false
            }
            return next > time.now && time.sleeperCount == 1
        }
    }

    func travel(_ body: (AccountLoop) async -> Void) async throws {
        let loop = try makeLoop()
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
        // Before the first attempt nobody sleeps.
        if rest > 0 {
            await time.waitForSleepers(1)
            time.advance(by: rest)
        }
    }

    func waitForAttempts(_ wanted: Int, of loop: AccountLoop) async {
        await yieldUntil { attempts >= wanted && !loop.snapshot.isAttempting }
    }

    func result(_ kind: Job.Kind, for account: Account) async -> JobResult {
        let now = time.now
        starts.withLock { $0.append(now) }
        if fails.withLock(\.self) {
            return JobResult(id: 1, outcome: .failure(Failure(.transient, at: .exchange, "down")))
        }
        let credential = Credential(
            kind: .mondoo,
            value: Secret("x"),
            issuedAt: serviceTime.withLock(\.self) ?? time.wallClock,
            lifetime: lifetime,
            receivedAt: time.now
        )
        return JobResult(id: 1, outcome: .credential(credential))
    }

    func deliver(_ credential: Credential) async -> [OutputReport] {
        await yieldUntil { !outputHangs.withLock(\.self) }
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
