package import Federation
package import Kernel

/// What a running agent tells of itself: at `/status` of its control socket, and by
/// `wif-agent status --json`. Foreign text in it is not cleaned.
package struct AgentStatus: StatusRecord {
    package var version = ""
    package var processID = 0
    /// Whether there is an account, every file is usable, and every account is ready.
    package var isReady = false
    /// Counts the changes.
    package var revision = 0
    package var accounts: [AccountStatus] = []
    package var rejected: [RejectedFile] = []

    package init() {}

    package mutating func visit(_ members: inout StatusMembers) {
        members.text("version", &version)
        members.count("pid", &processID)
        members.flag("ready", &isReady)
        members.count("revision", &revision)
        members.records("accounts", &accounts)
        members.records("rejected", &rejected)
    }

    /// The same of that account alone; `nil` where it is not among its own.
    package func narrowed(to name: String) -> AgentStatus? {
        guard let account = accounts.first(where: { $0.name == name }) else { return nil }
        var status = self
        (status.accounts, status.rejected, status.isReady) = ([account], [], account.isReady)
        return status
    }
}

/// An account file that cannot be used.
package struct RejectedFile: StatusRecord {
    package var file = ""
    package var error = ""
    package var hint: String?

    package init() {}

    package mutating func visit(_ members: inout StatusMembers) {
        members.text("file", &file)
        members.text("error", &error)
        members.text("hint", &hint, isAlwaysThere: true)
    }
}

/// What an agent tells of one account.
package struct AccountStatus: StatusRecord {
    /// What comes next.
    package enum Action: String, Sendable {
        case firstExchange = "first exchange"
        case refresh
        case retry
        /// It is under way.
        case refreshing
    }

    package var name = ""
    package var file = ""
    package var service = ""
    package var source = ""
    package var issuer: String?
    package var subject: String?
    /// Whether the source can give another token.
    package var isRenewable: Bool?
    /// `nil` for a word that is not known.
    package var phase: AccountLife.Phase?
    package var isReady = false
    package var refreshes = 0
    package var hookRuns = 0
    package var hookFailures = 0
    package var failuresInARow = 0
    package var nextAction: Action?
    /// In words.
    package var nextReason = ""
    package var nextDate: WallTime?
    /// Seconds.
    package var nextIn: Double?
    /// Seconds.
    package var clockSkew: Double?
    package var issueDate: WallTime?
    package var expiryDate: WallTime?
    /// Seconds; negative once it has expired.
    package var expiresIn: Double?
    /// Seconds.
    package var lifetime: Double?
    package var outputs: [OutputStatus] = []
    package var warnings: [String] = []
    package var revocations: RevocationStatus?
    package var lastFailure: FailureStatus?
    package var lastHookFailure: FailureStatus?
    package var pendingChange: ChangeStatus?

    package init() {}

    package mutating func visit(_ members: inout StatusMembers) {
        members.text("account", &name)
        members.text("file", &file)
        members.text("service", &service)
        members.text("source", &source)
        members.text("issuer", &issuer)
        members.text("subject", &subject)
        members.flag("renewable", &isRenewable)
        members.word("state", &phase)
        members.flag("ready", &isReady)
        members.count("refreshes", &refreshes)
        members.count("hook_runs", &hookRuns)
        members.count("hook_failures", &hookFailures)
        members.count("failures_in_a_row", &failuresInARow)
        members.word("next_action", &nextAction)
        members.text("next_reason", &nextReason)
        members.date("next_at", &nextDate)
        members.seconds("next_in", &nextIn)
        members.number("clock_skew", &clockSkew)
        members.date("issued_at", &issueDate)
        members.date("expires_at", &expiryDate)
        members.seconds("expires_in", &expiresIn)
        members.seconds("lifetime", &lifetime)
        members.records("outputs", &outputs)
        members.texts("warnings", &warnings)
        members.record("revocations", &revocations)
        members.record("last_failure", &lastFailure)
        members.record("last_hook_failure", &lastHookFailure)
        members.record("pending_change", &pendingChange)
    }
}

/// What an agent tells of one output.
package struct OutputStatus: StatusRecord {
    package var path = ""
    /// The account file's word for it.
    package var format = ""
    /// The format of what is delivered.
    package var content = ""
    package var isWell = false
    package var error: String?
    package var mode: String?
    package var owner: String?
    package var group: String?
    /// Why it could not be looked at.
    package var finding: String?
    /// Of a socket: whom it refused last.
    package var lastRefusal: RefusalStatus?

    package init() {}

    package mutating func visit(_ members: inout StatusMembers) {
        members.text("path", &path)
        members.text("format", &format)
        members.text("content", &content)
        members.flag("ok", &isWell)
        members.text("error", &error)
        members.text("mode", &mode)
        members.text("owner", &owner)
        members.text("group", &group)
        members.text("found", &finding)
        members.record("last_refusal", &lastRefusal)
    }
}

/// A reader that a socket has refused.
package struct RefusalStatus: StatusRecord {
    /// By name and number.
    package var user = ""
    package var error = ""
    package var hint: String?
    package var date: WallTime?

    package init() {}

    package mutating func visit(_ members: inout StatusMembers) {
        members.text("user", &user)
        members.text("error", &error)
        members.text("hint", &hint)
        members.date("at", &date)
    }
}

/// A failure in a status, and when it was where that is told.
package struct FailureStatus: StatusRecord {
    package var `class`: Failure.Class?
    package var step: Failure.Step?
    package var message = ""
    package var hint: String?
    package var retryAfter: Double?
    package var date: WallTime?
    package var secondsAgo: Double?

    package init() {}

    init(_ failure: Failure) {
        (`class`, step, message) = (failure.class, failure.step, failure.message)
        (hint, retryAfter) = (failure.hint, failure.retryAfter)
    }

    package mutating func visit(_ members: inout StatusMembers) {
        members.word("class", &`class`)
        members.word("step", &step)
        members.text("message", &message)
        members.text("hint", &hint)
        members.number("retryAfter", &retryAfter)
        members.date("at", &date)
        members.seconds("seconds_ago", &secondsAgo)
    }

    /// Its texts bounded; `nil` for one of another version.
    package var failure: Failure? { Failure(json: json) }
}

/// The version of an account file that is tried beside the one in force.
package struct ChangeStatus: StatusRecord {
    package var service = ""
    package var nextDate: WallTime?
    /// Seconds.
    package var nextIn: Double?
    package var isAttempting = false
    package var lastFailure: FailureStatus?

    package init() {}

    package mutating func visit(_ members: inout StatusMembers) {
        members.text("service", &service)
        members.date("next_at", &nextDate)
        members.seconds("next_in", &nextIn)
        members.flag("attempting", &isAttempting)
        members.record("last_failure", &lastFailure)
    }
}

/// What became of the credentials that were to be revoked.
package struct RevocationStatus: StatusRecord {
    package var revoked = 0
    package var failures = 0
    package var pending = 0
    package var error: String?

    package init() {}

    package mutating func visit(_ members: inout StatusMembers) {
        members.count("revoked", &revoked)
        members.count("failures", &failures)
        members.count("pending", &pending)
        members.text("error", &error)
    }
}
