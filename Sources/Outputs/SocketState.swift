package import Kernel

/// A connection that outlives its first moment.
final class HeldConnection: Sendable {
    private let descriptor: FileDescriptor
    let uid: UInt32
    let unit: String?

    init(_ descriptor: consuming FileDescriptor, uid: UInt32, unit: String?) {
        self.descriptor = descriptor
        self.uid = uid
        self.unit = unit
    }

    /// Borrowed: never to be closed.
    var raw: Int32 { descriptor.raw }
}

/// What a credential socket remembers; every change is made under its lock.
struct SocketState: ~Copyable {
    /// A peer that waits: for a credential, or for room to take the rest of one.
    struct Entry: Sendable {
        struct Rest: Sendable {
            let credential: Secret
            let start: Int
        }

        let connection: HeldConnection
        let deadline: BootInstant?
        var rest: Rest?
        var watch: Poller.Watch?

        /// Whether it counts against its user.
        var isCounted: Bool { rest != nil && connection.unit == nil }
    }

    private struct Recipient: Hashable {
        let uid: UInt32
        let unit: String?
    }

    private struct Refusals {
        var lastReport: BootInstant
        var unreported = 0
    }

    static let mostWaiting = 256
    /// Of those that do not read what they are sent.
    static let mostStalledOfOneUser = 64
    private static let secondsBetweenReports = 10.0
    private static let mostReports = 16

    var counts = SocketCounts()
    var waiting: [UInt64: Entry] = [:]
    var listening: Poller.Watch?
    var pausedUntil: BootInstant?
    /// The call for when something is due.
    var alarm: (instant: BootInstant, call: Alarm)?
    var isClosed = false
    /// Whether nobody is accepted until somebody who waits is gone.
    var isCrowded = false
    private var offer = SocketOffer()
    private var stalledOfUser: [UInt32: Int] = [:]
    private var nextID: UInt64 = 1
    private var recipients: Set<Recipient> = []
    private var refusals: [UInt32: Refusals] = [:]
    /// Refusals that no report has told of yet, of users without a report of their own.
    private var unreported = 0
    private var reports: (start: BootInstant, count: Int)?

    /// The credential, unless it has expired.
    func credential(at now: BootInstant) -> Secret? { offer.credential(at: now) }

    mutating func replace(_ credential: Secret?, _ expiry: BootInstant?) {
        offer = SocketOffer(credential, until: expiry)
        recipients.removeAll()
    }

    /// When something is to be done that no event tells of.
    var nextDeadline: BootInstant? {
        var earliest = pausedUntil
        for entry in waiting.values {
            guard let deadline = entry.deadline else { continue }
            earliest = min(earliest ?? deadline, deadline)
        }
        return earliest
    }

    /// Takes a peer into the table and watches it; false if it is one of too many of its user's that do
    /// not read, or the kernel's memory is full. Units do not count against their user, who is root for
    /// them all.
    mutating func admit(_ entry: Entry, watch: (UInt64) throws(Errno) -> Poller.Watch) -> Bool {
        let uid = entry.connection.uid
        guard !isClosed,
            !entry.isCounted
                || stalledOfUser[uid, default: 0] < Self.mostStalledOfOneUser
        else { return false }
        let id = nextID
        nextID += 1
        var entry = entry
        do throws(Errno) { entry.watch = try watch(id) } catch { return false }
        waiting[id] = entry
        if entry.isCounted { stalledOfUser[uid, default: 0] += 1 }
        return true
    }

    /// Takes a peer out of the table; who does so owns it.
    mutating func take(_ id: UInt64) -> Entry? {
        guard let entry = waiting.removeValue(forKey: id) else { return nil }
        entry.watch?.cancel()
        isCrowded = false
        if entry.isCounted {
            let uid = entry.connection.uid
            let count = stalledOfUser[uid, default: 1] - 1
            stalledOfUser[uid] = count == 0 ? nil : count
        }
        return entry
    }

    mutating func takeAll(where isWanted: (Entry) -> Bool) -> [Entry] {
        let wanted = waiting.filter { isWanted($0.value) }.keys.sorted()
        var taken: [Entry] = []
        for id in wanted {
            if let entry = take(id) { taken.append(entry) }
        }
        return taken
    }

    /// Counts a delivery; whether it is this credential's first to that user and unit.
    mutating func noteDelivery(to uid: UInt32, _ unit: String?) -> Bool {
        counts.delivered += 1
        return recipients.insert(Recipient(uid: uid, unit: unit)).inserted
    }

    /// Counts a refusal; how many there are to report now, if it is time.
    mutating func noteRefusal(of uid: UInt32, at now: BootInstant) -> Int? {
        counts.refused += 1
        if let earlier = refusals[uid],
            now.seconds(since: earlier.lastReport) < Self.secondsBetweenReports
        {
            refusals[uid]?.unreported += 1
            return nil
        }
        guard mayReport(at: now) else {
            unreported += 1
            return nil
        }
        let count = (refusals[uid]?.unreported ?? 0) + unreported + 1
        unreported = 0
        if refusals.count >= 1024 { refusals.removeAll() }
        refusals[uid] = Refusals(lastReport: now)
        return count
    }

    /// Whoever has many users, as a user namespace gives, has no more reports than these.
    private mutating func mayReport(at now: BootInstant) -> Bool {
        let start = reports?.start ?? now
        let isOver = now.seconds(since: start) >= Self.secondsBetweenReports
        let count = isOver ? 0 : reports?.count ?? 0
        guard count < Self.mostReports else { return false }
        reports = (isOver ? now : start, count + 1)
        return true
    }
}

/// What a socket gives to whoever connects.
package struct SocketOffer: Sendable {
    private let secret: Secret?
    private let expiry: BootInstant?

    /// - Parameter expiry: from then on there is nothing to be had.
    package init(_ secret: Secret? = nil, until expiry: BootInstant? = nil) {
        self.secret = secret
        self.expiry = expiry
    }

    /// The credential, unless it has expired.
    package func credential(at now: BootInstant) -> Secret? {
        if let expiry, expiry <= now { nil } else { secret }
    }
}
