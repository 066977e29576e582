import Federation
import HTTP
import Kernel
import Text

/// Why a token source gave no token: what was tried and what came back.
struct SourceError: Error, Sendable {
    /// Whether asking again may help, within the same job.
    enum Retry: Sendable {
        case never
        /// With growing delays, the first of so many seconds.
        case growing(from: Double)
    }

    /// One thing that was tried.
    private struct Finding {
        /// Which of several ways to a token it is.
        var way: String?
        /// What was asked.
        var place: String?
        var text: String

        var message: String { [way, place, text].compactMap(\.self).joined(separator: ": ") }
        var summary: String { [way, text].compactMap(\.self).joined(separator: ": ") }
    }

    private var findings: [Finding]
    /// What was tried and what came back.
    var message: String { findings.map(\.message).joined(separator: "; ") }
    /// The same without the places that were asked.
    var summary: String { findings.map(\.summary).joined(separator: "; ") }
    var hint: String?
    var `class`: Failure.Class
    var retry: Retry = .never
    /// Seconds that the platform asked for.
    var retryAfter: Double?
    /// Nothing answered there, or something that is not the platform.
    var isAbsent = false
    /// The word by which the service has refused, where it has one.
    var code: String?
    /// Whether the service has named its reason, so that no guess is better than the hint.
    var isCertain = false
    /// No connection was made.
    var isUnreached = false
    /// The connection broke off, or what came was no HTTP.
    var isBroken = false
    /// The connection was made, and then nothing came.
    var isUnanswered = false
    /// The platform does not take any more what it gave before (a session of its own).
    var isStale = false

    init(
        _ class: Failure.Class,
        _ text: String,
        at place: String? = nil,
        hint: String? = nil,
        retry: Retry = .never,
        retryAfter: Double? = nil,
        isAbsent: Bool = false
    ) {
        self.class = `class`
        findings = [Finding(place: place, text: text)]
        self.hint = hint
        self.retry = retry
        self.retryAfter = retryAfter
        self.isAbsent = isAbsent
    }

    /// A request without a reply.
    init(_ error: HTTPError) {
        self.init(
            .transient,
            error.outcome,
            at: error.url,
            hint: error.hint ?? Self.hint(of: error)
        )
        switch error.kind {
        case .unresolved, .unreachable:
            isAbsent = true
            isUnreached = true
            retry = .growing(from: 1)
        case .timedOut(let phase):
            isAbsent = phase.isBeforeRequest
            isUnreached = phase.isBeforeRequest
            isUnanswered = !phase.isBeforeRequest
            retry = .growing(from: 1)
        case .interrupted:
            isBroken = true
            retry = .growing(from: 1)
        case .malformed: isBroken = true
        case .trustStore, .invalidRequest: `class` = .misconfigured
        case .tls, .proxy, .tooLarge, .cancelled, .setup: break
        }
    }

    /// What to look at where a platform's service gave no reply.
    private static func hint(of error: HTTPError) -> String? {
        switch error.kind {
        case .unresolved:
            "the host's name has no address here: correct it, if a letter is wrong; getent hosts \(error.host) shows"
                + " whether this machine's name servers know it, and another name whether they answer at all"
        case .unreachable where Endpoint.isLoopback(String(error.host.prefix { $0 != ":" })):
            "nothing listens at \(error.host), an address of this machine alone: start the program that gives tokens"
                + " there (ss -ltn shows what listens), or name another credentialSource"
        case .unreachable:
            "nothing answers at \(error.host): where this is one of the platform's machines or jobs, have the firewall or"
                + " network policy let this user's requests through (curl -v \(error.host) as root and as this user tells);"
                + " else name another credentialSource"
        case .timedOut(let phase):
            phase.isBeforeRequest
                ? "nothing answers at \(error.host): a firewall or network policy drops the request, or"
                    + " this is none of the platform's machines: name another credentialSource then"
                : "the service took the request and does not answer: see its own log; the agent tries again"
        case .malformed, .interrupted:
            "another program than the platform's listens there (ss -ltnp shows which, on this machine): correct the"
                + " address, or stop that program"
        case .tls(.other):
            "that address does not speak TLS as it should: write http:// for one of the platform's own addresses on this"
                + " machine; any other must speak TLS 1.2 or 1.3 (openssl s_client -connect HOST:PORT shows it)"
        case .tooLarge: "that address gives something else than a token: correct it"
        case .proxy, .tls, .trustStore, .invalidRequest, .cancelled, .setup: nil
        }
    }

    /// The same, of a platform that is known to be here: nobody answering is an outage then.
    var ofPresentPlatform: SourceError {
        var error = self
        error.isAbsent = false
        return error
    }

    /// A source whose task was cancelled: another one has won, or the job has ended.
    static let cancelled = SourceError(.transient, "cancelled")

    /// The same, of one of several ways to a token.
    func of(_ way: String) -> SourceError {
        var error = self
        for index in error.findings.indices { error.findings[index].way = way }
        return error
    }

    /// The same, told behind what another way to the token came to.
    func after(_ first: SourceError) -> SourceError {
        var error = self
        error.findings = first.findings + findings
        return error
    }

    /// The same, told behind what was found before anything was asked.
    func after(_ finding: String) -> SourceError { after(SourceError(`class`, finding)) }

    /// The same without a part of a URL that is as good as a key.
    func hiding(_ part: String) -> SourceError {
        var error = self
        error.findings = findings.map { finding in
            Finding(
                way: finding.way,
                place: finding.place?.replacing(part, with: "/…"),
                text: finding.text.replacing(part, with: "/…")
            )
        }
        return error
    }

    /// Without the source's name.
    var failure: Failure {
        Failure(`class`, at: .subjectToken, message, hint: hint, retryAfter: retryAfter)
    }

    func failure(of source: String) -> Failure {
        var failure = failure
        failure.message = "\(source): \(message)"
        return failure
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

extension HTTPError {
    /// The host, with its port where one is written.
    var host: String {
        String(url.split(separator: "/", omittingEmptySubsequences: true).dropFirst().first ?? "")
    }
}

extension JSON {
    /// What a file or a program gave.
    /// - Throws: `no-source` where it is no JSON; nothing of it is quoted.
    init(
        _ bytes: [UInt8],
        of subject: String,
        at place: String? = nil,
        hint: String? = nil
    ) throws(SourceError) {
        do throws(JSONError) {
            try self.init(parsing: bytes)
        } catch {
            throw SourceError(
                .noSource,
                "\(subject) is not JSON: \(error.reason)",
                at: place,
                hint: hint
            )
        }
    }
}
