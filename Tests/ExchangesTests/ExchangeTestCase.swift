import Crypto
import Exchanges
import Federation
import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Text

/// The moment at which everything here happens: 2024-01-02T03:04:05Z.
let testDate = WallTime(secondsSinceEpoch: 1_704_164_645)
let testDateHeader = "Tue, 02 Jan 2024 03:04:05 GMT"

let mondooIssuer = "https://accounts.google.com"
let mondooScope = "//captain.api.mondoo.app/spaces/my-space"

/// A JWT of this issuer with so many seconds left at ``testDate``.
func token(secondsLeft: Int = 3000, issuer: String = mondooIssuer) -> String {
    let now = 1_704_164_645
    return unsignedJWT(
        #"{"iss":"\#(issuer)","sub":"subject-1","aud":"\#(mondooScope)","iat":\#(now - 60),"#
            + #""exp":\#(now + secondsLeft)}"#
    )
}

func accountDocument(_ members: [String: JSON] = [:]) -> Secret {
    let base: [String: JSON] = [
        "type": "external_account", "universeDomain": "https://mondoo.test",
        "audience": .string(mondooScope), "issuerUri": .string(mondooIssuer),
    ]
    return Secret(JSON.object(base.merging(members) { $1 }).serialized())
}

func account(_ members: [String: JSON] = [:]) throws -> Account {
    try Account(parsing: accountDocument(members), path: "/etc/wif-agent/test.json")
}

/// A service account as Mondoo hands it out.
struct TestCredential {
    var members: [String: JSON]

    private static let authority = Result {
        try CertificateAuthority(commonName: "test", kind: .p384)
    }

    init(
        notBefore: WallTime = testDate.advanced(bySeconds: -60),
        notAfter: WallTime = testDate.advanced(bySeconds: 86_400),
        keyOfAnother: Bool = false
    ) throws {
        let key = try PrivateKey.generate(.p384)
        let certificate = try Self.authority.get().issue(
            commonName: "fake-agent",
            hosts: [],
            key: key,
            notBefore: notBefore,
            notAfter: notAfter
        )
        let shown = keyOfAnother ? try PrivateKey.generate(.p384) : key
        members = [
            "mrn": "//agents.api.mondoo.app/spaces/my-space/serviceaccounts/fake",
            "space_mrn": .string(mondooScope), "api_endpoint": "https://mondoo.test",
            "certificate": .string(try certificate.pem),
            "private_key": .string(try shown.pem().text),
        ]
    }

    var encoded: String { base64Encoded(JSON.object(members).serialized()) }

    var reply: HTTPResponse { exchangeReply(encoded) }
}

func exchangeReply(_ encoded: String, date: String = testDateHeader) -> HTTPResponse {
    .text(200, #"{ "base64_credential" : "\#(encoded)" }"#, [("date", date)])
}

func exchangeContext(
    _ transport: any HTTPTransport,
    environment: [String: String] = [:],
    wallClock: WallTime = testDate
) -> ExchangeContext {
    let timekeeper = VirtualTimekeeper(wallClock: wallClock, isSkipping: true)
    return ExchangeContext(
        transport: transport,
        environment: environment,
        timekeeper: timekeeper,
        deadline: timekeeper.now.advanced(bySeconds: 60)
    )
}

/// An exchange whose only reply is this one.
func exchange(
    _ reply: Result<HTTPResponse, HTTPError>,
    account members: [String: JSON] = [:],
    token text: String = token(),
    wallClock: WallTime = testDate
) async throws -> Exchange {
    let subject = SubjectToken(Secret(text), source: "test")
    let account = try account(members)
    let context = exchangeContext(ScriptedTransport([reply]), wallClock: wallClock)
    let findings = findings(of: subject, for: account, at: wallClock)
    return await context.exchange(subject, for: account, findings: findings)
}

extension Exchange {
    var failure: Failure? {
        if case .failure(let failure) = outcome { failure } else { nil }
    }

    var credential: Credential? {
        if case .success(let credential) = outcome { credential } else { nil }
    }
}
