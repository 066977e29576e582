package import Federation
package import Kernel

/// When one version of an account is tried next, and how its attempts have gone.
package struct AttemptPace: Sendable {
    /// A failure and when it happened, by the wall clock.
    package struct PastFailure: Sendable {
        package let failure: Failure
        package let date: WallTime
    }

    /// When the next attempt is due.
    package private(set) var next: BootInstant
    /// The attempt that is under way.
    package private(set) var running: AccountLife.Attempt?
    package private(set) var lastFailure: PastFailure?
    package private(set) var failuresInARow = 0
    /// Whether there may be another subject token than the attempt that is under way has sent.
    private var hasNewToken = false

    init(next: BootInstant) {
        self.next = next
    }

    /// Contract: never two attempts within 1 s.
    private static func floor(after last: BootInstant?, _ instant: BootInstant) -> BootInstant {
        guard let last else { return instant }
        return max(instant, last.advanced(bySeconds: RefreshSchedule.minimalInterval))
    }

    func isDue(at now: BootInstant) -> Bool { running == nil && next <= now }

    mutating func begin(_ attempt: AccountLife.Attempt) {
        running = attempt
        hasNewToken = false
    }

    /// Contract: a refresh that is asked for starts at once, or `delay` seconds later.
    mutating func hasten(at now: BootInstant, delay: Double = 0, lastAttempt: BootInstant?) {
        next = Self.floor(after: lastAttempt, now.advanced(bySeconds: delay))
    }

    /// There may be another subject token: tried at once where the last one was at fault, or is found to
    /// be.
    mutating func noteNewToken(at now: BootInstant, lastAttempt: BootInstant?) {
        if running != nil {
            hasNewToken = true
        } else if lastFailure?.failure.isOfToken == true {
            hasten(at: now, lastAttempt: lastAttempt)
        }
    }

    /// Another version of the account has begun an attempt.
    mutating func yield(to lastAttempt: BootInstant) {
        next = Self.floor(after: lastAttempt, next)
    }

    /// Contract: refresh is due at a random point of the credential's life.
    mutating func succeed(
        with credential: Credential,
        chance: Double,
        lastAttempt: BootInstant?
    ) {
        running = nil
        failuresInARow = 0
        lastFailure = nil
        let delay = RefreshSchedule.refreshDelay(lifetime: credential.lifetime, chance: chance)
        next = Self.floor(after: lastAttempt, credential.receivedAt.advanced(bySeconds: delay))
    }

    /// Contract: the pause after a failure follows from its class and from what is left of the credential.
    mutating func fail(
        _ failure: Failure,
        with credential: Credential?,
        _ turn: AccountLife.Turn
    ) {
        running = nil
        failuresInARow += 1
        lastFailure = PastFailure(failure: failure, date: turn.date)
        let delay = RefreshSchedule.retryDelay(
            after: failure,
            attempt: failuresInARow,
            validity: credential?.validity(at: turn.now),
            chance: turn.chance
        )
        next = turn.now.advanced(bySeconds: delay)
        if hasNewToken, failure.isOfToken {
            next = turn.now.advanced(bySeconds: RefreshSchedule.minimalInterval)
        }
    }

    /// The attempt that is under way is of no interest any more; answers it.
    mutating func abandon() -> AccountLife.Attempt? {
        defer { running = nil }
        return running
    }
}

extension Failure {
    /// Whether another subject token may be all that is missing.
    fileprivate var isOfToken: Bool {
        switch self.class {
        case .noSource, .refused, .misconfigured: true
        case .transient, .throttled: false
        }
    }
}

extension Credential {
    /// `nil` once it has expired.
    fileprivate func validity(at now: BootInstant) -> RefreshSchedule.Validity? {
        let rest = expiry.seconds(since: now)
        return rest > 0 ? RefreshSchedule.Validity(lifetime: lifetime, rest: rest) : nil
    }
}
