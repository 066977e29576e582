import Kernel
package import Text

/// One step of obtaining a credential, as `wif-agent doctor` found it. Its texts are ready to print
/// and hold nothing secret.
package struct StepReport: Equatable, Sendable {
    /// The steps, in the order in which they are taken.
    package enum Name: String, CaseIterable, Sendable {
        case environment
        case account = "account-file"
        case worker
        case runtimeDirectory = "runtime-directory"
        case output
        case hook
        case agent
        case proxy
        case dns
        case connection
        case tls
        case http
        case clock
        case source
        case token
        case issuer
        case audience
        case times
        case subject
        case discovery
        case keys
        case signature
        case trust
        case exchange
        case reply
        case credential
        case revocation
        case delivery
    }

    /// What came of it.
    package enum State: String, Sendable {
        case ok
        /// It works, and should be looked at all the same.
        case warning
        case failed
        /// Not tried, or of no concern here.
        case skipped
    }

    package let name: Name
    /// Which of several: a source, a path, a clause.
    package var about: String?
    package var state: State
    /// What was found; of a warning or failure the cause; of a skipped step why it was.
    package var text: String
    /// How to fix it.
    package var hint: String?
    /// The class of a failure; `nil` where there is none.
    package var `class`: Failure.Class?
    /// Whether a file could not be read at all, which has an exit code of its own.
    package var isUnreadable = false
    /// Whether what is warned of may be why a later step fails; stays in this process.
    package var explainsFailures = false
    /// Whether it was not taken because this user may not look; stays in this process.
    package private(set) var isUnseen = false
    /// Whether the service has named its reason for a failure; stays in this process.
    package var namesReason = false

    private init(
        _ name: Name,
        _ about: String?,
        _ state: State,
        _ text: String,
        hint: String? = nil,
        class: Failure.Class? = nil
    ) {
        self.name = name
        self.about = about
        self.state = state
        self.text = text
        self.hint = hint
        self.class = `class`
    }

    /// A step that was taken, and what it found.
    package static func ok(_ name: Name, _ found: String, about: String? = nil) -> StepReport {
        StepReport(name, about, .ok, found)
    }

    /// A step that was not taken, and why.
    package static func skipped(_ name: Name, _ reason: String, about: String? = nil) -> StepReport
    {
        StepReport(name, about, .skipped, reason)
    }

    /// A step that was not taken because this user may not look; see ``isUnseen``.
    package static func unseen(_ name: Name, _ reason: String, about: String) -> StepReport {
        var step = skipped(name, reason, about: about)
        step.isUnseen = true
        return step
    }

    /// A step that works for now, or whose outcome is not what it should be.
    package static func warning(
        _ name: Name,
        _ cause: String,
        hint: String? = nil,
        about: String? = nil
    ) -> StepReport {
        StepReport(name, about, .warning, cause, hint: hint)
    }

    /// A step that failed, and why.
    package static func failed(
        _ name: Name,
        _ class: Failure.Class,
        _ cause: String,
        hint: String? = nil,
        about: String? = nil
    ) -> StepReport {
        StepReport(name, about, .failed, cause, hint: hint, class: `class`)
    }

    /// A step that ended with the failure.
    package static func failed(
        _ name: Name,
        _ failure: Failure,
        about: String? = nil
    ) -> StepReport {
        var step = StepReport.failed(
            name,
            failure.class,
            failure.message,
            hint: failure.hint,
            about: about
        )
        step.namesReason = failure.namesReason
        return step
    }

    /// The exit code of a command that ends with this step's failure.
    package var exitCode: Int32 {
        guard state == .failed else { return 0 }
        if isUnreadable { return 66 }
        let isDelivery = name == .output || name == .delivery
        return isDelivery ? 74 : (`class` ?? .transient).exitCode
    }
}

extension StepReport {
    /// The report as it stands in a result line and in what `doctor --json` prints.
    package var json: JSON {
        var members: [String: JSON] = [
            "step": .string(name.rawValue), "state": .string(state.rawValue),
        ]
        members["about"] = about.map(JSON.string)
        members[state == .failed || state == .warning ? "cause" : "found"] = .string(text)
        members["hint"] = hint.map(JSON.string)
        members["class"] = `class`.map { .string($0.rawValue) }
        return .object(members)
    }

    package init?(json: JSON) {
        guard let name = json["step"]?.string.flatMap(Name.init(rawValue:)),
            let state = json["state"]?.string.flatMap(State.init(rawValue:))
        else { return nil }
        self.init(
            name,
            json["about"]?.string?.bounded,
            state,
            (json["cause"] ?? json["found"])?.string?.bounded ?? "",
            hint: json["hint"]?.string?.bounded,
            class: json["class"]?.string.flatMap(Failure.Class.init(rawValue:))
        )
    }
}
