internal import CLinux
import Glibc
import Synchronization

/// Waits for descriptors on one thread of its own, so that no thread of the cooperative pool blocks.
/// The thread sleeps in the kernel and wakes only for an event. `epoll(7)`
package final class Poller: Sendable {
    /// What a descriptor is waited for; hang-up is reported with each of them.
    package enum Interest: Sendable {
        case reading
        case writing
        /// Only that both directions are closed (`EPOLLHUP`); the end of input alone does not count.
        case hangUp

        fileprivate var events: UInt32 {
            switch self {
            case .reading: UInt32(WIF_EPOLL_IN)
            case .writing: UInt32(WIF_EPOLL_OUT)
            case .hangUp: 0
            }
        }
    }

    /// The process's poller; its thread starts with the first use.
    package static let shared = Poller()

    private enum Waiter {
        case once(descriptor: Int32, CheckedContinuation<Bool, Never>)
        case handler(descriptor: Int32, @Sendable () -> Void)

        var descriptor: Int32 {
            switch self {
            case .once(let descriptor, _), .handler(let descriptor, _): descriptor
            }
        }
    }

    private struct State {
        var nextID: UInt64 = 1
        var waiters: [UInt64: Waiter] = [:]
        var cancelled: Set<UInt64> = []
    }

    private let epoll: Int32
    private let state = Mutex(State())

    private init() {
        epoll = wif_epoll_create()
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let result = unsafe pthread_create(&thread, nil, pollerMain, context)
        precondition(epoll >= 0 && result == 0, "no thread or descriptor to wait for input with")
        pthread_detach(thread)
    }

    /// Returns when the descriptor is ready. One wait for a descriptor at a time; the caller keeps it
    /// open until this returns.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first.
    package func wait(for descriptor: Int32, _ interest: Interest) async throws {
        let id = state.withLock { state in
            defer { state.nextID += 1 }
            return state.nextID
        }
        defer { state.withLock { _ = $0.cancelled.remove(id) } }
        let isReady = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                add(id, descriptor, interest, continuation)
            }
        } onCancel: {
            cancel(id)
        }
        if !isReady { throw CancellationError() }
    }

    /// Calls the handler on the poller's thread each time the descriptor is ready, until the returned
    /// watch is cancelled. The handler must not block; while it runs nothing else is polled.
    package func watch(
        _ descriptor: Int32,
        for interest: Interest = .reading,
        handler: @escaping @Sendable () -> Void
    ) -> Watch {
        let id = state.withLock { state in
            defer { state.nextID += 1 }
            state.waiters[state.nextID] = .handler(descriptor: descriptor, handler)
            return state.nextID
        }
        let result = wif_epoll_control(
            epoll,
            Int32(WIF_EPOLL_ADD),
            descriptor,
            interest.events,
            id
        )
        precondition(result == 0, "a descriptor that cannot be polled, or is polled already")
        return Watch(poller: self, id: id)
    }

    /// A standing interest in a descriptor; see ``Poller/watch(_:handler:)``.
    package struct Watch: Sendable {
        fileprivate let poller: Poller
        fileprivate let id: UInt64

        /// Ends the watch; a call of the handler that has begun may still be running.
        package func cancel() {
            poller.cancel(id)
        }
    }

    private func add(
        _ id: UInt64,
        _ descriptor: Int32,
        _ interest: Interest,
        _ continuation: CheckedContinuation<Bool, Never>
    ) {
        // Under the lock, so that a cancellation finds either no registration or a whole one.
        let isReady: Bool? = state.withLock { state in
            if state.cancelled.contains(id) { return false }
            let events = interest.events | UInt32(WIF_EPOLL_ONESHOT)
            let result = wif_epoll_control(epoll, Int32(WIF_EPOLL_ADD), descriptor, events, id)
            // What epoll refuses (a regular file) never blocks: it is always ready.
            if result != 0 { return true }
            state.waiters[id] = .once(descriptor: descriptor, continuation)
            return nil
        }
        if let isReady { continuation.resume(returning: isReady) }
    }

    private func cancel(_ id: UInt64) {
        let isWaiting = state.withLock { state in
            if state.waiters[id] != nil { return true }
            state.cancelled.insert(id)
            return false
        }
        if isWaiting { finish(id, isReady: false) }
    }

    private func finish(_ id: UInt64, isReady: Bool) {
        let waiter = state.withLock { state in
            let waiter = state.waiters.removeValue(forKey: id)
            if let waiter {
                _ = wif_epoll_control(epoll, Int32(WIF_EPOLL_DELETE), waiter.descriptor, 0, 0)
            }
            return waiter
        }
        if case .once(_, let continuation) = waiter { continuation.resume(returning: isReady) }
    }

    fileprivate func run() {
        _ = unsafe wif_set_name("poller")
        var ready = [wif_epoll_ready](repeating: wif_epoll_ready(), count: 64)
        while true {
            let count = unsafe wif_epoll_wait(epoll, &ready, Int32(ready.count), -1)
            guard count > 0 else { continue }
            for index in 0..<Int(count) {
                let id = ready[index].data
                let waiter = state.withLock { $0.waiters[id] }
                switch waiter {
                case .once: finish(id, isReady: true)
                case .handler(_, let handler): handler()
                case nil: break
                }
            }
        }
    }
}

private func pollerMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let context = unsafe context {
        unsafe Unmanaged<Poller>.fromOpaque(context).takeUnretainedValue().run()
    }
    return nil
}
