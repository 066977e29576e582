import Federation
import HTTP
import Kernel
import Text

/// A token endpoint's reply to a successful exchange, every part of it checked. RFC 8693 section 2.2.1, or
/// the shape that the account file describes.
struct TokenExchangeReply {
    let accessToken: Secret
    let tokenType: String
    let lifetime: CheckedLifetime

    /// The longest access token that is taken, in bytes.
    private static let maximalTokenSize = 65_536

    /// - Parameter lifetime: what to assume where neither the reply nor the token tells.
    init(
        parsing reply: Reply,
        of service: TokenExchangeService,
        lifetime: Double
    ) throws(ReplyError) {
        let json = try Self.object(in: reply)
        let shape = service.response
        let name = shape.credential.joined(separator: ".")
        accessToken = try Self.token(json.member(at: shape.credential), named: name)
        tokenType = try Self.tokenType(json["token_type"], of: service)
        try Self.checkIssuedType(json["issued_token_type"], of: service)
        var told = try Self.lifetime(
            stated: json.member(at: shape.lifetime),
            named: shape.lifetime.joined(separator: "."),
            at: reply.serverTime
        )
        if told == nil { told = try Self.lifetime(of: accessToken, at: reply.serverTime) }
        self.lifetime = told ?? CheckedLifetime(assumed: lifetime)
    }

    static func object(in reply: Reply) throws(ReplyError) -> JSON {
        let body = reply.response.body
        guard body.count > 0 else { throw ReplyError("the reply is empty") }
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: body.bytes)
        } catch {
            let what = reply.isPage ? "a page of text/html" : error.reason
            throw ReplyError("the reply is not JSON (\(what))")
        }
        guard json.object != nil else {
            throw ReplyError("the reply is \(json.kind), not a JSON object")
        }
        return json
    }

    /// A token that can stand in a header, a file and a variable. RFC 6749 appendix A.12, without
    /// spaces: RFC 6750 section 2.1 has none.
    static func token(_ value: JSON?, named name: String) throws(ReplyError) -> Secret {
        let name = name.printable
        guard let value, value != .null else { throw ReplyError("the reply has no \(name)") }
        guard let text = value.string else {
            throw ReplyError("\(name) is \(value.kind), not a string")
        }
        let token = Secret(text)
        guard token.count > 0 else { throw ReplyError("\(name) is empty") }
        guard token.count <= maximalTokenSize else {
            throw ReplyError("\(name) is over \(maximalTokenSize) bytes")
        }
        guard text.utf8.isVisibleASCII else {
            throw ReplyError("\(name) holds characters that no token has")
        }
        return token
    }

    private static func tokenType(
        _ value: JSON?,
        of service: TokenExchangeService
    ) throws(ReplyError) -> String {
        // Required, yet not every service's documentation promises it.
        guard let value, value != .null else { return "Bearer" }
        guard let type = value.string, !type.isEmpty else {
            throw ReplyError("token_type is \(value.kind), not a word")
        }
        let known = ["Bearer", "N_A", service.scheme]
        guard let word = known.first(where: { $0.lowercased() == type.lowercased() }) else {
            throw ReplyError("token_type is \"\(type.printable)\", and Bearer is expected")
        }
        return word
    }

    private static func checkIssuedType(
        _ value: JSON?,
        of service: TokenExchangeService
    ) throws(ReplyError) {
        guard let value, value != .null else { return }
        guard let type = value.string else {
            throw ReplyError("issued_token_type is \(value.kind), not a string")
        }
        guard let wanted = service.requestedTokenType, type != wanted else { return }
        // An access token may well be a JWT.
        let alike = ["access_token", "jwt"].map { "urn:ietf:params:oauth:token-type:\($0)" }
        guard alike.contains(type), alike.contains(wanted) else {
            throw ReplyError(
                "issued_token_type is \"\(type.printable)\", and \(wanted.printable) was requested"
            )
        }
    }

    /// Seconds, or the time of the end.
    private static func lifetime(
        stated value: JSON?,
        named name: String,
        at now: WallTime
    ) throws(ReplyError) -> CheckedLifetime? {
        guard let value, value != .null else { return nil }
        if let seconds = value.lenientNumber {
            return try CheckedLifetime(seconds, "\(name.printable) is \(shown(seconds)) s")
        }
        guard let end = value.string.flatMap(date(rfc3339:)) else {
            throw ReplyError("\(name.printable) is \(value.kind), not seconds")
        }
        let rest = end.seconds(since: now)
        return try CheckedLifetime(rest, "\(name.printable) is \(shown(rest)) s ahead")
    }

    private static func lifetime(
        of token: Secret,
        at now: WallTime
    ) throws(ReplyError) -> CheckedLifetime? {
        guard let expiry = TokenClaims(decoding: token)?.expiresAt else { return nil }
        let seconds = expiry - now.secondsSinceEpoch
        return try CheckedLifetime(seconds, "the access token's exp leaves \(shown(seconds)) s")
    }

    private static func shown(_ seconds: Double) -> String {
        String(Int(seconds.clamped(to: -1e15...1e15)))
    }
}

/// A lifetime that a token can have, and what should be told of it.
struct CheckedLifetime {
    /// Seconds from the reply's time on.
    let seconds: Double
    /// Ready to print.
    let notes: [String]

    /// The longest lifetime that is believed, in seconds: the account file's own limit, a year.
    private static let longest = 31_536_000.0

    /// - Parameter what: what says so, for messages.
    /// - Throws: ``ReplyError`` for what is not above zero. A longer one than a year is taken as a year.
    init(_ seconds: Double, _ what: String) throws(ReplyError) {
        guard seconds > 0 else { throw ReplyError("\(what), which no token lives") }
        self.seconds = min(seconds, Self.longest)
        notes = seconds > Self.longest ? ["\(what); it is taken as a year"] : []
    }

    /// What the account says where the reply does not.
    init(assumed seconds: Double) {
        (self.seconds, notes) = (seconds, [])
    }
}

extension JSON {
    /// The member that the names lead to, from the outside in.
    fileprivate func member(at path: [String]) -> JSON? {
        path.reduce(self as JSON?) { $0?[$1] }
    }
}
