internal import Federation
internal import HTTP
internal import Kernel
internal import Text

/// Why a token source gave no token: what was tried and what came back.
struct SourceError: Error, Sendable {
    /// Whether asking again may help, within the same job.
    enum Retry: Sendable {
        case never
        /// With growing delays, the first of so many seconds.
        case growing(from: Double)
    }

    var message: String
    var hint: String?
    var `class`: Failure.Class
    var retry: Retry = .never
    /// Seconds that the platform asked for.
    var retryAfter: Double?
    /// Nothing answered there, or something that is not the platform.
    var isAbsent = false
    /// The connection was made, and then nothing came.
    var isUnanswered = false
    /// The platform does not take any more what it gave before (a session of its own).
    var isStale = false

    init(
        _ class: Failure.Class,
        _ message: String,
        hint: String? = nil,
        retry: Retry = .never,
        retryAfter: Double? = nil,
        isAbsent: Bool = false
    ) {
        self.class = `class`
        self.message = message
        self.hint = hint
        self.retry = retry
        self.retryAfter = retryAfter
        self.isAbsent = isAbsent
    }

    /// A request without a reply.
    init(_ error: HTTPError) {
        self.init(.transient, error.description, hint: error.hint)
        switch error.kind {
        case .unresolved, .unreachable:
            isAbsent = true
            retry = .growing(from: 1)
        case .timedOut(let phase):
            isAbsent = phase.isBeforeRequest
            isUnanswered = !phase.isBeforeRequest
            retry = .growing(from: 1)
        case .interrupted: retry = .growing(from: 1)
        case .trustStore, .invalidRequest: `class` = .misconfigured
        case .tls, .proxy, .tooLarge, .malformed, .cancelled, .setup: break
        }
    }

    /// The same, of a platform that is known to be here: nobody answering is an outage then.
    var ofPresentPlatform: SourceError {
        var error = self
        error.isAbsent = false
        return error
    }

    /// A source whose task was cancelled: another one has won, or the job has ended.
    static let cancelled = SourceError(.transient, "given up")

    func failure(of source: String) -> Failure {
        Failure(
            `class`,
            at: .subjectToken,
            "\(source): \(message)",
            hint: hint,
            retryAfter: retryAfter
        )
    }
}

extension HTTPResponse {
    /// The body after a status, for a message.
    var note: String {
        switch excerpt {
        case .empty: ""
        case .hidden: " (body not shown)"
        case .text(let text): ": \(text)"
        }
    }
}
