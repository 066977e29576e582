import Federation
import Kernel
import TestSupport
import Testing
import Text

@testable import Agent

/// The steps of a probe, as a pool counts them.
struct JobQueueTests {
    private struct Held {
        var queue = JobQueue()
        let told = Box()
        let id: Int

        /// - Parameter isProbe: whether somebody is told of the job's steps.
        init(isProbe: Bool, _ continuation: CheckedContinuation<JobResult, Never>) {
            id = queue.takeID()
            let job = Job(
                id: id,
                kind: .probe(trust: nil),
                path: "/a.json",
                document: Secret("{}"),
                environment: [:]
            )
            var entry = JobQueue.Entry(
                job: job,
                queuedAt: BootInstant(nanoseconds: 0),
                continuation: continuation
            )
            if isProbe { entry.tell = { [told] _ in told.add("step") } }
            queue.add(entry)
        }

        /// Gives the job to a new worker, and returns that one's number.
        mutating func begin() -> Int {
            let now = BootInstant(nanoseconds: 1)
            guard case .start(let worker) = queue.decide(at: now) else { return 0 }
            _ = queue.hand(to: worker, at: now)
            return worker
        }

        /// How many of so many steps are taken.
        mutating func steps(_ count: Int, of job: Int, on worker: Int) -> Int {
            (0..<count).count { _ in
                guard case .taken(let tell) = queue.noteStep(of: job, on: worker) else {
                    return false
                }
                tell?(.ok(.dns, "x"))
                return true
            }
        }
    }

    private func holding(isProbe: Bool = true, _ body: (inout Held) -> Void) async {
        _ = await withCheckedContinuation { continuation in
            var held = Held(isProbe: isProbe, continuation)
            body(&held)
            continuation.resume(returning: JobResult(id: held.id, outcome: .revoked))
        }
    }

    @Test func `a probe has so many steps and no more`() async {
        await holding { held in
            let worker = held.begin()
            let taken = held.steps(300, of: held.id, on: worker)
            #expect(taken == 256)
            #expect(held.told.all.count == 256)
        }
    }

    @Test func `a step of a job that the worker does not hold is refused`() async {
        await holding { held in
            let worker = held.begin()
            let taken = [
                held.steps(1, of: held.id + 1, on: worker),
                held.steps(1, of: held.id, on: worker + 1),
            ]
            #expect(taken == [0, 0])
            #expect(held.told.all.isEmpty)
        }
    }

    @Test func `a job of which nobody is told has no steps`() async {
        await holding(isProbe: false) { held in
            let worker = held.begin()
            let taken = held.steps(1, of: held.id, on: worker)
            #expect(taken == 0)
        }
    }

    @Test func `a job that another worker does again tells of new steps alone`() async {
        await holding { held in
            let first = held.begin()
            let before = held.steps(3, of: held.id, on: first)
            _ = held.queue.removeWorker(first)
            let second = held.begin()
            let after = held.steps(5, of: held.id, on: second)
            #expect(second != first)
            #expect([before, after] == [3, 5])
            #expect(held.told.all.count == 5)
        }
    }
}
