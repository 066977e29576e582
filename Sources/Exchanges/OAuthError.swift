import Federation
import HTTP
import Kernel
import Text

/// The error body of an OAuth endpoint, or of the other kinds that stand in its place.
struct OAuthError {
    /// `invalid_grant`, a Google status, or whatever word there is.
    let code: String
    let text: String?
    /// Of a `google.rpc.Status`.
    var rpcCode: Int?
    /// What a `google.rpc.ErrorInfo` or `PreconditionFailure` says beside it, with the reason as `reason`.
    var details: [String: String] = [:]

    /// RFC 6749 section 5.2; `{"error": {…}}` of Google and Anthropic; `{"errors": […]}` of Vault;
    /// `{"code", "message"}` of gRPC gateways.
    ///
    /// - Parameter isRefusal: whether the status says already that it is no success: then the forms are read
    ///   that a success may have as well, `{"message"}`, RFC 9457's `{"title", "detail"}`, Okta's.
    init?(parsing body: Secret, isRefusal: Bool = false) {
        guard body.count <= 1 << 20 else { return nil }
        let json = Self.json(body)
        let found =
            json.map { OAuthError(json: $0) ?? (isRefusal ? OAuthError(plain: $0) : nil) }
            ?? OAuthError(amazon: body)
        guard let found else { return nil }
        self = found
    }

    private init?(plain json: JSON) {
        let names = ["errorSummary", "detail", "message", "Message", "title", "reason"]
        guard json.object != nil,
            let text = names.lazy.compactMap({ json[$0]?.string }).first(where: { !$0.isEmpty })
        else { return nil }
        let code = json["errorCode"]?.string ?? json["code"]?.string ?? json["type"]?.string
        (self.code, self.text) = (code ?? "error", text)
    }

    /// Of `error.details`.
    private static func details(_ error: JSON) -> [String: String] {
        var found: [String: String] = [:]
        for detail in error["details"]?.array ?? [] {
            found["reason"] = found["reason"] ?? detail["reason"]?.string
            for (name, value) in detail["metadata"]?.object ?? [:] { found[name] = value.string }
            let violations = (detail["violations"] ?? detail["fieldViolations"])?.array ?? []
            let texts = violations.flatMap { one in
                ["type", "subject", "field", "description"].compactMap { one[$0]?.string }
            }
            if !texts.isEmpty { found["violations"] = texts.joined(separator: " ") }
        }
        return found
    }

    private init?(json: JSON) {
        guard json.object != nil else { return nil }
        let message = json["error_description"]?.string ?? json["message"]?.string
        if let code = json["error"]?.string {
            (self.code, text) = (code, message)
        } else if let error = json["error"], error.object != nil {
            code = error["status"]?.string ?? error["type"]?.string ?? "error"
            text = error["message"]?.string
            details = Self.details(error)
        } else if let errors = json["errors"]?.array, !errors.isEmpty {
            code = "error"
            text = errors.compactMap { $0.string ?? $0["message"]?.string ?? $0["detail"]?.string }
                .joined(separator: "; ")
        } else if case .integer(let number)? = json["code"], number != 0, let message {
            (code, text) = ("code \(number)", message)
            rpcCode = (1...16).contains(number) ? Int(number) : nil
        } else {
            return nil
        }
    }

    /// `<ErrorResponse><Error><Code>…</Code><Message>…</Message></Error></ErrorResponse>` of AWS's query
    /// protocol.
    private init?(amazon body: Secret) {
        let document: XMLElement
        do throws(XMLError) {
            document = try XMLElement(parsing: body.bytes)
        } catch {
            return nil
        }
        guard let code = document["Error", "Code"]?.text, !code.isEmpty else { return nil }
        (self.code, text) = (code, document["Error", "Message"]?.text)
    }

    private static func json(_ body: Secret) -> JSON? {
        do throws(JSONError) {
            return try JSON(parsing: body.bytes)
        } catch {
            return nil
        }
    }

    /// What the code says of the failure; `nil` for codes that say nothing.
    fileprivate var `class`: Failure.Class? {
        switch code {
        case "invalid_request", "invalid_grant", "invalid_target", "invalid_client",
            "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_token",
            "access_denied", "unsupported_token_type", "PERMISSION_DENIED", "UNAUTHENTICATED",
            "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION":
            .refused
        case "IDPCommunicationError", "temporarily_unavailable", "server_error", "UNAVAILABLE",
            "INTERNAL", "ABORTED":
            .transient
        case "Throttling", "ThrottlingException", "RequestLimitExceeded", "slow_down",
            "too_many_requests", "RESOURCE_EXHAUSTED":
            .throttled
        default:
            switch rpcCode {
            case 3, 5, 6, 7, 9, 11, 12, 16: .refused
            case 8: .throttled
            case nil: nil
            default: .transient
            }
        }
    }
}

/// A reply that is no success, and what to make of it.
struct Answer {
    let status: Int
    let error: OAuthError?
    private let excerpt: String
    private let target: String
    private let isPage: Bool
    private let retryAfter: Double?
    /// What to do where a proxy or server on the way has answered.
    private let wayHint: String?

    init(_ reply: Reply) {
        status = reply.response.status
        error = OAuthError(parsing: reply.response.body, isRefusal: reply.response.status >= 300)
        excerpt = reply.excerpt
        (target, isPage) = (reply.target, reply.isPage)
        retryAfter = reply.response.retryAfter(now: reply.serverTime)
        wayHint = reply.intermediaryHint("tokenUrl")
    }

    // The body decides before the status does: a balancer's page has no code, a refusal may have any status.
    private var `class`: Failure.Class {
        if status == 429 { return .throttled }
        let verdict = error?.class ?? byStatus
        return verdict == .transient && retryAfter != nil ? .throttled : verdict
    }

    private var byStatus: Failure.Class {
        switch status {
        case 408, 425: .transient
        case 501: .refused
        case 300..<500: .refused
        default: .transient
        }
    }

    /// The failure, its hint by the status alone.
    func failure(of name: String, doing what: String, at step: Failure.Step = .exchange) -> Failure
    {
        let verdict = self.class
        if (300..<400).contains(status) {
            return Failure(
                .refused,
                at: step,
                "\(name) answered with a redirect (\(status))\(target), which is not followed",
                hint:
                    "tokenUrl is not the token endpoint, which answers by itself: write the service's own (the"
                    + " token_endpoint of its /.well-known/openid-configuration); a login for people, or the path"
                    + " without its last part, sends requests on"
            )
        }
        let verb = verdict == .refused ? "refused" : "failed"
        return Failure(
            verdict,
            at: step,
            "\(name) \(verb) \(what): \(said)",
            hint: hint,
            retryAfter: retryAfter
        )
    }

    private var hint: String? {
        if let wayHint { return wayHint }
        if isPage, self.class == .refused { return Self.blocked }
        if error == nil, [404, 405, 501].contains(status) { return Self.wrongPlace }
        return status == 415 ? Self.wrongForm : outageHint(status)
    }

    private static let blocked =
        "a web page answers in the service's place: a firewall, proxy or login stands on the way, or the address is"
        + " not the token endpoint's; have it let this machine through, or correct tokenUrl"
    private static let wrongForm =
        "the service expects another kind of body: set requestFormat to json, or to form"
    private static let wrongPlace = "correct tokenUrl: what answers there does not know that path"

    /// What the service said, fit for a message.
    private var said: String {
        guard let error else { return "status \(status) with \(excerpt)" }
        let text = error.text.map { ": \($0.printable)" } ?? ""
        return "\(error.code.printable)\(text) (status \(status))"
    }

    /// All that the service said, in lower case, to look for words in.
    var words: String {
        let details = (error?.details ?? [:]).sorted { $0.key < $1.key }.map(\.value)
        let parts = [error?.code, error?.text.map { String($0.prefix(2000)) }] + details
        return parts.compactMap(\.self).joined(separator: " ").lowercased()
    }
}

/// What a status that may pass most likely is, where the body does not say; `nil` for any other.
func outageHint(_ status: Int) -> String? {
    switch status {
    case 502, 504, 520...530:
        "a proxy or balancer before the service could not reach it: see the service's status page, and, where"
            + " a proxy of your own is on the way, its log; the agent tries again by itself"
    case 503:
        "the service is down or in maintenance: see its status page; the agent tries again by itself"
    case 500:
        "the service itself failed: try again, and give its support the time of the request; the agent tries"
            + " again by itself"
    case 429:
        "too many requests: the agent waits and tries again by itself; ask less often from this address"
    default: nil
    }
}
