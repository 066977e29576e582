import Platform
import Synchronization

/// The open connections of one listener: where there are too many, the one that has kept quiet the
/// longest makes room, so that idle peers lock nobody out.
final class Crowd: Sendable {
    private struct Guest {
        let socket: SocketStream
        /// A request of it is being answered.
        var isBusy = false
    }

    private struct State {
        var guests: [UInt64: Guest] = [:]
        var nextID: UInt64 = 1
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) {
        self.limit = limit
    }

    /// Takes a connection, and ends the oldest one that nothing is being answered to if there is no
    /// room; `nil` where all are busy.
    func admit(_ socket: SocketStream) -> UInt64? {
        let (id, evicted) = state.withLock { state -> (UInt64?, SocketStream?) in
            var evicted: SocketStream?
            if state.guests.count >= limit {
                guard let oldest = state.guests.filter({ !$1.isBusy }).keys.min() else {
                    return (nil, nil)
                }
                evicted = state.guests.removeValue(forKey: oldest)?.socket
            }
            let id = state.nextID
            state.nextID += 1
            state.guests[id] = Guest(socket: socket)
            return (id, evicted)
        }
        // Its reads and writes end at once, and its task with them.
        evicted?.close()
        return id
    }

    func leave(_ id: UInt64) {
        state.withLock { _ = $0.guests.removeValue(forKey: id) }
    }

    /// Does the work while the guest counts as busy.
    func attend<Value>(_ id: UInt64, _ work: () async -> Value) async -> Value {
        state.withLock { $0.guests[id]?.isBusy = true }
        defer { state.withLock { $0.guests[id]?.isBusy = false } }
        return await work()
    }
}
