package import Federation
package import FoundationEssentials
package import Outputs
package import Platform

/// What is known of one account, and what follows from it; without effects, so that every rule about
/// "when next" is a function of values.
package struct AccountState: Sendable {
    /// What there is to deliver.
    package enum Phase: String, Sendable {
        /// No credential yet.
        case pending
        case valid
        case expired
    }

    /// A failure and when it happened, by the wall clock.
    package struct PastFailure: Sendable {
        package let failure: Failure
        package let date: Date
    }

    /// What kind of failure an attempt ended in.
    package struct FailureKind: Hashable, Comparable, Sendable {
        package let `class`: Failure.Class
        package let step: Failure.Step

        package static func < (left: FailureKind, right: FailureKind) -> Bool {
            (left.class.rawValue, left.step.rawValue)
                < (right.class.rawValue, right.step.rawValue)
        }
    }

    /// How often an output was delivered to.
    package struct DeliveryCounts: Equatable, Sendable {
        package var ok = 0
        package var failed = 0
    }

    package private(set) var credential: Credential?
    package private(set) var proof: JobResult.Proof?
    package private(set) var outputs: [OutputReport] = []
    package private(set) var nextAttempt: BootInstant
    package private(set) var lastFailure: PastFailure?
    /// Attempts that have failed in a row.
    package private(set) var failuresInARow = 0
    package private(set) var refreshes = 0
    package private(set) var failures: [FailureKind: Int] = [:]
    package private(set) var attemptDurations = Histogram.jobs
    /// By the output's path.
    package private(set) var deliveries: [String: DeliveryCounts] = [:]
    package private(set) var deliveryDurations = Histogram.deliveries
    package private(set) var clockSkew: Double?
    package private(set) var isAttempting = false
    /// A new credential is on its way into the outputs.
    package private(set) var isDelivering = false
    /// The account under which the credential was issued, where it is not the loop's own.
    package private(set) var owner: Account?
    /// The credentials before this one that still live.
    package var revocations = RevocationQueue()
    package private(set) var hookRuns = 0
    package private(set) var hookFailures = 0
    private var areHooksDue = false
    private var lastAttempt: BootInstant?
    private var nextDelivery: BootInstant?
    private var deliveriesFailed = 0
    private var isExpiryTold = false
    /// When the loop's present turn began; `nil` while it rests.
    private var busySince: BootInstant?

    package init(start: BootInstant) {
        nextAttempt = start
        busySince = start
    }

    /// The phase at that moment.
    package func phase(at now: BootInstant) -> Phase {
        guard let credential else { return .pending }
        return now < credential.expiry ? .valid : .expired
    }

    /// Valid, and in every output.
    package func isReady(at now: BootInstant) -> Bool {
        phase(at: now) == .valid && !outputs.isEmpty && !outputs.contains { $0.failure != nil }
    }

    /// Whether waiting for this account makes sense no more: it is ready, or it has failed for a
    /// reason that waiting will not mend.
    package func isSettled(at now: BootInstant) -> Bool {
        if isReady(at: now) { return true }
        let current = outputs.compactMap(\.failure) + (lastFailure.map { [$0.failure] } ?? [])
        return current.contains { $0.class == .refused || $0.class == .misconfigured }
    }

    /// When the loop must look again.
    package var nextEvent: BootInstant { min(nextAttempt, nextDelivery ?? nextAttempt) }

    /// Why the next attempt comes when it does, for people.
    package var nextReason: String {
        if isAttempting { return "it is under way" }
        if let failure = lastFailure?.failure {
            let count = failuresInARow == 1 ? "an attempt" : "\(failuresInARow) attempts"
            return "\(count) failed, \(failure.class.rawValue) at \(failure.step.rawValue)"
        }
        guard let credential else { return "there is no credential yet" }
        let share = nextAttempt.seconds(since: credential.receivedAt) / credential.lifetime
        // What a service calls a lifetime may be next to nothing.
        let percent = Int((100 * share).rounded().clamped(to: 0...1e6))
        return "at \(percent) % of the credential's lifetime"
    }

    /// When the credential's expiry is to be announced; `nil` once it has been.
    package var expiryEvent: BootInstant? { isExpiryTold ? nil : credential?.expiry }

    /// Seconds by which an alarm may be late: a loaded machine, one that has just woken up.
    static let lateness = 30.0

    /// Whether the loop has not attended to what is due: it rests although its next event has come, is
    /// in one turn for longer than `patience` seconds, or has not told of an expiry.
    package func isStuck(at now: BootInstant, patience: Double) -> Bool {
        let end = busySince?.advanced(bySeconds: patience) ?? nextEvent
        let due = min(end, expiryEvent ?? end)
        return due.advanced(bySeconds: Self.lateness) < now
    }

    // MARK: What happens

    /// Nothing is due: the turn is over. Answers when the loop must look again.
    package mutating func rests() -> BootInstant {
        busySince = nil
        return nextEvent
    }

    /// Begins an attempt if one is due.
    package mutating func beginsAttempt(at now: BootInstant) -> Bool {
        guard nextAttempt <= now else { return false }
        busySince = now
        lastAttempt = now
        isAttempting = true
        return true
    }

    /// The attempt that began has its answer, of which ``succeed(with:_:chance:)`` or
    /// ``fail(_:at:date:chance:)`` makes the state.
    package mutating func measureAttempt(at now: BootInstant) {
        if let lastAttempt { attemptDurations.observe(now.seconds(since: lastAttempt)) }
    }

    /// Begins to deliver the present credential again where an output failed and its turn has come.
    package mutating func beginsRedelivery(at now: BootInstant) -> Credential? {
        guard let due = nextDelivery, due <= now else { return nil }
        busySince = now
        // Past its expiry there is nothing to deliver, and looking again at once would help nobody.
        nextDelivery = nil
        return phase(at: now) == .valid ? credential : nil
    }

    /// Whether the expiry is news.
    package mutating func tellsExpiry(at now: BootInstant) -> Bool {
        guard !isExpiryTold, phase(at: now) == .expired else { return false }
        isExpiryTold = true
        return true
    }

    /// Begins to run the hooks if they have not been for this credential.
    package mutating func beginsHooks() -> Bool {
        defer { areHooksDue = false }
        return areHooksDue
    }

    /// What the hooks came to.
    package mutating func endHooks(failures: Int) {
        hookRuns += 1
        hookFailures += failures
    }

    /// Moves the next attempt to the earliest moment allowed, or as many seconds after it.
    package mutating func hasten(at now: BootInstant, delay: Double = 0) {
        let floor = lastAttempt?.advanced(bySeconds: RefreshSchedule.minimalInterval) ?? now
        nextAttempt = max(now.advanced(bySeconds: delay), floor)
    }

    /// A new credential has come.
    package mutating func succeed(with credential: Credential, _ result: JobResult, chance: Double)
    {
        // What was said of outputs concerns a credential that is gone from them.
        if phase(at: credential.receivedAt) != .valid { outputs = [] }
        self.credential = credential
        owner = nil
        proof = result.proof
        clockSkew = result.clockSkew
        isAttempting = false
        isDelivering = true
        isExpiryTold = false
        areHooksDue = true
        failuresInARow = 0
        lastFailure = nil
        refreshes += 1
        schedule(chance)
    }

    /// A kept credential is taken over from an earlier run.
    package mutating func adopt(_ credential: Credential, chance: Double) {
        self.credential = credential
        schedule(chance)
    }

    /// A credential obtained under an earlier version of the account serves until the next one.
    package mutating func inherit(_ credential: Credential, of owner: Account?) {
        self.credential = credential
        self.owner = owner
    }

    /// The credential is to be revoked: it is nobody's any more.
    package mutating func surrender() -> Credential? {
        defer {
            credential = nil
            outputs = []
            nextDelivery = nil
        }
        return credential
    }

    private mutating func schedule(_ chance: Double) {
        guard let credential else { return }
        let delay = RefreshSchedule.refreshDelay(lifetime: credential.lifetime, chance: chance)
        let due = credential.receivedAt.advanced(bySeconds: delay)
        let floor = (lastAttempt ?? due).advanced(bySeconds: RefreshSchedule.minimalInterval)
        nextAttempt = max(due, floor)
    }

    /// An attempt has failed; when the next one is due follows from why.
    package mutating func fail(
        _ failure: Failure,
        at now: BootInstant,
        date: Date,
        chance: Double
    ) {
        isAttempting = false
        failuresInARow += 1
        failures[FailureKind(class: failure.class, step: failure.step), default: 0] += 1
        lastFailure = PastFailure(failure: failure, date: date)
        let rest = credential?.expiry.seconds(since: now) ?? 0
        let delay = RefreshSchedule.retryDelay(
            after: failure,
            attempt: failuresInARow,
            validity: rest > 0 ? credential.map { .init(lifetime: $0.lifetime, rest: rest) } : nil,
            chance: chance
        )
        nextAttempt = now.advanced(bySeconds: delay)
    }

    /// What the outputs answered after so many seconds; those that failed get their turn again.
    package mutating func record(
        _ reports: [OutputReport],
        after duration: Double,
        at now: BootInstant,
        chance: Double
    ) {
        outputs = reports
        isDelivering = false
        deliveryDurations.observe(duration)
        for report in reports {
            let result: WritableKeyPath<DeliveryCounts, Int> =
                report.failure == nil ? \.ok : \.failed
            deliveries[report.output.path, default: DeliveryCounts()][keyPath: result] += 1
        }
        guard let failure = reports.lazy.compactMap(\.failure).first else {
            deliveriesFailed = 0
            nextDelivery = nil
            return
        }
        deliveriesFailed += 1
        var paced = failure
        paced.class = .transient
        let delay = RefreshSchedule.retryDelay(
            after: paced,
            attempt: deliveriesFailed,
            validity: nil,
            chance: chance
        )
        nextDelivery = now.advanced(bySeconds: delay)
    }
}
