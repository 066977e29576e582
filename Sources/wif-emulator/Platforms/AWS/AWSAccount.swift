import AWSSignature
import Crypto
import Federation
import FoundationEssentials
import Kernel
import Serving
import Synchronization
import Text

/// The one AWS account there is: its user, its roles, the keys it has handed out, and whose signature
/// a request bears.
final class AWSAccount: Sendable {
    static let number = "123456789012"

    /// Who a request is from.
    struct Caller: Equatable, Sendable {
        let arn: String
        let userID: String
        /// The role, where it is one's session.
        var role: String?
        var expiry: Double?
    }

    private struct Entry: Sendable {
        let key: AWSKey
        let caller: Caller
    }

    /// The long-term key of the user `workload`.
    let userKey: AWSKey
    private let entries: Mutex<[String: Entry]>

    init() {
        userKey = AWSKey(id: "AKIA" + randomCode(16), secret: Secret(randomHex(bytes: 20)))
        let caller = Caller(
            arn: "arn:aws:iam::\(AWSAccount.number):user/workload",
            userID: "AIDA" + randomCode(17)
        )
        entries = Mutex([userKey.id: Entry(key: userKey, caller: caller)])
    }

    /// A session of the role, with a key of its own.
    func session(
        of role: String,
        named name: String,
        until expiry: Double
    ) -> (key: AWSKey, caller: Caller) {
        let key = AWSKey(
            id: "ASIA" + randomCode(16),
            secret: Secret(randomHex(bytes: 20)),
            // Real ones hold characters that must survive encoding.
            sessionToken: Secret("FwoGZXIvYXdz//+/" + randomHex(bytes: 60) + "+/==")
        )
        let caller = Caller(
            arn: "arn:aws:sts::\(AWSAccount.number):assumed-role/\(role)/\(name)",
            userID: "AROA\(randomCode(17)):\(name)",
            role: role,
            expiry: expiry
        )
        entries.withLock { $0[key.id] = Entry(key: key, caller: caller) }
        return (key, caller)
    }

    /// Whose signature the request bears, at that time.
    func caller(of request: AWSRequest, at now: WallTime) throws(STSError) -> Caller {
        let claim = try SignatureClaim(request)
        guard let entry = entries.withLock({ $0[claim.keyID] }) else {
            throw STSError(403, "InvalidClientTokenId", "The security token is not valid.")
        }
        let token = request.headers["x-amz-security-token"]
        guard token == entry.key.sessionToken?.text else {
            throw STSError(403, "InvalidClientTokenId", "The security token is not the key's.")
        }
        try claim.checkTime(now)
        let region = claim.region
        guard request.host != "sts.amazonaws.com" || region == "us-east-1",
            !request.isAmazons || request.host == "sts.amazonaws.com"
                || request.host == "sts.\(region).amazonaws.com"
        else {
            throw STSError(403, "SignatureDoesNotMatch", "Credential scoped to another region.")
        }
        let expected = SignatureV4(claim.input(of: request), key: entry.key)
        guard expected.signature == claim.signature else {
            throw STSError(403, "SignatureDoesNotMatch", "The signature is not the one calculated.")
        }
        if let expiry = entry.caller.expiry, expiry <= now.secondsSinceEpoch {
            throw STSError(403, "ExpiredToken", "The security token is expired.")
        }
        return entry.caller
    }
}

/// A request to the token service, wherever it was sent from.
struct AWSRequest: Sendable {
    var method: String
    /// In lower case.
    var host: String
    var query: [HTTPField]
    /// Names in lower case.
    var headers: [HTTPField]
    var body: [UInt8]

    /// Whether it was sent to a real name, not to an address of the emulator's.
    var isAmazons: Bool { host.hasSuffix(".amazonaws.com") }
}

/// What a request's `Authorization` header says of its signature.
private struct SignatureClaim {
    let keyID: String
    let region: String
    let timestamp: String
    let signature: String
    private let signedHeaders: [String]

    init(_ request: AWSRequest) throws(STSError) {
        guard let value = request.headers["authorization"] else {
            throw STSError(403, "MissingAuthenticationToken", "The request is not signed.")
        }
        let broken = STSError(400, "IncompleteSignature", "The Authorization header is not whole.")
        let scheme = "AWS4-HMAC-SHA256 "
        guard value.hasPrefix(scheme) else { throw broken }
        var parts: [String: String] = [:]
        for part in value.dropFirst(scheme.count).split(separator: ",") {
            let pair = String(part).trimmed.split(separator: "=", maxSplits: 1).map(String.init)
            guard pair.count == 2 else { throw broken }
            parts[pair[0]] = pair[1]
        }
        let scope = (parts["Credential"] ?? "").split(separator: "/").map(String.init)
        guard scope.count == 5, let signature = parts["Signature"],
            let names = parts["SignedHeaders"], let timestamp = request.headers["x-amz-date"]
        else { throw broken }
        guard scope[3...] == ["sts", "aws4_request"], timestamp.hasPrefix(scope[1]) else {
            throw STSError(403, "SignatureDoesNotMatch", "The credential's scope is not right.")
        }
        signedHeaders = names.split(separator: ";").map(String.init)
        var needed = ["host", "x-amz-date"]
        if request.headers["x-amz-security-token"] != nil { needed.append("x-amz-security-token") }
        guard needed.allSatisfy(signedHeaders.contains) else {
            throw STSError(403, "SignatureDoesNotMatch", "A header that must be signed is not.")
        }
        keyID = scope[0]
        region = scope[2]
        self.timestamp = timestamp
        self.signature = signature
    }

    /// What was signed, as far as the request shows it.
    func input(of request: AWSRequest) -> SignatureV4.Input {
        SignatureV4.Input(
            method: request.method,
            query: request.query.map { ($0.name, $0.value) },
            headers: signedHeaders.map { name in
                (name, name == "host" ? request.host : request.headers[name] ?? "")
            },
            body: request.body,
            timestamp: timestamp,
            region: region
        )
    }

    func checkTime(_ now: WallTime) throws(STSError) {
        guard let date = amazonDate(timestamp) else {
            throw STSError(400, "IncompleteSignature", "X-Amz-Date is not a date.")
        }
        let age = now.seconds(since: date)
        let present = amazonTimestamp(now)
        if age > 900 {
            throw STSError(
                403,
                "SignatureDoesNotMatch",
                "Signature expired: \(timestamp) is now earlier than \(present) - 15 min."
            )
        }
        if age < -900 {
            throw STSError(
                403,
                "SignatureDoesNotMatch",
                "Signature not yet current: \(timestamp) is still later than \(present) + 15 min."
            )
        }
    }
}

/// `YYYYMMDDTHHMMSSZ` as a date.
private func amazonDate(_ text: String) -> WallTime? {
    guard text.utf8.count == 16 else { return nil }
    var marked = ""
    for (index, character) in text.enumerated() {
        if index == 4 || index == 6 { marked.append("-") }
        if index == 11 || index == 13 { marked.append(":") }
        marked.append(character)
    }
    return date(rfc3339: marked)
}

/// Random letters and digits as AWS's ids have them.
func randomCode(_ count: Int) -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    return String((0..<count).map { _ in letters[Int.random(in: 0..<32)] })
}
