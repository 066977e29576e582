package import Federation
package import Kernel
package import Outputs

/// The life of one account as a value: `handle(event) -> [effect]`, without concurrency and without I/O.
///
/// In the order of an account's life: it is started with what was kept, attempts come due and end, what
/// they give is kept and then delivered, hooks run, what was superseded is revoked, the file changes, the
/// credential expires, the end comes. Each rule is a function that names the line of the contract that it
/// keeps. `AccountLoop` does the effects and tells what came of them.
package struct AccountLife: Sendable {
    /// What there is to deliver.
    package enum Phase: String, Sendable {
        /// No credential yet.
        case pending
        case valid
        case expired
    }

    /// A version of the account file with another identity, tried beside the version in force.
    package struct Candidate: Sendable {
        package var account: Account
        package var pace: AttemptPace
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

    /// What the outputs are busy with; one thing at a time, so that none goes back to an older credential.
    indirect enum OutputWork {
        case delivering(serial: Int)
        case expiring
        case withdrawing
        case opening(Switch)

        var isOpening: Bool {
            if case .opening = self { true } else { false }
        }
    }

    /// Another version that is to come into force: with its first credential if its identity is another
    /// one and the version in force has a credential.
    struct Switch {
        var account: Account
        var request: Request?
        /// Whether the first credential has been there before, and may still be in an output.
        var isGivenAgain = false
        private let boxedFirst: Boxed<(credential: Credential, result: JobAnswer<Credential>)>?

        var first: (credential: Credential, result: JobAnswer<Credential>)? { boxedFirst?.value }

        init(
            account: Account,
            first: (credential: Credential, result: JobAnswer<Credential>)? = nil,
            request: Request? = nil
        ) {
            (self.account, self.request) = (account, request)
            boxedFirst = first.map(Boxed.init)
        }
    }

    /// A revocation that was asked for: outputs first, then the kept state, then the service.
    struct Surrender {
        let entry: RevocationQueue.Entry
        let request: Request
        /// Which revision must be kept before the service is asked.
        let revision: Int
        var isWithdrawn = false
        var isAsked = false
    }

    enum Ending {
        case none
        case stopping(forGood: Bool)
        /// Outputs are being closed, then what is owed is kept, and revoked.
        case closing(revokes: Bool)
        case keeping
        case revoking
    }

    /// The version of the account file that is in force.
    package internal(set) var account: Account
    package internal(set) var candidate: Candidate?
    /// Belongs to the identity of ``account``.
    package internal(set) var credential: Credential?
    package internal(set) var pace: AttemptPace
    package internal(set) var proof: JobResult.Proof?
    package internal(set) var clockSkew: Double?
    /// What the outputs answered last.
    package internal(set) var outputs: [OutputReport] = []
    /// The credentials before this one that still live.
    package internal(set) var revocations = RevocationQueue()
    package internal(set) var refreshes = 0
    package internal(set) var failures: [FailureKind: Int] = [:]
    package internal(set) var attemptDurations = Histogram.jobs
    /// By the output's path.
    package internal(set) var deliveries: [String: DeliveryCounts] = [:]
    package internal(set) var deliveryDurations = Histogram.deliveries
    package internal(set) var hookRuns = 0
    package internal(set) var hookFailures = 0
    /// Of the hooks' last run; `nil` where all of them succeeded.
    package internal(set) var lastHookFailure: Failure?

    /// Whether a credential is revoked once its successor has been delivered.
    let revokesSuperseded: Bool
    var attempts = 0
    var lastAttempt: BootInstant?
    /// Attempts that run on although nobody waits for what they give.
    var abandoned: [Int: Account] = [:]
    /// What has been revoked while an attempt was under way, which may have been given it before.
    var revokedMeanwhile: [Credential] = []
    /// Of the present credential; each credential has a higher one.
    var serial = 0
    /// Of the credential that the outputs reported on last.
    var reportedSerial = 0
    /// Of the credential that every output held last; 0 where what they hold is of an agent before this one.
    var heldSerial = 0
    /// Of the credential for which the hooks ran last.
    var hookedSerial = 0
    /// Of the credential whose expiry has been told.
    var expiredSerial = 0
    /// When the outputs are to be written, or opened, next; `nil` where nothing is to be.
    var nextDelivery: BootInstant?
    var lastDelivery: BootInstant?
    var deliveriesBegun = 0
    /// How many deliveries had begun when somebody changed what is delivered; `nil` once a later one has
    /// put it back.
    var lastTouch: Int?
    var deliveriesFailed = 0
    var areOutputsOpen = true
    var outputWork: (work: OutputWork, start: BootInstant)?
    var pendingSwitch: Switch?
    /// A version of the file that came while outputs were being opened.
    var pendingChange: (account: Account, request: Request)?
    var surrender: Surrender?
    var hooksStart: BootInstant?
    /// Counts the changes of what is kept: credential and revocations.
    var revision = 0
    var keptRevision = 0
    /// The revision that is being written.
    var keepingRevision: Int?
    /// Since when the present credential has been in ``revision``.
    var credentialRevision = 0
    /// Nothing begins before it is known what was kept.
    var hasStarted = false
    var ending = Ending.none

    /// - Parameter revokesSuperseded: not for whoever only borrows credentials.
    package init(account: Account, revokesSuperseded: Bool, start: BootInstant) {
        self.account = account
        self.revokesSuperseded = revokesSuperseded
        pace = AttemptPace(next: start)
    }
}

// MARK: Questions

extension AccountLife {
    /// The phase at that moment.
    package func phase(at now: BootInstant) -> Phase {
        guard let expiry = credential?.expiry else { return .pending }
        return now < expiry ? .valid : .expired
    }

    /// Whether there is a credential that has not expired.
    package func isValid(at now: BootInstant) -> Bool {
        credential.map { now < $0.expiry } ?? false
    }

    /// Valid, in every output, and no other version waits to come into force.
    package func isReady(at now: BootInstant) -> Bool {
        isValid(at: now) && areOutputsOpen && !outputs.isEmpty && candidate == nil
            && pendingSwitch == nil && lastTouch == nil && !outputs.contains { $0.failure != nil }
    }

    /// Whether waiting for this account makes sense no more: it is ready, or it has failed for a
    /// reason that waiting will not fix.
    package func isSettled(at now: BootInstant) -> Bool {
        if isReady(at: now) { return true }
        let last = [pace.lastFailure, candidate?.pace.lastFailure].compactMap { $0?.failure }
        return (outputs.compactMap(\.failure) + last).contains(where: \.isFinal)
    }

    /// The files that subject tokens are read from, where something else keeps them fresh.
    var tokenFiles: [String] {
        [account, candidate?.account].compactMap(\.self)
            .flatMap(\.sources.values).compactMap { $0.rotatingFile?.path }
    }

    package var isAttempting: Bool { pace.running != nil || candidate?.pace.running != nil }

    /// A new credential is on its way into the outputs.
    package var isDelivering: Bool {
        pendingSwitch != nil || credential != nil && reportedSerial != serial
    }

    package var lastFailure: AttemptPace.PastFailure? { pace.lastFailure }

    package var failuresInARow: Int { pace.failuresInARow }

    /// When the version in force is tried next.
    package var nextAttempt: BootInstant { pace.next }

    /// Attempts that have had their answer.
    package var endedAttempts: Int { refreshes + failures.values.reduce(0, +) }

    /// What keeps the account from a new credential in all its outputs.
    package var currentFailure: Failure? {
        candidate?.pace.lastFailure?.failure ?? lastFailure?.failure
            ?? outputs.lazy.compactMap(\.failure).first
    }

    /// Why the next attempt comes when it does, for people.
    package var nextReason: String {
        if pace.running != nil { return "it is under way" }
        if let failure = lastFailure?.failure {
            let count = failuresInARow == 1 ? "an attempt" : "\(failuresInARow) attempts"
            return "\(count) failed, \(failure.class.rawValue) at \(failure.step.rawValue)"
        }
        guard let credential else { return "there is no credential yet" }
        let share = pace.next.seconds(since: credential.receivedAt) / credential.lifetime
        // What a service calls a lifetime may be next to nothing.
        let percent = Int((100 * share).rounded().clamped(to: 0...1e6))
        return "at \(percent) % of the credential's lifetime"
    }

    /// "Look at me again at": the one deadline, derived from everything that waits for a moment.
    package var deadline: BootInstant? {
        guard hasStarted, !isStopping else { return nil }
        var next = revocations.nextEvent
        func consider(_ instant: BootInstant?) {
            guard let instant else { return }
            next = min(next ?? instant, instant)
        }
        if !isSwitching {
            if pace.running == nil { consider(pace.next) }
            if let candidate, candidate.pace.running == nil { consider(candidate.pace.next) }
        }
        if outputWork == nil {
            if !areOutputsOpen || isKept { consider(nextDelivery) }
            if expiredSerial != serial { consider(credential?.expiry) }
        }
        return next
    }

    /// Whether everything that runs is to be cancelled.
    package var isStopping: Bool {
        if case .none = ending { false } else { true }
    }

    /// Whether the present credential is in the kept state. Contract: what a restart would adopt is never
    /// older than what the outputs hold.
    var isKept: Bool { credential != nil && keptRevision >= credentialRevision }

    /// Whether the outputs are about to change hands; no attempt begins before they have.
    var isSwitching: Bool {
        pendingSwitch != nil || outputWork?.work.isOpening == true
    }

    /// Seconds by which an alarm may be late: a loaded machine, one that has just woken up.
    static let lateness = 30.0

    /// Whether what is due has not been attended to, or what runs takes longer than `patience` seconds.
    package func isStuck(at now: BootInstant, patience: Double) -> Bool {
        let starts = [
            pace.running?.start, candidate?.pace.running?.start, outputWork?.start, hooksStart,
        ]
        let ends = starts.compactMap { $0?.advanced(bySeconds: patience) } + [deadline ?? now]
        return ends.contains { $0.advanced(bySeconds: Self.lateness) < now }
    }
}

// MARK: Questions about the bytes of the file

extension AccountLife {
    /// Whether these bytes are those of the version in force or of the one that is tried beside it.
    package func knows(_ document: Secret) -> Bool {
        account.document.isEqual(to: document)
            || candidate?.account.document.isEqual(to: document) == true
    }

    /// What whoever holds these bytes of the account file is told; `nil` while it pays to wait.
    /// Contract: for the bytes of a version that is not in force, that version's own failure, never a
    /// credential of another.
    ///
    /// - Parameter older: only a credential received after that instant will do.
    package func answer(
        for document: Secret,
        newerThan older: BootInstant?,
        at now: BootInstant
    ) -> Result<Credential, Failure>? {
        // The same bytes may name another identity: that of the account whose credential it uses.
        let isPending = candidate?.account.document.isEqual(to: document) == true
        if account.document.isEqual(to: document), !isPending {
            if isValid(at: now), let credential,
                older.map({ credential.receivedAt > $0 }) ?? true
            {
                return .success(credential)
            }
            guard let failure = lastFailure?.failure else { return nil }
            return failure.isFinal ? .failure(failure) : nil
        }
        guard let candidate, candidate.account.document.isEqual(to: document) else {
            return .failure(.fileHasChanged)
        }
        return candidate.pace.lastFailure.map { .failure($0.failure) }
    }
}

extension Failure {
    /// Whether waiting does not help.
    fileprivate var isFinal: Bool {
        switch self.class {
        case .refused, .misconfigured: true
        case .transient, .throttled, .noSource: false
        }
    }

    fileprivate static var fileHasChanged: Failure {
        Failure(
            .transient,
            at: .account,
            "the account file has changed since the agent loaded it",
            hint:
                "the agent loads it when nothing has been written to it for a second; at once with"
                + " systemctl reload wif-agent, or SIGHUP"
        )
    }
}
