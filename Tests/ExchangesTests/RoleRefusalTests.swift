import Exchanges
import Federation
import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing
import Text

/// What AWS answers in place of a role's session, and the advice that follows from it.
@Suite(.timeLimit(.minutes(1)))
struct RoleRefusalTests {
    struct RoleRow: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: String
        let message: String
        let advice: [String]
        var absent: [String] = []

        init(_ code: String, _ message: String, _ advice: String..., absent: [String] = []) {
            testDescription = "\(code): \(message)"
            (self.code, self.message, self.advice) = (code, message, advice)
            self.absent = absent
        }
    }

    static let roles = [
        RoleRow(
            "AccessDenied",
            "… with an explicit deny in a resource control policy",
            "resource control policy (RCP)",
            "management account",
            absent: ["get-role"]
        ),
        RoleRow(
            "AccessDenied",
            "… with an explicit deny in a service control policy",
            "service control policy (SCP)",
            absent: ["get-role"]
        ),
        RoleRow("AccessDenied", "because no VPC endpoint policy allows it", "VPC endpoint"),
        RoleRow("AccessDenied", "… with an explicit deny in a resource-based policy", "\"Deny\""),
        RoleRow(
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
            "get-role"
        ),
        RoleRow(
            "InvalidIdentityToken",
            "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint",
            "update-open-id-connect-provider-thumbprint",
            "oidc-provider/token.actions.githubusercontent.com",
            absent: ["trust policy"]
        ),
        RoleRow("InvalidIdentityToken", "Incorrect token audience", "add-client-id", "wif"),
        RoleRow("InvalidIdentityToken", "Missing a required claim: aud", "put aud"),
        RoleRow(
            "InvalidIdentityToken",
            "Couldn't retrieve verification key from your identity provider",
            "/.well-known/openid-configuration"
        ),
        RoleRow("InvalidIdentityToken", "No OpenIDConnect provider found in your account", "--url"),
        RoleRow("IDPCommunicationError", "…", "from the internet"),
        RoleRow("ExpiredTokenException", "Token expired", "new token each time"),
        RoleRow("PackedPolicyTooLarge", "…", "session tags"),
        RoleRow("Throttling", "Rate exceeded", "less often", "by itself", absent: ["trust policy"]),
        RoleRow("RegionDisabledException", "…", "us-east-1"),
        RoleRow(
            "ValidationError",
            "DurationSeconds exceeds the MaxSessionDuration set for this role.",
            "--max-session-duration"
        ),
        RoleRow("ValidationError", "Request ARN is invalid", "arn:aws-us-gov"),
        RoleRow("ServiceUnavailable", "…", "by itself"),
    ]

    @Test(arguments: roles)
    func `AWS's reasons are followed`(row: RoleRow) async throws {
        let account = try Account(
            parsing: Secret(
                #"{"type":"external_account","service":"aws","roleArn":"arn:aws:iam::123456789012:role/scan"}"#
            ),
            path: "/etc/wif-agent/test.json"
        )
        let body =
            "<ErrorResponse><Error><Code>\(row.code)</Code><Message>\(row.message)</Message></Error></ErrorResponse>"
        let network = ScriptedTransport([.success(.text(400, body))])
        let token = SubjectToken(Secret(RefusalTests.subject), source: "test")
        let result = await exchangeContext(network).exchange(token, for: account, findings: [])
        let hint = try #require(result.failure?.hint)
        for part in row.advice { #expect(hint.contains(part), "\(hint)") }
        for part in row.absent { #expect(!hint.contains(part), "\(hint)") }
        #expect(!hint.hasSuffix("?"), "\(hint)")
        #expect(hint.bounded == hint, "\(hint.count)")
    }
}
