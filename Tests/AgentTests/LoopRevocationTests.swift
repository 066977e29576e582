import Federation
import Kernel
import Synchronization
import TestSupport
import Testing
import Text

@testable import Agent
@testable import Outputs

/// The loop's revocations on a clock that the test moves.
@Suite(.timeLimit(.minutes(1)))
struct `An account loop that revokes` {
    @Test func `revokes the old credential 30 s after a refresh, and not sooner`() async throws {
        let stage = try Stage()
        await stage.perform { loop in
            await yieldUntil { loop.snapshot.isReady(at: stage.time.now) }
            loop.refresh()
            stage.time.advance(by: 1)
            await stage.worker.waitForJobs(2)
            await yieldUntil { !loop.snapshot.revocations.entries.isEmpty }
            await yieldUntil { loop.snapshot.revocations.nextEvent != nil }
            stage.time.advance(by: 29)
            #expect(stage.worker.revoked.isEmpty)
            stage.time.advance(by: 1)
            await stage.worker.waitForJobs(3)
            #expect(stage.worker.revoked == ["token-1"])
            await yieldUntil { loop.snapshot.revocations.revoked == 1 }
            #expect(loop.snapshot.credential?.value.text == "token-2")
        }
    }

    @Test func `does not while an output still holds the old one`() async throws {
        let stage = try Stage()
        await stage.perform { loop in
            await yieldUntil { loop.snapshot.isReady(at: stage.time.now) }
            stage.outputs.fails.withLock { $0 = true }
            loop.refresh()
            stage.time.advance(by: 1)
            await stage.worker.waitForJobs(2)
            await yieldUntil { !loop.snapshot.revocations.entries.isEmpty }
            #expect(loop.snapshot.revocations.nextEvent == nil)
        }
        #expect(stage.worker.revoked.isEmpty)
    }

    @Test(arguments: [true, false])
    func `at its end for good does what revokeOnExit says`(isWanted: Bool) async throws {
        let stage = try Stage(["revokeOnExit": .bool(isWanted)])
        await stage.perform { loop in
            await yieldUntil { loop.snapshot.isReady(at: stage.time.now) }
            loop.stop(forGood: true)
            await loop.waitUntilStopped()
        }
        #expect(stage.worker.revoked == (isWanted ? ["token-1"] : []))
        #expect(stage.outputs.removed.withLock(\.self) == isWanted)
        #expect(stage.outputs.revokedBefore.withLock(\.self) == 0)
    }

    @Test func `on request empties the outputs, revokes, and gets a new one`() async throws {
        let stage = try Stage()
        await stage.perform { loop in
            await yieldUntil { loop.snapshot.isReady(at: stage.time.now) }
            guard case .revoked = await loop.revoke() else {
                Issue.record("not revoked")
                return
            }
            #expect(stage.outputs.withdrawn.withLock(\.self) == 1)
            #expect(stage.worker.revoked == ["token-1"])
            stage.time.advance(by: 1)
            await yieldUntil { loop.snapshot.credential?.value.text == "token-2" }
        }
    }

    @Test func `says why it could not, and goes on trying`() async throws {
        let stage = try Stage()
        stage.worker.refuses.withLock { $0 = true }
        await stage.perform { loop in
            await yieldUntil { loop.snapshot.isReady(at: stage.time.now) }
            guard case .failed(let failure) = await loop.revoke() else {
                Issue.record("did not fail")
                return
            }
            #expect(failure.class == .transient)
            #expect(loop.snapshot.revocations.entries.count == 1)
            stage.worker.refuses.withLock { $0 = false }
            stage.time.advance(by: 2)
            await yieldUntil { loop.snapshot.revocations.revoked == 1 }
        }
    }

    @Test func `revokes under the old version of the file what another identity supersedes`()
        async throws
    {
        let stage = try Stage()
        let other = try Account.revocable(["projectId": "other"])
        await stage.perform { loop in
            await yieldUntil { loop.snapshot.isReady(at: stage.time.now) }
            #expect(await loop.change(to: other)?.message == nil)
            stage.time.advance(by: 1)
            await yieldUntil { loop.snapshot.credential?.value.text == "token-2" }
            await yieldUntil { loop.snapshot.revocations.nextEvent != nil }
            stage.time.advance(by: 30)
            await yieldUntil { loop.snapshot.revocations.revoked == 1 }
        }
        #expect(stage.worker.revoked == ["token-1"])
        #expect(stage.worker.projects.withLock(\.self) == ["p"])
    }
}

/// One loop with everything it depends on.
private struct Stage: Sendable {
    let time = VirtualTimekeeper()
    let worker: FakeWorker
    let outputs: FakeOutputs
    let loop: AccountLoop

    init(
        _ members: [String: JSON] = [:],
        worker: FakeWorker = FakeWorker()
    ) throws {
        self.worker = worker
        outputs = FakeOutputs(worker: worker)
        let outputs = outputs
        loop = try AccountLoop(
            account: try .revocable(members),
            openOutputs: { _ in outputs },
            keeper: nil,
            dependencies: AccountLoop.Dependencies(
                worker: worker,
                timekeeper: time,
                chance: { 0.5 },
                log: Log(level: .error, format: .text) { _ in },
                revokesSuperseded: true,
                onChange: {}
            )
        )
    }

    func perform(_ body: (AccountLoop) async -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await loop.run() }
            await body(loop)
            group.cancelAll()
        }
    }

}

/// Gives `token-1`, `token-2`, …, and notes what it revokes.
private final class FakeWorker: ResultWorker {
    private struct State {
        var jobs = 0
        var tokens = 0
        var revoked: [String] = []
    }

    private let state = Mutex(State())
    let refuses = Mutex(false)
    /// Under which project each revocation was asked for.
    let projects = Mutex<[String]>([])

    var revoked: [String] { state.withLock(\.revoked) }

    func waitForJobs(_ count: Int) async {
        await yieldUntil { state.withLock(\.jobs) >= count }
    }

    func result(_ kind: Job.Kind, for account: Account) async -> JobResult {
        defer { state.withLock { $0.jobs += 1 } }
        guard case .revoke(let credential) = kind else {
            let number = state.withLock { state in
                state.tokens += 1
                return state.tokens
            }
            return JobResult(id: 1, outcome: .credential(.named("token-\(number)")))
        }
        if refuses.withLock(\.self) {
            return JobResult(id: 1, outcome: .failure(Failure(.transient, at: .revoke, "down")))
        }
        if case .tokenExchange(let service) = account.service {
            let project = service.resources.first?.split(separator: "/").last.map(String.init)
            projects.withLock { $0.append(project ?? "") }
        }
        state.withLock { $0.revoked.append(credential.text) }
        return JobResult(id: 1, outcome: .revoked)
    }
}

private final class FakeOutputs: CredentialOutputs {
    let fails = Mutex(false)
    let withdrawn = Mutex(0)
    let removed = Mutex(false)
    /// How much had been revoked when the outputs were closed.
    let revokedBefore = Mutex(0)
    private let worker: FakeWorker
    private let output = Output(kind: .file(.raw, FileOptions()), path: "/x")

    init(worker: FakeWorker) {
        self.worker = worker
    }

    func deliver(_ credential: Credential) async -> [OutputReport] {
        let failure = fails.withLock(\.self) ? Failure(.misconfigured, at: .output, "full") : nil
        return [OutputReport(output: output, facts: nil, failure: failure, warnings: [])]
    }

    func expire() async -> [OutputReport] { [] }

    func withdraw() async -> [OutputReport] {
        withdrawn.withLock { $0 += 1 }
        return []
    }

    func close(removing: Bool) async -> [OutputReport] {
        removed.withLock { $0 = removing }
        revokedBefore.withLock { $0 = worker.revoked.count }
        return []
    }
}
