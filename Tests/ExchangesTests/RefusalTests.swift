import Exchanges
import Federation
import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing
import Text

/// What services answer in place of a credential, in their own words, and the advice that follows from it.
@Suite(.timeLimit(.minutes(1)))
struct RefusalTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let account: [String: JSON]
        let status: Int
        let body: String
        /// Each must be in the advice.
        let advice: [String]
        /// None may be.
        var absent: [String] = []
        /// What the exchange before it answered, where there are two.
        var before: String?
        var headers: [(String, String)] = []
        var environment: [String: String] = [:]
    }

    private static let longSubject =
        "repo:acme-digital/app:environment:" + String(repeating: "production-", count: 12)
    static let subject = unsignedJWT(
        #"{"iss":"https://token.actions.githubusercontent.com","sub":"\#(longSubject)","aud":"wif","#
            + #""repository":"acme-digital/app","iat":1704164600,"exp":1704168200}"#
    )

    private func failure(_ row: Row) async throws -> Failure {
        let account = try Account(
            parsing: Secret(
                JSON.object(row.account.merging(["type": "external_account"]) { own, _ in own })
                    .serialized()
            ),
            path: "/etc/wif-agent/test.json",
            environment: row.environment
        )
        let last = HTTPResponse.text(
            row.status,
            row.body,
            [("date", testDateHeader)] + row.headers
        )
        let network = ScriptedTransport { request, _ in
            guard let before = row.before, !request.url.contains("iamcredentials") else {
                return last
            }
            return .text(200, before, [("date", testDateHeader)])
        }
        let token = SubjectToken(Secret(Self.subject), source: "test")
        let context = exchangeContext(network, environment: row.environment)
        let result = await context.exchange(token, for: account, findings: [])
        return try #require(result.failure)
    }

    @Test(arguments: google + impersonation + vault + others + statuses)
    func `the advice follows from the reason`(row: Row) async throws {
        let failure = try await failure(row)
        let hint = failure.hint ?? "none"
        for part in row.advice { #expect(hint.contains(part), "\(hint)") }
        for part in row.absent { #expect(!hint.contains(part), "\(hint)") }
        #expect(!hint.hasSuffix("?"), "\(hint)")
        #expect(hint.bounded == hint, "\(hint.count)")
    }

    // MARK: Google

    private static let provider =
        "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/acme/providers/gh"
    private static func account(_ audience: String = provider) -> [String: JSON] {
        [
            "audience": .string(audience), "token_url": "https://sts.googleapis.com/v1/token",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        ]
    }
    static func oauth(_ code: String, _ text: String) -> String {
        let json: JSON = ["error": .string(code), "error_description": .string(text)]
        return String(decoding: json.serialized(), as: UTF8.self)
    }

    private static let google = [
        Row(
            testDescription: "a subject that is too long",
            account: account(),
            status: 400,
            body: oauth(
                "invalid_request",
                "The size of mapped attribute google.subject exceeds the 127 bytes limit."
            ),
            advice: ["166 bytes", "google.subject=assertion.repository", "update-oidc gh"],
            absent: ["assertion.sub"]
        ),
        Row(
            testDescription: "the console's default audience",
            account: account("https:" + provider),
            status: 400,
            body: oauth("invalid_request", "Invalid value for \"audience\"."),
            advice: ["\"audience\": \"\(provider)\"", "without https:"]
        ),
        Row(
            testDescription: "an audience that the provider does not allow",
            account: account(),
            status: 400,
            body: oauth(
                "invalid_grant",
                "The audience in ID Token [wif] does not match the expected audience [https://a.example/x]."
            ),
            advice: ["\"tokenAudience\": \"https://a.example/x\"", "--allowed-audiences=wif"]
        ),
        Row(
            testDescription: "an attribute condition",
            account: account(),
            status: 403,
            body: oauth(
                "unauthorized_client",
                "The given credential is rejected by the attribute condition."
            ),
            advice: ["providers describe gh", "attributeCondition", "--project=123"]
        ),
        Row(
            testDescription: "an issuer that Google cannot reach",
            account: account(),
            status: 400,
            body: oauth("invalid_grant", "Error connecting to the given credential's issuer."),
            advice: ["from the internet", "--jwk-json-path"]
        ),
    ]

    private static func impersonated(_ seconds: Int = 3600) -> [String: JSON] {
        account().merging([
            "service_account_impersonation_url":
                "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/s@p1.iam.gserviceaccount.com:generateAccessToken",
            "service_account_impersonation": [
                "token_lifetime_seconds": .integer(Int64(seconds))
            ],
        ]) { $1 }
    }
    private static let token = #"{"access_token":"abc","token_type":"Bearer","expires_in":1800}"#
    private static func refused(
        _ name: String,
        _ status: Int,
        _ state: String,
        _ message: String,
        details: String = "[]",
        seconds: Int = 3600,
        _ advice: [String],
        absent: [String] = []
    ) -> Row {
        Row(
            testDescription: name,
            account: impersonated(seconds),
            status: status,
            body:
                #"{"error":{"code":\#(status),"status":"\#(state)","message":"\#(message)","details":\#(details)}}"#,
            advice: advice,
            absent: absent,
            before: token
        )
    }

    private static let impersonation = [
        refused(
            "two hours",
            400,
            "INVALID_ARGUMENT",
            "Request contains an invalid argument.",
            seconds: 7200,
            [
                "token_lifetime_seconds is 7200", "write 3600",
                "allowServiceAccountCredentialLifetimeExtension",
            ],
            absent: ["workloadIdentityUser"]
        ),
        refused(
            "a perimeter",
            403,
            "PERMISSION_DENIED",
            "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: y2qK",
            ["VPC Service Controls", "y2qK", "access policy"],
            absent: ["workloadIdentityUser"]
        ),
        refused(
            "a perimeter, by its reason",
            403,
            "PERMISSION_DENIED",
            "denied",
            details: #"[{"reason":"SECURITY_POLICY_VIOLATED","metadata":{"uid":"abc1"}}]"#,
            ["VPC Service Controls", "abc1"]
        ),
        refused(
            "an API that is off",
            403,
            "PERMISSION_DENIED",
            "has not been used",
            details:
                #"[{"reason":"SERVICE_DISABLED","metadata":{"service":"iamcredentials.googleapis.com","consumer":"projects/42"}}]"#,
            ["gcloud services enable iamcredentials.googleapis.com --project=42"],
            absent: ["workloadIdentityUser"]
        ),
        refused(
            "an account that is gone",
            404,
            "NOT_FOUND",
            "Not found; Gaia id not found for email s@p1.iam.gserviceaccount.com",
            ["there is no service account s@p1.iam", "list --project=p1", "workloadIdentityUser"]
        ),
        refused(
            "no permission",
            403,
            "PERMISSION_DENIED",
            "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).",
            details:
                #"[{"reason":"IAM_PERMISSION_DENIED","metadata":{"permission":"iam.serviceAccounts.getAccessToken"}}]"#,
            ["add-iam-policy-binding s@p1.iam", "workloadIdentityPools/acme/subject/repo:"]
        ),
        refused(
            "a policy of the organization",
            400,
            "FAILED_PRECONDITION",
            "violated",
            details:
                #"[{"violations":[{"type":"constraints/iam.x","description":"org policy"}]}]"#,
            ["policy of the organization"],
            absent: ["workloadIdentityUser"]
        ),
        refused(
            "no billing",
            403,
            "PERMISSION_DENIED",
            "This API method requires billing to be enabled.",
            ["billing"],
            absent: ["workloadIdentityUser"]
        ),
        refused(
            "too often",
            429,
            "RESOURCE_EXHAUSTED",
            "Quota exceeded",
            ["less often", "by itself"]
        ),
    ]

    // MARK: Vault

    private static let login: [String: JSON] = [
        "service": "oauth", "grant": "login", "tokenUrl": "https://v.test/v1/auth/ci/login",
        "parameters": ["role": "scan"], "tokenAudience": "https://v.test",
    ]
    private static func vault(_ text: String, _ advice: [String]) -> Row {
        vault(text, 400, advice)
    }
    private static func vault(_ text: String, _ status: Int, _ advice: [String]) -> Row {
        let body: JSON = ["errors": [.string(text)]]
        return Row(
            testDescription: text,
            account: login,
            status: status,
            body: String(decoding: body.serialized(), as: UTF8.self),
            advice: advice
        )
    }

    private static let vault = [
        vault("Vault is sealed", 503, ["vault operator unseal", "by itself"]),
        vault(
            "role \"scan\" could not be found",
            ["no role scan", "parameters.role", "auth/ci/role"]
        ),
        vault("missing role", ["\"parameters\": {\"role\""]),
        vault(
            "no handler for route \"auth/ci/login\". route entry not found.",
            404,
            ["auth/ci", "vault auth list"]
        ),
        vault(
            "error validating token: invalid audience (aud) claim: audience claim does not match any bound audience",
            ["made for wif", "https://v.test", "bound_audiences=wif"]
        ),
        vault(
            "error validating claims: claim \"ref\" does not match any associated bound claim values",
            ["claim ref", "bound_claims", "none"]
        ),
        vault(
            "error verifying token signature: no known key successfully validated the token signature",
            ["oidc_discovery_url=https://token.actions.githubusercontent.com"]
        ),
        vault("permission denied", 403, ["vault auth list", "namespace"]),
        Row(
            testDescription: "a reply with its token elsewhere",
            account: login,
            status: 200,
            body:
                #"{"auth":{"client_token":"hvs.abcdefgh","lease_duration":3600},"data":null}"#,
            advice: [
                "\"response\": {\"credential\": \"auth.client_token\", \"lifetime\": \"auth.lease_duration\"}"
            ]
        ),
    ]
}
