import Glibc
import Synchronization

/// The process's one inotify instance: a user may have few of them (`max_user_instances`), and one
/// file is watched once however many ask. Its descriptor is read on the poller's thread, which sleeps
/// while nothing happens. `inotify(7)`
final class Inotify: Sendable {
    static let shared = Inotify()

    /// What somebody wants to hear of one watched file or directory.
    struct Registration {
        /// Which of a directory's events count: its own, those of one name in it, or all.
        enum Scope {
            case itself
            case name(String)
            case everything
        }

        let listener: UInt64
        let round: UInt64
        let mask: UInt32
        let scope: Scope
        /// What the listener is told.
        let path: String

        fileprivate func wants(_ event: Event) -> Bool {
            // Unmounted, or the kernel let go of it: nothing more will be heard.
            if event.mask & UInt32(IN_UNMOUNT | IN_IGNORED) != 0 { return true }
            guard event.mask & mask != 0 else { return false }
            switch scope {
            case .itself: return event.name.isEmpty
            case .name(let name): return event.name == name
            case .everything: return true
            }
        }
    }

    fileprivate struct Event {
        let watch: Int32
        let mask: UInt32
        let name: String
    }

    private struct State: ~Copyable {
        var descriptor: Int32?
        var nextID: UInt64 = 1
        var listeners: [UInt64: @Sendable (Set<String>?) -> Void] = [:]
        /// By watch and listener: many listen to the directories that all paths share.
        var registrations: [Int32: [UInt64: [Registration]]] = [:]
        var watches: [UInt64: Set<Int32>] = [:]
    }

    private let state = Mutex(State())

    private init() {}

    /// A new listener. It is called on the poller's thread with the paths that were touched, or with
    /// `nil` where the kernel lost events and everything may have been; it must not block.
    func listen(_ listener: @escaping @Sendable (Set<String>?) -> Void) -> UInt64 {
        state.withLock { state in
            defer { state.nextID += 1 }
            state.listeners[state.nextID] = listener
            return state.nextID
        }
    }

    /// Watches what the path leads to, links followed, beside what it is watched for already.
    /// - Throws: ``Errno``; `EACCES` for what this process may not read.
    func add(_ path: String, _ registration: Registration) throws(Errno) {
        try state.withLock { state throws(Errno) in
            let descriptor = try open(&state)
            let flags = UInt32(IN_MASK_ADD) | UInt32(IN_EXCL_UNLINK)
            let watch = try systemCall {
                unsafe inotify_add_watch(descriptor, path, registration.mask | flags)
            }
            let listener = registration.listener
            state.registrations[watch, default: [:]][listener, default: []].append(registration)
            state.watches[listener, default: []].insert(watch)
        }
    }

    /// Ends a listener's registrations of rounds before that one.
    func remove(_ listener: UInt64, before round: UInt64) {
        state.withLock { state in
            Self.remove(listener, before: round, &state)
        }
    }

    /// Ends a listener.
    func remove(_ listener: UInt64) {
        state.withLock { state in
            state.listeners[listener] = nil
            Self.remove(listener, before: .max, &state)
        }
    }

    private static func remove(_ listener: UInt64, before round: UInt64, _ state: inout State) {
        for watch in state.watches[listener] ?? [] {
            let kept = state.registrations[watch]?[listener]?.filter { $0.round >= round } ?? []
            state.registrations[watch]?[listener] = kept.isEmpty ? nil : kept
            guard kept.isEmpty else { continue }
            state.watches[listener]?.remove(watch)
            // Where it is gone with its file, the kernel's number is another file's or nobody's by now.
            guard state.registrations[watch]?.isEmpty == true else { continue }
            state.registrations[watch] = nil
            if let descriptor = state.descriptor { _ = inotify_rm_watch(descriptor, watch) }
        }
        if state.watches[listener]?.isEmpty == true { state.watches[listener] = nil }
    }

    private func open(_ state: inout State) throws(Errno) -> Int32 {
        if let descriptor = state.descriptor { return descriptor }
        let descriptor = try systemCall { inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK)) }
        do throws(Errno) {
            _ = try Poller.shared.watch(descriptor) { [unowned self] in _ = hear() }
        } catch {
            close(descriptor)
            throw error
        }
        state.descriptor = descriptor
        return descriptor
    }

    /// Has the listeners told of all that has happened so far, which the poller may not have come to yet.
    func catchUp() {
        // More than the kernel ever keeps (`max_queued_events`), and an end where events do not cease.
        for _ in 0..<16 {
            guard hear() else { return }
        }
    }

    /// One read a call: what is left wakes the poller again, after others had their turn. Whether there was
    /// anything to read.
    private func hear() -> Bool {
        let calls = state.withLock { state -> [Call]? in
            // Under the lock: what was read is for those who listen now, and not for those who do later.
            guard let descriptor = state.descriptor else { return nil }
            do throws(Errno) {
                let bytes = try Kernel.read(descriptor, upTo: 65_536)
                return Self.calls(of: Self.events(in: bytes), &state)
            } catch {
                return nil
            }
        }
        for call in calls ?? [] { call.listener(call.paths) }
        return calls != nil
    }

    private struct Call {
        let listener: @Sendable (Set<String>?) -> Void
        let paths: Set<String>?
    }

    /// Whom to tell of what.
    private static func calls(of events: [Event], _ state: inout State) -> [Call] {
        if events.contains(where: { $0.mask & UInt32(IN_Q_OVERFLOW) != 0 }) {
            return state.listeners.values.map { Call(listener: $0, paths: nil) }
        }
        var touched: [UInt64: Set<String>] = [:]
        for event in events {
            for registration in (state.registrations[event.watch] ?? [:]).values.joined()
            where registration.wants(event) {
                touched[registration.listener, default: []].insert(registration.path)
            }
            if event.mask & UInt32(IN_IGNORED) != 0 {
                state.registrations[event.watch] = nil
            }
        }
        return touched.compactMap { id, paths in
            state.listeners[id].map { Call(listener: $0, paths: paths) }
        }
    }

    /// `struct inotify_event`: watch, mask, cookie, length of the name, the name padded with NUL.
    private static func events(in bytes: [UInt8]) -> [Event] {
        unsafe bytes.withUnsafeBytes { bytes in
            var events: [Event] = []
            var start = 0
            while start + 16 <= bytes.count {
                let length = unsafe bytes.loadUnaligned(fromByteOffset: start + 12, as: UInt32.self)
                let end = min(start + 16 + Int(length), bytes.count)
                let name = unsafe bytes[(start + 16)..<end].prefix { $0 != 0 }
                events.append(
                    Event(
                        watch: unsafe bytes.loadUnaligned(fromByteOffset: start, as: Int32.self),
                        mask: unsafe bytes.loadUnaligned(
                            fromByteOffset: start + 4,
                            as: UInt32.self
                        ),
                        name: unsafe String(decoding: name, as: UTF8.self)
                    )
                )
                start = end
            }
            return events
        }
    }
}

/// Whether no watch of files can begin any more for this user, as too many have. `inotify(7)`
package var hasNoWatchLeft: Bool {
    let descriptor = inotify_init1(Int32(IN_CLOEXEC))
    guard descriptor < 0 else {
        _ = FileDescriptor(owning: descriptor)
        return false
    }
    return errno == EMFILE
}
