import Federation
import Kernel
import Testing
import Text

@testable import Policy

/// https://mondoo.com/docs/platform/maintain/access/wif and its page on custom OIDC providers
@Suite struct `Mondoo's pages` {
    private static let gitHub = "https://token.actions.githubusercontent.com"
    private static let tenant = "7d0a3c1e-5b2f-4a6d-9c8e-0123456789ab"
    private static let aws: JSON = [
        "Account": "123456789012", "Arn": "arn:aws:sts::123456789012:assumed-role/RoleName/i-1",
        "UserId": "AROA:i-1",
    ]
    private static func arn(_ text: String) -> JSON { changed(aws, ["Arn": .string(text)]) }

    private static let custom: JSON = [
        "iss": "https://login.example.com", "sub": "workload", "aud": "test",
        "exp": 1_700_003_600, "email": "user@example.com", "groups": "engineering",
    ]
    private static let trust: JSON = [
        "issuer": "https://login.example.com", "subject": "workload",
    ]
    private static let job: JSON = [
        "iss": .string(gitHub), "sub": "repo:myorg/myrepo:ref:refs/heads/main",
        "repository": "myorg/myrepo", "environment": "production", "exp": 1_700_003_600,
    ]
    private static let entra: JSON = [
        "iss": .string("https://sts.windows.net/\(tenant)/"), "sub": "2f9d1c4b",
        "aud": "api://acme", "exp": 1_700_003_600,
    ]

    static let mappings: [PageRow] = [
        PageRow("Claim mappings", "jwt_claims.repository = myorg/myrepo", .mapping(job)),
        PageRow("Claim mappings", "jwt_claims.environment = production", .mapping(job)),
        PageRow(
            "Claim mappings",
            "jwt_claims.kubernetes.io/namespace = default",
            .mapping(["kubernetes.io": ["namespace": "default"]])
        ), PageRow("Claim mappings", "aws_claims.account = 123456789012", .mapping(aws)),
        PageRow("Custom OIDC", "jwt_claims.email = user@example.com", .mapping(custom)),
        PageRow("Custom OIDC", "jwt_claims.groups = engineering", .mapping(custom)),
        PageRow(
            "Custom OIDC, a token with several groups",
            "jwt_claims.groups = engineering",
            .mapping(changed(custom, ["groups": ["engineering", "ops"]])),
            PageRow.open
        ),
        PageRow(
            "Claim mappings must match",
            "jwt_claims.environment = production",
            .mapping(changed(job, ["environment": "staging"])),
            PageRow.refused
        ),
        PageRow(
            "Claim mappings must match",
            "jwt_claims.environment = production",
            .mapping(changed(job, ["environment": .null])),
            PageRow.refused
        ),
        PageRow(
            "A nested claim without an example",
            "jwt_claims.google/compute_engine/project_id = acme",
            .mapping(["google": ["compute_engine": ["project_id": "acme"]]]),
            PageRow.open
        ),
        PageRow("AWS claim keys", "aws_claims.account = 123456789012", .mapping(aws)),
        PageRow(
            "AWS claim keys",
            "aws_claims.arn = arn:aws:sts::123456789012:assumed-role/RoleName/i-1",
            .mapping(aws)
        ), PageRow("AWS claim keys", "aws_claims.userid = AROA:i-1", .mapping(aws)),
        PageRow(
            "AWS claim keys, no other",
            "aws_claims.region = eu-central-1",
            .mapping(aws),
            PageRow.refused
        ), PageRow("Prefixes", "repository = myorg/myrepo", .mapping(job), PageRow.refused),
    ]

    static let subjects: [PageRow] = [
        PageRow(
            "AWS, IAM User",
            "arn:aws:iam::123456789012:user/UserName",
            .subject(
                issuer: "https://sts.amazonaws.com",
                arn("arn:aws:iam::123456789012:user/UserName")
            )
        ),
        PageRow(
            "AWS, IAM Role (direct)",
            "arn:aws:iam::123456789012:role/RoleName",
            .subject(
                issuer: "https://sts.amazonaws.com",
                arn("arn:aws:iam::123456789012:role/RoleName")
            )
        ),
        PageRow(
            "AWS, IAM Role (direct), for a session",
            "arn:aws:iam::123456789012:role/RoleName",
            .subject(issuer: "https://sts.amazonaws.com", aws),
            PageRow.refused
        ),
        PageRow(
            "AWS, assumed role (any session)",
            "arn:aws:sts::123456789012:assumed-role/RoleName/*",
            .subject(issuer: "https://sts.amazonaws.com", aws)
        ),
        PageRow(
            "AWS, assumed role (specific session)",
            "arn:aws:sts::123456789012:assumed-role/RoleName/SessionName",
            .subject(
                issuer: "https://sts.amazonaws.com",
                arn("arn:aws:sts::123456789012:assumed-role/RoleName/SessionName")
            )
        ),
        PageRow(
            "AWS, assumed role (specific session), another",
            "arn:aws:sts::123456789012:assumed-role/RoleName/SessionName",
            .subject(issuer: "https://sts.amazonaws.com", aws),
            PageRow.refused
        ),
        PageRow(
            "AWS, a * at another place",
            "arn:aws:sts::123456789012:assumed-role/*",
            .subject(issuer: "https://sts.amazonaws.com", aws),
            PageRow.open
        ),
        PageRow(
            "GCP, the unique ID of the service account",
            "112233445566778899000",
            .subject(
                issuer: "https://accounts.google.com",
                ["iss": "https://accounts.google.com", "sub": "112233445566778899000"]
            )
        ),
        PageRow(
            "Azure, the Application ID URI",
            "api://acme",
            .subject(issuer: "https://sts.windows.net/\(tenant)", entra),
            PageRow.open
        ),
        PageRow(
            "GitHub, organization and repository",
            "myorg/myrepo",
            .subject(issuer: gitHub, job),
            PageRow.open
        ),
        PageRow(
            "GitHub, another repository",
            "myorg/other",
            .subject(issuer: gitHub, job),
            PageRow.refused
        ),
        PageRow(
            "Custom OIDC, the expected sub",
            "workload",
            .subject(issuer: "https://login.example.com", custom)
        ),
    ]

    static let issuers: [PageRow] = [
        PageRow(
            "Issuer URI of AWS",
            "https://sts.amazonaws.com",
            .trust(
                [
                    "issuer": "https://sts.amazonaws.com",
                    "subject": "arn:aws:sts::123456789012:assumed-role/RoleName/*",
                ],
                aws
            )
        ),
        PageRow(
            "Issuer URI of Azure, without the slash that tokens have",
            "https://sts.windows.net/TENANT_ID",
            .trust(
                [
                    "issuer": .string("https://sts.windows.net/\(tenant)"), "subject": "2f9d1c4b",
                ],
                entra
            )
        ),
        PageRow(
            "Issuer URI of GitHub Actions",
            gitHub,
            .trust(
                [
                    "issuer": .string(gitHub),
                    "subject": "repo:myorg/myrepo:ref:refs/heads/main",
                ],
                job
            )
        ),
        PageRow(
            "Issuer URI of Google Cloud",
            "https://accounts.google.com",
            .trust(
                ["issuer": "https://accounts.google.com", "subject": "workload"],
                changed(custom, ["iss": "https://accounts.google.com"])
            )
        ), PageRow("Any OIDC provider", "https://login.example.com", .trust(trust, custom)),
        PageRow(
            "Any OIDC provider, a slash more in the token",
            "https://login.example.com/",
            .trust(trust, changed(custom, ["iss": "https://login.example.com/"])),
            PageRow.open
        ),
        PageRow(
            "Any OIDC provider, another",
            "https://other.example.com",
            .trust(trust, changed(custom, ["iss": "https://other.example.com"])),
            PageRow.refused
        ),
    ]

    static let rules: [PageRow] =
        [
            PageRow(
                "More than 3 minutes until expiration",
                "181 s",
                .trust(trust, changed(custom, ["exp": 1_700_000_181]))
            ),
            PageRow(
                "More than 3 minutes, or at least",
                "180 s",
                .trust(trust, changed(custom, ["exp": 1_700_000_180])),
                PageRow.open
            ),
            PageRow(
                "More than 3 minutes until expiration",
                "179 s",
                .trust(trust, changed(custom, ["exp": 1_700_000_179])),
                PageRow.refused
            ),
            PageRow(
                "Allowed audiences restrict",
                "test",
                .trust(changed(trust, ["allowedAudiences": ["test"]]), custom)
            ),
            PageRow(
                "Allowed audiences restrict",
                "test",
                .trust(changed(trust, ["allowedAudiences": ["other"]]), custom),
                PageRow.refused
            ),
            PageRow(
                "Allowed audiences are for OIDC only",
                "AWS",
                .trust(
                    [
                        "issuer": "https://sts.amazonaws.com", "subject": "x",
                        "allowedAudiences": ["a"],
                    ],
                    aws
                ),
                PageRow.refused
            ),
        ]
        + [
            (1, PageRow.accepted), (86_400, PageRow.accepted), (0, PageRow.refused),
            (86_401, PageRow.refused),
        ]
        .map { seconds, verdict in
            PageRow(
                "Credential lifetime in seconds, 1-86400",
                "\(seconds)",
                .trust(changed(trust, ["expiration": .integer(Int64(seconds))]), custom),
                verdict
            )
        }

    private static let configuration = """
        {
        "type": "external_account",
        "universeDomain": "https://us.api.mondoo.com",
        "audience": "//captain.api.mondoo.app/spaces/YOUR_SPACE_ID",
        "issuerUri": "https://accounts.google.com",
        "subjectTokenType": "urn:ietf:params:oauth:token-type:jwt",
        "scopes": ["//iam.api.mondoo.app/roles/agent"]
        }
        """
    private static let signedRequest = #"""
        {
        "url": "https://sts.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
        "method": "POST",
        "headers": [
        {
        "key": "Authorization",
        "value": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20240101/us-east-1/sts/aws4_request, SignedHeaders=host;x-amz-date, Signature=..."
        },
        { "key": "host", "value": "sts.amazonaws.com" },
        { "key": "x-amz-date", "value": "20240101T000000Z" },
        { "key": "x-amz-security-token", "value": "FwoGZXIvY..." }
        ]
        }
        """#

    static let documents: [PageRow] =
        [
            PageRow(
                "The WIF config file",
                configuration,
                .document { text in
                    // As it stands on the page it is refused for what was to be replaced, and for nothing
                    // else.
                    let placeholder = "YOUR_SPACE_ID"
                    let error = #expect(throws: AccountError.self) {
                        _ = try Account(parsing: Secret(text), path: "/mondoo.json")
                    }
                    #expect(
                        error?.message
                            == "account file /mondoo.json: audience: holds the placeholder YOUR_SPACE_ID"
                    )
                    #expect(error?.hint == "write the space's id in place of YOUR_SPACE_ID")
                    let range = try #require(text.firstRange(of: placeholder))
                    let account = try Account(
                        parsing: Secret(
                            text[..<range.lowerBound] + "my-space" + text[range.upperBound...]
                        ),
                        path: "/mondoo.json"
                    )
                    #expect(account.warnings.isEmpty)
                }
            ),
            PageRow(
                "The pre-signed request, the key's id filled in where the page has AKIA...",
                signedRequest,
                .document { text in
                    #expect(SignedRequestSummary(decoding: Secret(text)) != nil)
                }
            ),
        ]
        + [
            ("Mondoo (US)", "https://api.mondoo.com"), ("Mondoo (EU)", "https://eu.api.mondoo.com"),
            ("Mondoo Edge", "https://api.edge.mondoo.com"),
            ("Dedicated deployment", "https://api.mondoo.CUSTOMER.com"),
        ]
        .map { environment, url in
            PageRow(
                "Issuer of \(environment)",
                url,
                .document { url in
                    #expect(MondooRegion.isIssuer(url))
                    #expect(!MondooRegion.isIssuer(url + "/"))
                    #expect(MondooRegion.at(host: String(url.dropFirst(8)))?.host != nil)
                }
            )
        }

    @Test(arguments: mappings + subjects + issuers + rules + documents)
    func `are followed to the letter`(row: PageRow) throws {
        #expect(try row.answer == row.verdict)
    }

    @Test func `name the reason where they leave something open`() throws {
        let mapping = try ClaimMapping(parsing: "jwt_claims.groups = ops")
        let clause = Clause.list(subject: nil, [mapping], claims: ["groups": ["ops"]])[0]
        #expect(
            clause.told
                == #""ops" fits; cannot be told here: the claim is a list that holds the value, and Mondoo's pages have no rule for that"#
        )
    }
}
