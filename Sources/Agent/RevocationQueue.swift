package import Federation
package import Kernel

/// Credentials that nobody needs any more and that still live at their service, and when each is to be
/// revoked. Pure: clock and chance are handed in.
package struct RevocationQueue: Sendable {
    /// One such credential, and the account under which it was issued: where it may be sent to.
    package struct Entry: Sendable {
        package let id: Int
        package let account: Account
        package let credential: Credential
    }

    private struct State {
        let entry: Entry
        /// `nil` until every output holds its successor.
        var due: BootInstant?
        var attempts = 0
        var isRunning = false
    }

    /// Seconds after the delivery of its successor during which readers may still use a credential.
    package static let grace = 30.0

    private var states: [Int: State] = [:]
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

    /// When ``take(at:)`` has something to give; `nil` while there is nothing to wait for.
    package var nextEvent: BootInstant? {
        states.values.filter { !$0.isRunning }.compactMap(\.due).min()
    }

    /// Adds a credential: due at that moment, or once ``release(at:)`` has been called.
    package mutating func add(
        _ credential: Credential,
        of account: Account,
        due: BootInstant? = nil
    ) {
        let isKnown = states.values.contains {
            $0.entry.credential.value.isEqual(to: credential.value)
        }
        guard account.service.canRevoke, !isKnown else { return }
        let entry = Entry(id: nextID, account: account, credential: credential)
        states[nextID] = State(entry: entry, due: due)
        nextID += 1
    }

    /// Every output holds the successor: the grace of those before it begins.
    package mutating func release(at now: BootInstant) {
        for (id, state) in states where state.due == nil {
            states[id]?.due = now.advanced(bySeconds: Self.grace)
        }
    }

    /// All that still live, due or not, now taken; what was taken before has come to nothing.
    package mutating func takeAll(at now: BootInstant) -> [Entry] {
        states = states.filter { now < $0.value.entry.credential.expiry }
        for id in states.keys {
            states[id]?.due = now
            states[id]?.isRunning = true
        }
        return entries
    }

    /// One that is due, now taken; those that have expired meanwhile are forgotten.
    package mutating func take(at now: BootInstant) -> Entry? {
        if states.isEmpty { return nil }
        states = states.filter { $0.value.isRunning || now < $0.value.entry.credential.expiry }
        let due = states.values.filter { state in
            guard let due = state.due else { return false }
            return !state.isRunning && due <= now
        }
        guard let entry = due.map(\.entry).min(by: { $0.id < $1.id }) else { return nil }
        states[entry.id]?.isRunning = true
        return entry
    }

    /// This one, now taken, due or not.
    package mutating func take(_ credential: Credential, at now: BootInstant) -> Entry? {
        let found = states.first { $0.value.entry.credential.value.isEqual(to: credential.value) }
        guard let (id, state) = found, !state.isRunning else { return nil }
        states[id]?.due = now
        states[id]?.isRunning = true
        return state.entry
    }

    /// The one that was taken is worth nothing any more.
    package mutating func succeed(_ id: Int) {
        guard states.removeValue(forKey: id) != nil else { return }
        revoked += 1
        lastFailure = nil
    }

    /// The one that was taken still lives; it is due again at the pace of refreshes that fail.
    package mutating func fail(
        _ id: Int,
        _ failure: Failure,
        at now: BootInstant,
        chance: Double
    ) {
        guard var state = states[id] else { return }
        state.isRunning = false
        state.attempts += 1
        let delay = RefreshSchedule.retryDelay(
            after: failure,
            attempt: state.attempts,
            validity: nil,
            chance: chance
        )
        state.due = now.advanced(bySeconds: delay)
        states[id] = state
        failures += 1
        lastFailure = failure
    }
}
