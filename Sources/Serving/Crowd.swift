import Kernel
import Synchronization

/// The open connections of one listener: where there are too many, the one that has kept quiet the
/// longest makes room, so that idle peers lock nobody out. What peers do not read is bounded, too.
final class Crowd: Sendable {
    private struct Guest {
        let socket: SocketStream
        /// A request of it is being answered.
        var isBusy = false
        /// Bytes of the answer that is being written.
        var unread = 0
    }

    private struct State {
        var guests: [UInt64: Guest] = [:]
        var nextID: UInt64 = 1
        /// Those that have not left yet, the ones among them that were shown the door.
        var count = 0
        var unread = 0
    }

    private let limits: ServingLimits
    private let departure = Wakeup()
    private let state = Mutex(State())

    /// Connections beyond the limit that were ended and whose tasks have yet to notice.
    private static let slack = 64

    init(limits: ServingLimits) {
        self.limits = limits
    }

    /// Returns when those who were ended have left, a second later at the latest: before the next one is
    /// accepted, for whoever is accepted last may be the only one with a question.
    func waitForRoom() async {
        let end = BootInstant.now.advanced(bySeconds: 1)
        while isCrowded, BootInstant.now < end, !Task.isCancelled {
            await departure.wait(until: end, on: SystemTimekeeper())
        }
    }

    private var isCrowded: Bool {
        state.withLock { $0.count >= limits.connections + Self.slack }
    }

    /// Takes a connection, and ends the oldest one that nothing is being answered to if there is no
    /// room; `nil` where all are busy, or more come than leave.
    func admit(_ socket: SocketStream) -> UInt64? {
        let (id, evicted) = state.withLock { state -> (UInt64?, SocketStream?) in
            guard state.count < limits.connections + Self.slack else { return (nil, nil) }
            var evicted: SocketStream?
            if state.guests.count >= limits.connections {
                guard let oldest = state.guests.filter({ !$1.isBusy }).keys.min() else {
                    return (nil, nil)
                }
                let guest = state.guests.removeValue(forKey: oldest)
                state.unread -= guest?.unread ?? 0
                evicted = guest?.socket
            }
            let id = state.nextID
            state.nextID += 1
            state.count += 1
            state.guests[id] = Guest(socket: socket)
            return (id, evicted)
        }
        // Its reads and writes end at once, and its task with them.
        evicted?.close()
        return id
    }

    /// To be called once for each that was admitted.
    func leave(_ id: UInt64) {
        state.withLock { state in
            state.unread -= state.guests.removeValue(forKey: id)?.unread ?? 0
            state.count -= 1
        }
        departure.ring()
    }

    /// Does the work while the guest counts as busy.
    func attend<Value>(_ id: UInt64, _ work: () async -> Value) async -> Value {
        state.withLock { $0.guests[id]?.isBusy = true }
        defer { state.withLock { $0.guests[id]?.isBusy = false } }
        return await work()
    }

    /// Does the work of writing so many bytes to the guest. Where peers leave more unread than they all
    /// may, those who have been there the longest are ended.
    func write(_ count: Int, to id: UInt64, _ work: () async throws -> Void) async throws {
        let stalled = state.withLock { state -> [SocketStream] in
            var stalled: [SocketStream] = []
            while state.unread > 0, state.unread + count > limits.unreadBytes,
                let oldest = state.guests.filter({ $1.unread > 0 }).keys.min(),
                let guest = state.guests.removeValue(forKey: oldest)
            {
                state.unread -= guest.unread
                stalled.append(guest.socket)
            }
            if state.guests[id] != nil {
                state.guests[id]?.unread = count
                state.unread += count
            }
            return stalled
        }
        for socket in stalled { socket.close() }
        defer {
            state.withLock { state in
                state.unread -= state.guests[id]?.unread ?? 0
                state.guests[id]?.unread = 0
            }
        }
        try await work()
    }
}

/// A guest's connection, whose writes the crowd counts.
struct GuestStream: ByteStream {
    let stream: any ByteStream
    let crowd: Crowd
    let guest: UInt64

    func read(upTo count: Int) async throws -> [UInt8] { try await stream.read(upTo: count) }

    func write(_ bytes: [UInt8]) async throws {
        try await crowd.write(bytes.count, to: guest) { try await stream.write(bytes) }
    }

    func close() { stream.close() }
}
