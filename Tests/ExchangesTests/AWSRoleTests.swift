import Exchanges
import Federation
import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing
import Text

/// AWS's AssumeRoleWithWebIdentity.
@Suite(.timeLimit(.minutes(1)))
struct AWSRoleTests {
    private static let members: [String: JSON] = [
        "type": "external_account", "service": "aws", "region": "eu-central-1",
        "roleArn": "arn:aws:iam::123456789012:role/scanner",
    ]

    private static func reply(_ credentials: String) -> String {
        """
        <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
          <AssumeRoleWithWebIdentityResult>
            <Audience>sts.amazonaws.com</Audience>
            <Credentials>\(credentials)</Credentials>
          </AssumeRoleWithWebIdentityResult>
        </AssumeRoleWithWebIdentityResponse>
        """
    }

    private static let good = reply(
        "<AccessKeyId>ASIAX</AccessKeyId><SecretAccessKey>s/+=</SecretAccessKey>"
            + "<SessionToken>t/+=</SessionToken><Expiration>2024-01-02T03:19:05Z</Expiration>"
    )

    private func exchanged(
        _ changes: [String: JSON] = [:],
        _ network: ScriptedTransport,
        token text: String = token()
    ) async throws -> Exchange {
        let account = try tokenAccount(Self.members.merging(changes) { $1 })
        let subject = SubjectToken(Secret(text), source: "test")
        return await exchangeContext(network).exchange(subject, for: account, findings: [])
    }

    @Test func `what is sent`() async throws {
        let network = ScriptedTransport([.success(.text(200, Self.good))])
        _ = try await exchanged(["durationSeconds": 900, "sessionName": "a=b"], network)
        let request = try #require(network.sent.first)
        #expect(request.method == "POST")
        #expect(request.url == "https://sts.eu-central-1.amazonaws.com/")
        #expect(
            request.body?.text
                == "Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
                + "&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fscanner"
                + "&RoleSessionName=a%3Db&DurationSeconds=900&WebIdentityToken=\(token())"
        )
    }

    @Test func `the session's key, until its end`() async throws {
        let network = ScriptedTransport([
            .success(.text(200, Self.good, [("date", testDateHeader)]))
        ])
        let credential = try #require(try await exchanged(network).credential)
        #expect(credential.kind == .awsSession)
        #expect(credential.lifetime == 900)
        #expect(
            credential.value.text
                == #"{"AccessKeyId":"ASIAX","Expiration":"2024-01-02T03:19:05Z","#
                + #""SecretAccessKey":"s/+=","SessionToken":"t/+=","Version":1}"#
        )
    }

    private func exchanged(_ network: ScriptedTransport) async throws -> Exchange {
        try await exchanged([:], network)
    }

    /// Status, body, class, a part of the message or hint.
    static let failures: [(Int, String, Failure.Class, String)] = [
        (200, "{}", .transient, "the reply is not XML"),
        (200, reply(""), .transient, "the reply has no Credentials"),
        (
            200,
            reply(
                "<AccessKeyId>A</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
                    + "<SessionToken>t</SessionToken><Expiration>soon</Expiration>"
            ), .transient, "Expiration is not a time"
        ),
        (
            200,
            reply(
                "<AccessKeyId>A&#10;[x]</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
                    + "<SessionToken>t</SessionToken><Expiration>2024-01-02T03:19:05Z</Expiration>"
            ), .transient, "the key holds characters that a key cannot have"
        ),
        (403, error("AccessDenied"), .refused, "AccessDenied: said (status 403)"),
        (400, error("InvalidIdentityToken"), .refused, "identity providers have sts.amazonaws.com"),
        (400, error("IDPCommunicationError"), .transient, "IDPCommunicationError"),
        (400, error("Throttling"), .throttled, "Throttling"),
        (503, "<html>busy</html>", .transient, "status 503"),
    ]

    private static func error(_ code: String) -> String {
        "<ErrorResponse><Error><Type>Sender</Type><Code>\(code)</Code><Message>said</Message></Error>"
            + "</ErrorResponse>"
    }

    @Test(arguments: failures)
    func `a reply without a key is told of`(
        status: Int,
        body: String,
        class: Failure.Class,
        text: String
    ) async throws {
        let result = try await exchanged(ScriptedTransport([.success(.text(status, body))]))
        let failure = try #require(result.failure)
        #expect(failure.class == `class`)
        #expect(failure.description.contains(text), "\(failure.description)")
    }

    @Test func `what is no JWT is not sent`() async throws {
        let network = ScriptedTransport([])
        let result = try await exchanged([:], network, token: "opaque")
        #expect(result.failure?.class == .misconfigured)
        #expect(network.sent.isEmpty)
    }
}
