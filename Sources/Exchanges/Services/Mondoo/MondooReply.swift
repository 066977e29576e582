import Crypto
import Federation
import Kernel
import Text

/// Why a reply with status 200 gives no credential; quotes no value of it.
struct ReplyError: Error, Equatable {
    let reason: String
    let hint: String?

    init(_ reason: String, hint: String? = nil) {
        self.reason = reason
        self.hint = hint
    }
}

/// Mondoo's reply to a successful exchange, every part of it checked but the dates.
struct MondooReply {
    /// The base64 exactly as it came.
    let encoded: Secret
    /// Ready to print.
    let warnings: [String]
    private let certificate: Certificate

    /// - Parameter service: what was asked for: its scope, and whose API the credential is for.
    init(parsing body: Secret, for service: MondooService) throws(ReplyError) {
        let reply = try Self.json(body.bytes, what: "reply")
        let field = reply["base64_credential"] ?? reply["base64Credential"]
        guard let text = field?.string, !text.isEmpty else {
            throw ReplyError(
                "the reply has no base64_credential",
                hint:
                    "another server than Mondoo answers there: write Mondoo's address in universeDomain, https://us.api.mondoo.com"
                    + " or https://eu.api.mondoo.com"
            )
        }
        guard var decoded = base64Decoded(text) else {
            throw ReplyError("base64_credential is not base64")
        }
        defer { wipe(&decoded) }
        let document = try Self.json(decoded, what: "credential")
        guard document.object != nil else {
            throw ReplyError("the credential is not a JSON object")
        }
        _ = try Self.text("mrn", in: document)
        try Self.checkEndpoint(try Self.text("api_endpoint", in: document), of: service)
        let scope = MondooScope(asked: service.audience)
        warnings = try scope.warning(on: document).map { [$0] } ?? []
        certificate = try Self.certificate(
            try Self.text("certificate", in: document),
            belongingTo: try Self.text("private_key", in: document)
        )
        encoded = Secret(text)
    }

    /// Whoever uses the credential signs calls for this URL: it must be https (or, on this machine,
    /// http) and have the host and port of `universeDomain`, or those of `apiEndpoint` where the account
    /// names one.
    private static func checkEndpoint(
        _ text: String,
        of service: MondooService
    ) throws(ReplyError) {
        let found: Endpoint
        do throws(EndpointError) {
            found = try Endpoint(text)
        } catch {
            throw ReplyError("the credential's api_endpoint \(error.reason)")
        }
        let expected = service.apiEndpoint ?? service.universe
        guard found.isSameOrigin(as: expected) else {
            throw ReplyError(
                "the credential's api_endpoint is at \(found.origin.printable), and"
                    + " \(expected.origin.printable) is expected",
                hint: "if that host is right, name it in universeDomain or apiEndpoint"
            )
        }
    }

    /// A certificate that starts this many seconds ahead is taken for one of a clock that is.
    private static let startTolerance = 300.0

    /// Seconds from now on that the credential is taken to live: until the certificate's end, but no
    /// longer than the limit, for the reply does not tell and the service may end it sooner.
    func lifetime(at now: WallTime, limit: Double) throws(ReplyError) -> Double {
        let rest = certificate.notAfter.seconds(since: now)
        guard rest > 0 else {
            throw ReplyError("the credential's certificate expired \(Int(-rest)) s ago")
        }
        let wait = certificate.notBefore.seconds(since: now)
        guard wait <= Self.startTolerance else {
            throw ReplyError("the credential's certificate is valid only in \(Int(wait)) s")
        }
        return min(rest, limit)
    }

    private static func certificate(
        _ text: String,
        belongingTo keyText: String
    ) throws(ReplyError) -> Certificate {
        do throws(CryptoError) {
            let certificate = try Certificate(pem: Array(text.utf8))
            let key = try PrivateKey(pem: Secret(keyText))
            if certificate.belongs(to: key) { return certificate }
        } catch {
            throw ReplyError("the credential cannot be used: \(error)")
        }
        throw ReplyError("the credential's private key does not belong to its certificate")
    }

    private static func json(_ bytes: [UInt8], what: String) throws(ReplyError) -> JSON {
        do throws(JSONError) {
            return try JSON(parsing: bytes)
        } catch {
            throw ReplyError("the \(what) is not JSON: \(error.reason)")
        }
    }

    private static func text(_ key: String, in document: JSON) throws(ReplyError) -> String {
        guard let text = document[key]?.string, !text.isEmpty else {
            throw ReplyError("the credential has no \(key)")
        }
        return text
    }
}
