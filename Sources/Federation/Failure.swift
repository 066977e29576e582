package import Kernel
package import Text

/// Why something did not work, in the form that crosses the process boundary.
///
/// Its class decides the pace of retries and the exit code. `message` and `hint` are ready to print:
/// lower case, no full stop, foreign text already cut and cleaned, nothing secret.
package struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of failure it is, and so what may help.
    package enum Class: String, CaseIterable, Sendable {
        /// Network, TLS, time-out, 5xx, a worker that died: trying again may do.
        case transient
        /// The peer asked for patience (429, `Retry-After`).
        case throttled
        /// The service judged the proof and said no.
        case refused
        /// The account file or local permissions are wrong.
        case misconfigured
        /// No token source gave a token.
        case noSource = "no-source"

        /// That of a system call on this machine which failed: transient where the reason goes away
        /// without anybody changing anything (no descriptors, no memory, a full disk).
        package init(of reason: Errno?) {
            self = reason?.isPassing == true ? .transient : .misconfigured
        }

        /// Whether trying again may do, without anybody changing anything.
        package var isPassing: Bool {
            switch self {
            case .transient, .throttled: true
            case .refused, .misconfigured, .noSource: false
            }
        }

        /// The exit code of a command that ends with such a failure (sysexits.h numbers).
        package var exitCode: Int32 {
            switch self {
            case .transient, .throttled: 75
            case .refused: 77
            case .misconfigured: 78
            case .noSource: 69
            }
        }
    }

    /// At which step it happened.
    package enum Step: String, CaseIterable, Sendable {
        case account
        case worker
        case subjectToken = "subject-token"
        case exchange
        case reply
        case output
        case revoke
    }

    package var `class`: Class
    package var step: Step
    package var message: String
    package var hint: String?
    /// Seconds from the reply's arrival; at most an hour.
    package var retryAfter: Double?
    /// Whether who failed it has named its reason, so that no guess comes before that; stays in this process.
    package var namesReason = false

    package init(
        _ class: Class,
        at step: Step,
        _ message: String,
        hint: String? = nil,
        retryAfter: Double? = nil
    ) {
        self.class = `class`
        self.step = step
        self.message = message
        self.hint = hint
        self.retryAfter = retryAfter.map { $0.clamped(to: 0...3600) }
    }

    /// The exit code of a command that ends with this failure: 74 if an output could not be written,
    /// else that of its class.
    package var exitCode: Int32 { step == .output ? 74 : `class`.exitCode }

    /// The message, and the hint on a second line.
    package var description: String {
        if let hint { "\(message)\nhint: \(hint)" } else { message }
    }
}

extension Failure {
    /// Somebody asked for the claims of what has none.
    package static let noJWT = Failure(
        .noSource,
        at: .subjectToken,
        "the subject token is not a JWT"
    )

    /// The failure as it stands in a result line.
    package var json: JSON {
        var members: [String: JSON] = [
            "class": .string(`class`.rawValue), "step": .string(step.rawValue),
            "message": .string(message),
        ]
        if let hint { members["hint"] = .string(hint) }
        if let retryAfter { members["retryAfter"] = .number(retryAfter) }
        return .object(members)
    }

    package init?(json: JSON) {
        guard let `class` = json["class"]?.string.flatMap(Class.init(rawValue:)),
            let step = json["step"]?.string.flatMap(Step.init(rawValue:)),
            let message = json["message"]?.string
        else { return nil }
        self.init(
            `class`,
            at: step,
            message.bounded,
            hint: json["hint"]?.string?.bounded,
            retryAfter: json["retryAfter"]?.lenientNumber
        )
    }
}
