import Federation
import HTTP
import Kernel
import Text

/// Seconds to connect to an address on the machine or its link, and to any other.
enum ConnectTimeout {
    static let near = 1.0
    static let far = 5.0
}

extension SourceContext {
    /// Seconds for one request to a platform.
    private static let requestLimit = 10.0

    /// Sends a request straight to its host. A redirect is an error: it could carry the token off.
    func ask(
        _ request: HTTPRequest,
        limit seconds: Double = requestLimit
    ) async throws(SourceError) -> HTTPResponse {
        let limit = timekeeper.now.advanced(bySeconds: seconds)
        let response: HTTPResponse
        do throws(HTTPError) {
            response = try await transport.send(request, deadline: min(limit, deadline))
        } catch {
            throw error.kind == .cancelled ? .cancelled : told(error, request)
        }
        if (300..<400).contains(response.status) {
            throw SourceError(
                .noSource,
                "answered with a redirect (\(response.status)), not followed",
                at: request.place,
                hint: redirectHint(response),
                isAbsent: true
            )
        }
        return response
    }

    /// Tries until there is a value, an error that waiting will not fix, or patience has run out.
    func retrying<Value>(
        _ evidence: Evidence,
        _ attempt: () async throws(SourceError) -> Value
    ) async throws(SourceError) -> Value {
        let end = timekeeper.now.advanced(bySeconds: evidence.patience)
        var next: Double?
        while true {
            let error: SourceError
            do throws(SourceError) {
                return try await attempt()
            } catch let caught {
                error = caught
            }
            guard case .growing(let first) = error.retry,
                evidence == .platform || !error.isAbsent
            else { throw error }
            let delay = next ?? first
            next = delay * 2
            let wait = max(delay * (0.9 + 0.2 * chance()), error.retryAfter ?? 0)
            let instant = timekeeper.now.advanced(bySeconds: wait)
            guard instant <= min(end, deadline) else { throw error }
            do {
                try await timekeeper.sleep(until: instant)
            } catch {
                throw .cancelled
            }
        }
    }

    /// The override variable's URL; `nil` where it is unset.
    func override(
        _ variable: String,
        scheme: String = "",
        plainHTTP: Endpoint.PlainHTTP
    ) throws(SourceError) -> Endpoint? {
        guard let value = self.variable(variable) else { return nil }
        try checkExpanded(value, in: "the variable \(variable)")
        do throws(EndpointError) {
            return try Endpoint(
                value.contains("://") ? value : scheme + value,
                plainHTTP: plainHTTP
            )
        } catch {
            let shown = String(value.prefix { $0 != "?" && $0 != "@" }).printable
            throw SourceError(
                .misconfigured,
                "\(variable) \(error.reason): \(shown)",
                hint: "unset \(variable), so that the platform's own address is asked; or write an"
                    + " https:// URL, or http:// with one of the platform's own addresses"
            )
        }
    }

    private func redirectHint(_ response: HTTPResponse) -> String {
        let leads = response.redirectTarget.map { " (it leads to \($0.printable))" } ?? ""
        let start = response.redirectTarget.map {
            "write \($0.printable), to which it leads, in place of the address that was asked (url of credentialSource, where it"
                + " is one): redirects are not followed, for they could carry the token off"
        }
        return
            "\(start ?? "name the address that answers with the token itself\(leads), for a redirect could carry it off");"
            + " where that is a page to log in, the request lacks what proves who asks"
    }

    /// The way to a public service, such as Entra, which a pod may reach by a proxy alone.
    var publicRoute: HTTPRequest.Route {
        ProxySettings.general(variable).map { .proxied($0.settings) } ?? .direct
    }

    /// The error that a reply other than the expected one means: one that may pass is asked for again,
    /// any other is taken as an answer.
    func unexpected(
        _ response: HTTPResponse,
        to request: HTTPRequest,
        note: String = "",
        hint: String? = nil,
        refusal: Failure.Class = .noSource
    ) -> SourceError {
        let status = response.status
        let isPassing = isPassing(status)
        return SourceError(
            status == 429 ? .throttled : isPassing ? .transient : refusal,
            "status \(status)\(note)\(response.note)",
            at: request.place,
            hint: hint,
            retry: isPassing ? .growing(from: 1) : .never,
            retryAfter: retryAfter(response)
        )
    }

    /// Seconds the reply asks to wait, where it does.
    func retryAfter(_ response: HTTPResponse) -> Double? {
        response.retryAfter(now: timekeeper.wallClock)
    }
}

extension HTTPRequest {
    /// Method and URL without its query, for messages.
    var place: String { "\(method) \(url.prefix { $0 != "?" })" }
}

extension SubjectToken {
    /// A reply's or variable's token, trimmed.
    /// - Throws: where it is no compact JWS, which every platform here gives.
    init(jws text: String, from source: String, at place: String) throws(SourceError) {
        let value = Secret(text.trimmed)
        self.init(value, source: source)
        if claims == nil {
            throw SourceError(
                .noSource,
                "answered with \(value.count) bytes that are not a JWT",
                at: place,
                isAbsent: true
            )
        }
    }
}

/// Whether a status says that asking again may help.
func isPassing(_ status: Int) -> Bool {
    status == 408 || status == 429 || (500..<600).contains(status)
}
