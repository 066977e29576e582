package import Federation
package import Kernel

/// Credentials that nobody needs any more and that still live at their service, and when each is to be
/// revoked. Pure: clock and chance are handed in.
///
/// All that go to one service share its pace. While it fails one of them is tried at a time, another one
/// each time, so that neither is the service asked for each of them in turn nor does one that it always
/// refuses hold up the rest. Once one has been revoked, all that are due follow.
package struct RevocationQueue: Sendable {
    /// One such credential, and the account under which it was issued: where it may be sent to.
    package struct Entry: Sendable {
        package let id: Int
        package let account: Account
        package let credential: Credential
    }

    private struct State {
        let entry: Entry
        let service: String
        /// `nil` until every output holds its successor; of no interest while it is being revoked.
        var due: BootInstant?
        /// Since when it has been being revoked.
        var start: BootInstant?
    }

    /// An entry's place among those that wait for their moment.
    private struct Place: Comparable {
        let due: BootInstant
        let id: Int

        static func < (left: Place, right: Place) -> Bool {
            (left.due, left.id) < (right.due, right.id)
        }
    }

    /// What goes to one service, and how that goes.
    private struct Line {
        /// In order.
        var waiting: [Place] = []
        var running = 0
        /// Until something has been revoked.
        var failuresInARow = 0
        /// Not before; since the last failure.
        var pausedUntil: BootInstant?
        var lastFailure: BootInstant?

        /// When the first of those that wait may be taken.
        var next: BootInstant? {
            guard let first = waiting.first, failuresInARow == 0 || running == 0 else { return nil }
            return max(first.due, pausedUntil ?? first.due)
        }
    }

    /// Seconds after the delivery of its successor during which readers may still use a credential.
    package static let grace = 30.0

    private var states: [Int: State] = [:]
    /// By the address of the service.
    private var lines: [String: Line] = [:]
    /// Those whose successor is not in every output yet.
    private var unreleased: [Int] = []
    /// Nothing that waits expires before.
    private var firstExpiry = BootInstant.distantFuture
    private var nextID = 1
    /// Credentials that have been revoked.
    package private(set) var revoked = 0
    /// Attempts that have failed.
    package private(set) var failures = 0
    /// Why the last attempt failed; `nil` once one has succeeded.
    package private(set) var lastFailure: Failure?

    package init() {}

    /// What awaits its revocation, oldest first.
    package var entries: [Entry] {
        states.isEmpty ? [] : states.values.map(\.entry).sorted { $0.id < $1.id }
    }

    /// How many await their revocation.
    package var count: Int { states.count }

    /// When ``take(at:)`` has something to give; `nil` while there is nothing to wait for.
    package var nextEvent: BootInstant? {
        lines.isEmpty ? nil : lines.values.lazy.compactMap(\.next).min()
    }

    /// Adds a credential: due at that moment, or once ``release(at:)`` has been called.
    package mutating func add(
        _ credential: Credential,
        of account: Account,
        due: BootInstant? = nil
    ) {
        guard let service = account.service.revocationURL, find(credential) == nil else { return }
        let id = nextID
        nextID += 1
        let entry = Entry(id: id, account: account, credential: credential)
        states[id] = State(entry: entry, service: service)
        if let due {
            wait(id, until: due)
        } else {
            unreleased.append(id)
            firstExpiry = min(firstExpiry, credential.expiry)
        }
    }

    /// Every output holds the successor: the grace of those before it begins.
    package mutating func release(at now: BootInstant) {
        for id in unreleased { wait(id, until: now.advanced(bySeconds: Self.grace)) }
        unreleased = []
    }

    /// All that still live, due or not, now taken; what was taken before has come to nothing.
    package mutating func takeAll(at now: BootInstant) -> [Entry] {
        for id in Array(states.keys) {
            guard let state = states[id] else { continue }
            if now >= state.entry.credential.expiry {
                remove(id)
            } else if state.start == nil {
                start(id, at: now)
            }
        }
        return entries
    }

    /// One that is due, now taken; those that have expired meanwhile are forgotten.
    package mutating func take(at now: BootInstant) -> Entry? {
        if now >= firstExpiry { forgetExpired(at: now) }
        var oldest: Int?
        for line in lines.values {
            guard let next = line.next, next <= now, let id = line.waiting.first?.id else {
                continue
            }
            oldest = min(oldest ?? id, id)
        }
        guard let id = oldest else { return nil }
        start(id, at: now)
        return states[id]?.entry
    }

    /// This one, now taken, due or not.
    package mutating func take(_ credential: Credential, at now: BootInstant) -> Entry? {
        guard let state = find(credential), state.start == nil else { return nil }
        start(state.entry.id, at: now)
        return state.entry
    }

    /// Whether this one has been taken, so that it may be worth nothing at any moment.
    package func isTaken(_ credential: Credential) -> Bool { find(credential)?.start != nil }

    /// This one is in use again: it is not revoked, unless it has been taken. Answers whether it waited.
    @discardableResult
    package mutating func forget(_ credential: Credential) -> Bool {
        guard let state = find(credential), state.start == nil else { return false }
        remove(state.entry.id)
        return true
    }

    /// The one that was taken is worth nothing any more.
    package mutating func succeed(_ id: Int) {
        guard let state = states[id] else { return }
        lines[state.service]?.failuresInARow = 0
        lines[state.service]?.pausedUntil = nil
        remove(id)
        revoked += 1
        lastFailure = nil
    }

    /// The one that was taken still lives; its service is asked again at the pace of refreshes that fail.
    package mutating func fail(
        _ id: Int,
        _ failure: Failure,
        at now: BootInstant,
        chance: Double
    ) {
        guard let state = states[id], let start = state.start, var line = lines[state.service]
        else { return }
        line.running -= 1
        // Those that were under way together have failed once.
        if line.lastFailure.map({ $0 <= start }) ?? true { line.failuresInARow += 1 }
        let delay = RefreshSchedule.retryDelay(
            after: failure,
            attempt: line.failuresInARow,
            validity: nil,
            chance: chance
        )
        let next = now.advanced(bySeconds: delay)
        line.pausedUntil = max(next, line.pausedUntil ?? next)
        line.lastFailure = now
        lines[state.service] = line
        states[id]?.start = nil
        wait(id, until: next)
        failures += 1
        lastFailure = failure
    }

    // MARK: Places

    private func find(_ credential: Credential) -> State? {
        states.values.first { $0.entry.credential.value.isEqual(to: credential.value) }
    }

    private mutating func wait(_ id: Int, until due: BootInstant) {
        guard let state = states[id] else { return }
        states[id]?.due = due
        firstExpiry = min(firstExpiry, state.entry.credential.expiry)
        let place = Place(due: due, id: id)
        var line = lines.removeValue(forKey: state.service) ?? Line()
        let index = line.waiting.lastIndex { $0 < place }.map { $0 + 1 } ?? 0
        line.waiting.insert(place, at: index)
        lines[state.service] = line
    }

    private mutating func leave(_ state: State) {
        guard let due = state.due else { return unreleased.removeAll { $0 == state.entry.id } }
        let place = Place(due: due, id: state.entry.id)
        guard let index = lines[state.service]?.waiting.firstIndex(where: { $0 == place }) else {
            return
        }
        lines[state.service]?.waiting.remove(at: index)
    }

    private mutating func start(_ id: Int, at now: BootInstant) {
        guard let state = states[id] else { return }
        leave(state)
        states[id]?.start = now
        lines[state.service, default: Line()].running += 1
    }

    private mutating func remove(_ id: Int) {
        guard let state = states.removeValue(forKey: id) else { return }
        if state.start == nil { leave(state) } else { lines[state.service]?.running -= 1 }
        guard !states.values.contains(where: { $0.service == state.service }) else { return }
        lines[state.service] = nil
    }

    private mutating func forgetExpired(at now: BootInstant) {
        let waiting = states.values.filter { $0.start == nil }
        for state in waiting where now >= state.entry.credential.expiry { remove(state.entry.id) }
        let rest = states.values.lazy.filter { $0.start == nil }.map(\.entry.credential.expiry)
        firstExpiry = rest.min() ?? .distantFuture
    }
}
