import Federation
import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing
import Text
import TokenSources
import Worker

/// What a peer quotes of the secrets it was sent, or had sent before, and what of it leaves the worker.
@Suite(.timeLimit(.minutes(1)))
struct SecretsInResultsTests {
    private let time = VirtualTimekeeper(wallClock: testDate)

    /// 64 hexadecimal digits, which nothing but their being known tells from a checksum.
    private let opaque = "5f1d7e84c9a2b3604f8d21e7ab90c35d7e6412fa98bb03cd415e2a7f60d9c8b1"

    private func text(
        of kind: Job.Kind,
        _ account: [String: JSON],
        environment: [String: String] = [:],
        _ network: ScriptedTransport
    ) async -> String {
        let job = Job(
            id: 1,
            kind: kind,
            path: "/etc/wif-agent/test.json",
            document: Secret(JSON.object(account).serialized()),
            environment: environment
        )
        let result = await JobRunner(
            job: job,
            deadline: time.now.advanced(bySeconds: 1000),
            transport: network,
            timekeeper: time,
            machine: Machine(isGoogle: false, isAzure: false)
        ).result()
        return String(decoding: result.line(), as: UTF8.self)
    }

    private func oauth(_ source: JSON) -> [String: JSON] {
        [
            "type": "external_account", "service": "oauth", "tokenUrl": "https://sts.test/token",
            "revokeUrl": "https://sts.test/revoke", "audience": "a", "credentialSource": source,
        ]
    }

    private func expectClean(_ text: String, of secrets: String..., says words: String) {
        #expect(text.contains(words), "\(text)")
        for secret in secrets {
            let bytes = Array(secret.utf8)
            for start in 0...(bytes.count - 8) {
                let piece = String(decoding: bytes[start..<(start + 8)], as: UTF8.self)
                #expect(!text.contains(piece), "\(text)")
                if text.contains(piece) { return }
            }
        }
    }

    @Test(
        arguments: [
            { $0 }, { String($0.prefix(31)) + " " + $0.dropFirst(31) },
            { base64Encoded(Array($0.utf8)) },
        ] as [@Sendable (String) -> String]
    )
    func `a refusal that quotes an opaque token`(_ write: @Sendable (String) -> String) async {
        let body = #"{"error":"invalid_grant","error_description":"no \#(write(opaque)) here"}"#
        let result = await text(
            of: .exchange,
            oauth(["environment": "MY_PROOF"]),
            environment: ["MY_PROOF": opaque],
            ScriptedTransport([.success(.text(400, body))])
        )
        expectClean(result, of: opaque, write(opaque), says: "no <redacted> here")
    }

    @Test func `a reply whose token stands in another member`() async {
        let body = #"{"access_token":"\#(opaque)","token_type":"\#(opaque)"}"#
        let result = await text(
            of: .exchange,
            oauth(["environment": "MY_PROOF"]),
            environment: ["MY_PROOF": "some-proof"],
            ScriptedTransport([.success(.text(200, body))])
        )
        expectClean(result, of: opaque, says: #"token_type is \"<redacted>\", and Bearer"#)
    }

    @Test func `a failed revocation that quotes the credential`() async {
        let body = #"{"error":"server_error","error_description":"\#(opaque.prefix(40)) is busy"}"#
        let result = await text(
            of: .revoke(Secret(opaque)),
            oauth(["environment": "MY_PROOF"]),
            ScriptedTransport([.success(.text(500, body))])
        )
        expectClean(result, of: String(opaque.prefix(40)), says: "<redacted> is busy")
    }

    @Test(arguments: [200, 201, 202, 204])
    func `the body of a success is never shown`(_ status: Int) async {
        let account = oauth([
            "url": "https://source.test/",
            "format": [
                "type": "json",
                "subjectTokenFieldName": "t",
            ],
        ])
        let body = #"{"hidden-member":"hidden-value-\#(status)"}"#
        let result = await text(
            of: .exchange,
            account,
            ScriptedTransport([.success(.text(status, body))])
        )
        #expect(!result.contains("hidden"), "\(result)")
        #expect(result.contains("source.test"))
    }

    @Test func `an error that quotes a header of the source`() async {
        let key = "Kq7-vault-Zr9_W2xS4"
        let source: JSON = ["url": "https://source.test/", "headers": ["X-Custom": .string(key)]]
        let result = await text(
            of: .subjectToken(provider: nil),
            oauth(source),
            ScriptedTransport([.success(.text(403, "key \(key) is not known"))])
        )
        expectClean(result, of: key, says: "key <redacted> is not known")
    }

    @Test func `an error that quotes a key of AWS`() async {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
        let body =
            #"{"code":16,"message":"signed with \#(secret.prefix(20)) \#(secret.dropFirst(20))"}"#
        let result = await text(
            of: .exchange,
            [
                "type": "external_account", "audience": .string(mondooScope),
                "issuerUri": "https://sts.amazonaws.com",
            ],
            environment: ["AWS_ACCESS_KEY_ID": "AKIAX", "AWS_SECRET_ACCESS_KEY": secret],
            ScriptedTransport([.success(.text(401, body, [("date", testDateHeader)]))])
        )
        expectClean(result, of: secret, says: "signed with <redacted> (code 16, status 401)")
        #expect(result.contains("signed by the key AKIAX at 20240102T030405Z"), "\(result)")
    }

    @Test func `a page that quotes the proxy's password`() async {
        let result = await text(
            of: .exchange,
            oauth(["environment": "MY_PROOF"]),
            environment: ["MY_PROOF": opaque, "HTTPS_PROXY": "http://me:S3cr3t-w0rd@proxy.test:1"],
            ScriptedTransport([.success(.text(502, "<p>me:S3cr3t-w0rd</p> bWU6UzNjcjN0LXcwcmQ="))])
        )
        expectClean(result, of: "S3cr3t-w0rd", "bWU6UzNjcjN0LXcwcmQ", says: "status 502 with")
    }

    @Test func `a failure says how long the peer wants to be left alone`() async {
        let result = await text(
            of: .exchange,
            oauth(["environment": "MY_PROOF"]),
            environment: ["MY_PROOF": opaque],
            ScriptedTransport([.success(.text(429, "", [("retry-after", "120")]))])
        )
        #expect(result.contains("an empty body; it asks to be left alone for 120 s"), "\(result)")
    }
}
