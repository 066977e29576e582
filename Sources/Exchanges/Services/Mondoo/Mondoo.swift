import Federation
import HTTP
import Kernel
import Text

/// Mondoo's SecureTokenService/ExchangeExternalToken.
struct Mondoo: ExchangeProtocol {
    let service: MondooService
    let account: Account
    let context: ExchangeContext

    func request(_ token: SubjectToken) throws(Failure) -> HTTPRequest {
        let body = JSON.object([
            "issuer_uri": .string(service.issuer),
            "audience": .string(service.audience),
            "jwt_token": .string(token.value.text),
        ])
        return try context.request(
            service.universe.url + "/SecureTokenService/ExchangeExternalToken",
            to: service.universe,
            for: account,
            sending: ("application/json", Secret(body.serialized()))
        )
    }

    func credential(
        in reply: Reply,
        for token: SubjectToken,
        _ findings: [Finding]
    ) throws(Failure) -> (credential: Credential, notes: [String]) {
        guard reply.response.status == 200 else { throw refusal(reply, token, findings) }
        do throws(ReplyError) {
            let content = try MondooReply(parsing: reply.response.body, for: service)
            let lifetime = try content.lifetime(
                at: reply.serverTime,
                limit: account.lifetime
            )
            let credential = Credential(
                kind: .mondoo,
                value: content.encoded,
                issuedAt: reply.serverTime,
                lifetime: lifetime,
                receivedAt: reply.requestedAt
            )
            return (credential, content.warnings)
        } catch {
            throw Failure(
                .transient,
                at: .reply,
                "\(account.place): \(error.reason)",
                hint: reply.isPage ? Reply.pageHint : error.hint
            )
        }
    }

    // The body decides before the status does: a balancer's page has no code, a refusal may have any status.
    private func refusal(
        _ reply: Reply,
        _ token: SubjectToken,
        _ findings: [Finding]
    ) -> Failure {
        let status = reply.response.status
        let rpc = RPCStatus(parsing: reply.response.body)
        let retryAfter = reply.response.retryAfter(now: reply.serverTime)
        var kind = rpc.map { AnswerKind(code: $0.code) } ?? AnswerKind(status: status)
        if kind.class == .transient, retryAfter != nil { kind.class = .throttled }
        let answer =
            rpc.map { "\($0.message.printable) (code \($0.code), status \(status))" }
            ?? "status \(status) with \(reply.excerpt)"
        let verb = kind.class == .refused ? "refused" : "failed"
        var message = "\(account.place) \(verb) the exchange: \(answer)"
        if (300..<400).contains(status) {
            message =
                "\(account.place) answered with a redirect (\(status))\(reply.target), which is not followed"
        }
        if rpc == nil, (400..<500).contains(status) {
            message += "; this is not Mondoo's own answer, which has a code and a message"
        }
        if kind.class == .refused {
            let sent =
                "sent to \(service.universe.description.printable): audience"
                + " \(service.audience.printable), issuer_uri \(service.issuer.printable)"
            message = context.explained(message, token, findings, sent: sent)
        }
        return Failure(
            kind.class,
            at: .exchange,
            message,
            hint: reply.gatewayHint(of: service.universe.host, "universeDomain")
                ?? (rpc == nil ? reply.intermediaryHint("universeDomain") : nil)
                    ?? (kind.class == .refused
                        ? MondooRefusal(
                            service: service,
                            token: token,
                            findings: findings,
                            clockSkew: reply.clockSkew,
                            words: (rpc?.message ?? "").lowercased(),
                            isOfPolicy: [7, 16].contains(rpc?.code ?? 0),
                            sender: rpc != nil ? .mondoo : status < 400 ? .redirect : .stranger
                        ).hint ?? kind.hint : kind.hint),
            retryAfter: retryAfter
        )
    }
}

/// A `google.rpc.Status` body.
private struct RPCStatus {
    let code: Int
    let message: String

    init?(parsing body: Secret) {
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: body.bytes)
        } catch {
            return nil
        }
        guard case .integer(let code)? = json["code"], (1...16).contains(code) else { return nil }
        self.code = Int(code)
        message = json["message"]?.string ?? "no message"
    }
}

/// What kind of failure an answer is.
private struct AnswerKind {
    var `class`: Failure.Class
    var hint: String?

    private static let wrongPlace =
        "write in universeDomain the address of the region in which the space is, https://us.api.mondoo.com or"
        + " https://eu.api.mondoo.com, without a path"
    private static let policy =
        "compare issuer, subject, audiences and claim mappings with the identity provider in Mondoo"

    /// By gRPC code.
    init(code: Int) {
        switch code {
        // Canceled, Unknown, DeadlineExceeded, Aborted, Internal, Unavailable, DataLoss
        case 1, 2, 4, 10, 13, 14, 15: `class` = .transient
        // ResourceExhausted
        case 8: (`class`, hint) = (.throttled, outageHint(429))
        // NotFound, Unimplemented
        case 5, 12: (`class`, hint) = (.refused, Self.wrongPlace)
        // PermissionDenied, Unauthenticated
        case 7, 16: (`class`, hint) = (.refused, Self.policy)
        // InvalidArgument, AlreadyExists, FailedPrecondition, OutOfRange
        default: `class` = .refused
        }
    }

    /// By HTTP status, where the body says nothing.
    init(status: Int) {
        switch status {
        case 429: (`class`, hint) = (.throttled, outageHint(429))
        case 408: `class` = .transient
        case 300..<400, 404, 405, 501: (`class`, hint) = (.refused, Self.wrongPlace)
        case 401, 403: (`class`, hint) = (.refused, Self.policy)
        case 400..<500: `class` = .refused
        // 5xx, and successes that are none of this exchange's.
        default: (`class`, hint) = (.transient, outageHint(status))
        }
    }
}
