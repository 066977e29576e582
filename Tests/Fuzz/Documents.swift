import Crypto
import Diagnosis
import Exchanges
import Federation
import FoundationEssentials
import Kernel
import Text

extension Target {
    /// Whole documents: account files, JSON, tokens, certificates and keys.
    static let documents = [
        Target("account", account), Target("json", json), Target("token", token),
        Target("pem", pem), Target("key", publicKey),
    ]

    /// An account file, and behind `%%` outputs of the command line.
    private static func account(_ bytes: [UInt8]) {
        let parts = pieces(bytes)
        let variables = ["CONDUCTORONE_CLIENT_ID": "quiet-bear-1@acme.conductor.one/wfe"]
        let account = answer {
            try Account(
                parsing: Secret(parts[0]),
                path: "/etc/wif-agent/test.json",
                environment: variables
            )
        }
        guard let account else { return }
        _ = account.outputs(in: "/run/wif-agent")
        _ = account.effectiveSource(in: variables).runsPrograms(in: variables)
        for part in parts.dropFirst().prefix(4) {
            _ = answer {
                try Output(parsing: text(part), for: account.service, variable: account.variable)
            }
            _ = answer { try AccountName.ofFile(at: text(part)) }
            _ = answer { try Endpoint(text(part), plainHTTP: .linkLocal) }
        }
    }

    private static func json(_ bytes: [UInt8]) {
        guard let value = answer({ try JSON(parsing: bytes) }) else { return }
        for isIndented in [false, true] {
            let again = answer { try JSON(parsing: value.serialized(indented: isIndented)) }
            require(again == value, "what is written is not what was read")
        }
        _ = Credential(json: value).map(show)
        _ = Failure(json: value)
    }

    /// A token, and behind `%%` the account file whose service judges it.
    private static func token(_ bytes: [UInt8]) {
        let parts = pieces(bytes)
        let token = SubjectToken(Secret(parts[0]), source: "fuzz")
        _ = token.claims?.audiences
        _ = token.claims?.isIssued(by: "https://accounts.google.com/")
        _ = SignedRequestSummary(decoding: token.value)?.text
        let document = parts.count > 1 ? parts[1] : Array(Self.mondoo.utf8)
        let account = answer { try Account(parsing: Secret(document), path: "/a.json") }
        guard let account else { return }
        for finding in findings(of: token, for: account, at: presentDate) { _ = finding.text }
        for step in tokenSteps(on: token, for: account, at: presentDate, warnings: []) {
            _ = step.json.serialized()
        }
    }

    /// A certificate or key, or one of each with `%%` between them.
    private static func pem(_ bytes: [UInt8]) {
        let parts = pieces(bytes)
        let certificate = answer { try Certificate(pem: parts[0]) }
        let key = answer { try PrivateKey(pem: Secret(parts.last ?? [])) }
        _ = certificate.map { "\($0.notBefore) \($0.notAfter)" }
        guard let certificate, let key else { return }
        _ = certificate.belongs(to: key)
    }

    /// A JWK, and behind `%%` a token that it may have signed.
    private static func publicKey(_ bytes: [UInt8]) {
        let parts = pieces(bytes)
        let members = answer { try JSON(parsing: parts[0]) }?.object ?? [:]
        guard let key = answer({ try PublicKey(jwk: members.compactMapValues(\.string)) }) else {
            return
        }
        _ = key.verifyJWS(text(parts.last ?? []))
    }

    static let mondoo = """
        {"type":"external_account","audience":"//captain.api.mondoo.app/spaces/s",\
        "issuerUri":"https://accounts.google.com"}
        """
}

/// 2030-01-02T03:04:05Z, around which the seeds' dates lie.
let presentDate = WallTime(secondsSinceEpoch: 1_893_553_445)

/// What the agent tells of a credential that a worker or a file gave it.
func show(_ credential: Credential) {
    _ = rfc3339(credential.expiresAt)
    _ = Int64(credential.lifetime)
    _ = Int64(credential.expiry.seconds(since: BootInstant(seconds: 1000)))
    require(answer { Credential(json: credential.json) } != nil, "a credential cannot be kept")
}
