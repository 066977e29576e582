import Kernel
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct `A lock over what awaits` {
    private final class Counter: Sendable {
        let inside = Mutex(0)
        let most = Mutex(0)
        let passed = Mutex(0)
        let isHeld = Mutex(true)

        func pass() async {
            let present = inside.withLock { count in
                count += 1
                return count
            }
            most.withLock { $0 = max($0, present) }
            for _ in 0..<10 { await Task.yield() }
            inside.withLock { $0 -= 1 }
            passed.withLock { $0 += 1 }
        }
    }

    @Test func `lets one through at a time, and each of them`() async {
        let (lock, counter) = (AsyncLock(), Counter())
        await withDiscardingTaskGroup { group in
            for _ in 0..<200 { group.addTask { await lock.withLock { await counter.pass() } } }
        }
        #expect(counter.most.withLock(\.self) == 1)
        #expect(counter.passed.withLock(\.self) == 200)
    }

    @Test func `is waited for through a cancellation, and is free after a body that is cancelled`()
        async
    {
        let (lock, counter) = (AsyncLock(), Counter())
        await withDiscardingTaskGroup { group in
            group.addTask {
                await lock.withLock { while counter.isHeld.withLock(\.self) { await Task.yield() } }
            }
            group.addTask { await lock.withLock { await counter.pass() } }
            group.cancelAll()
            for _ in 0..<100 { await Task.yield() }
            #expect(counter.passed.withLock(\.self) == 0)
            counter.isHeld.withLock { $0 = false }
        }
        #expect(counter.passed.withLock(\.self) == 1)
        #expect(await lock.withLock { 7 } == 7)
    }
}
