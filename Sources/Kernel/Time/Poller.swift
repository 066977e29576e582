import CLinux
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

    /// A second descriptor for an open file that is waited for already: epoll takes each but once.
    private final class Copy: Sendable {
        let descriptor: FileDescriptor

        init(of descriptor: Int32) throws(Errno) {
            self.descriptor = try duplicate(descriptor)
        }
    }

    private enum Waiter {
        case once(descriptor: Int32, Copy?, CheckedContinuation<Bool, any Error>)
        case handler(descriptor: Int32, @Sendable () -> Void)

        var descriptor: Int32 {
            switch self {
            case .once(let descriptor, _, _), .handler(let descriptor, _): descriptor
            }
        }
    }

    private struct State {
        var nextID: UInt64 = 1
        var waiters: [UInt64: Waiter] = [:]
        var cancelled: Set<UInt64> = []
    }

    private let epoll: Int32
    /// Why there is nothing to wait with.
    private let failure = Mutex<Errno?>(nil)
    private let state = Mutex(State())

    private init() {
        epoll = wif_epoll_create()
        if epoll < 0 {
            let reason = Errno(errno)
            failure.withLock { $0 = reason }
            return
        }
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(self)
        let result = unsafe pthread_create(&thread, nil, pollerMain, context.toOpaque())
        guard result == 0 else {
            unsafe context.release()
            failure.withLock { $0 = Errno(result) }
            return
        }
        pthread_detach(thread)
    }

    /// - Throws: ``Errno`` where the kernel has given no descriptor or thread; every wait fails then.
    func check() throws(Errno) {
        if let failure = failure.withLock(\.self) { throw failure }
    }

    /// Returns when the descriptor is ready; the caller keeps it open until this returns.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first; ``Errno`` where the kernel has no
    ///   memory left to wait with.
    package func wait(for descriptor: Int32, _ interest: Interest) async throws {
        try check()
        let id = state.withLock { state in
            defer { state.nextID += 1 }
            return state.nextID
        }
        defer { state.withLock { _ = $0.cancelled.remove(id) } }
        let isReady = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                add(id, descriptor, interest, continuation)
            }
        } onCancel: {
            cancel(id)
        }
        if !isReady { throw CancellationError() }
    }

    /// As ``wait(for:_:)``, where the kernel has no memory left to wait with: then the descriptor is looked
    /// at again and again. For what comes once, and whoever missed it would wait for ever.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first; ``Errno`` where there is no clock.
    func waitPersistently(for descriptor: Int32, _ interest: Interest) async throws {
        while true {
            do {
                return try await wait(for: descriptor, interest)
            } catch is Errno {
                var entry = pollfd(fd: descriptor, events: Int16(interest.events), revents: 0)
                if unsafe poll(&entry, 1, 0) > 0 { return }
                try await Alarms.shared.sleep(until: .now.advanced(bySeconds: 0.1))
            }
        }
    }

    /// Calls the handler on the poller's thread each time the descriptor is ready, until the returned
    /// watch is cancelled. The handler must not block; while it runs nothing else is polled.
    ///
    /// - Throws: ``Errno`` where the kernel has no memory left to wait with (`epoll_ctl(2)`), or for a
    ///   descriptor that cannot be polled or is polled already.
    package func watch(
        _ descriptor: Int32,
        for interest: Interest = .reading,
        handler: @escaping @Sendable () -> Void
    ) throws(Errno) -> Watch {
        try check()
        let id = state.withLock { state in
            defer { state.nextID += 1 }
            state.waiters[state.nextID] = .handler(descriptor: descriptor, handler)
            return state.nextID
        }
        do throws(Errno) {
            try systemCall {
                wif_epoll_control(epoll, Int32(WIF_EPOLL_ADD), descriptor, interest.events, id)
            }
        } catch {
            state.withLock { _ = $0.waiters.removeValue(forKey: id) }
            throw error
        }
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
        _ continuation: CheckedContinuation<Bool, any Error>
    ) {
        // Under the lock, so that a cancellation finds either no registration or a whole one.
        let outcome: Result<Bool, any Error>? = state.withLock { state in
            if state.cancelled.contains(id) { return .success(false) }
            do throws(Errno) {
                let copy = try register(id, descriptor, interest)
                let used = copy?.descriptor.raw ?? descriptor
                state.waiters[id] = .once(descriptor: used, copy, continuation)
                return nil
            } catch {
                // What epoll refuses (a regular file) never blocks: it is always ready.
                return error == .notPermitted ? .success(true) : .failure(error)
            }
        }
        if let outcome { continuation.resume(with: outcome) }
    }

    /// - Returns: what is waited for in place of the descriptor, where another task waits for that: one
    ///   may read from a socket while another one writes to it.
    private func register(
        _ id: UInt64,
        _ descriptor: Int32,
        _ interest: Interest
    ) throws(Errno) -> Copy? {
        let events = interest.events | UInt32(WIF_EPOLL_ONESHOT)
        func add(_ descriptor: Int32) throws(Errno) {
            try systemCall {
                wif_epoll_control(epoll, Int32(WIF_EPOLL_ADD), descriptor, events, id)
            }
        }
        do throws(Errno) {
            try add(descriptor)
            return nil
        } catch {
            guard error.code == EEXIST else { throw error }
            let copy = try Copy(of: descriptor)
            try add(copy.descriptor.raw)
            return copy
        }
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
            if let waiter { forget(waiter.descriptor) }
            return waiter
        }
        if case .once(_, _, let continuation) = waiter { continuation.resume(returning: isReady) }
    }

    private func forget(_ descriptor: Int32) {
        // Fails only for what is not waited for (epoll_ctl(2)). Whatever else comes in its way, as a tracer
        // can, must not leave a descriptor behind that is reported for ever.
        let delete = Int32(WIF_EPOLL_DELETE)
        if wif_epoll_control(epoll, delete, descriptor, 0, 0) != 0 {
            _ = wif_epoll_control(epoll, delete, descriptor, 0, 0)
        }
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
