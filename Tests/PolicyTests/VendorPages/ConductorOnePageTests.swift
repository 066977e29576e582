import Federation
import Kernel
import Testing
import Text

@testable import Policy

/// https://www.conductorone.com/docs/product/admin/workload-federation and its page on custom OIDC
@Suite struct `ConductorOne's pages` {
    private static let trust: JSON = [
        "service": "conductorone", "issuer": "https://login.example.com",
        "clientId": "quiet-bear-88456@yourcompany.conductor.one/wfe",
        "condition": #"claims.sub == "expected-subject""#,
    ]
    private static let token: JSON = [
        "iss": "https://login.example.com", "sub": "expected-subject",
        "custom_claim": "expected-value", "aud": ["yourcompany.conductor.one"],
        "exp": 1_700_000_600, "iat": 1_700_000_000, "repository": "acme/infra",
        "environment": "production", "ref": "refs/heads/main", "project_path": "acme/infra",
        "ref_protected": "true", "https://example.com/": ["field": true],
    ]

    private static func requirement(
        _ what: String,
        _ change: [String: JSON],
        _ verdict: String
    ) -> PageRow {
        PageRow("Token requirements", what, .trust(trust, changed(token, change)), verdict)
    }

    static let requirements: [PageRow] = [
        requirement("all met", [:], PageRow.accepted),
        requirement("iss, exactly", ["iss": "https://login.example.com/"], PageRow.refused),
        requirement("iss, another", ["iss": "https://other.example.com"], PageRow.refused),
        requirement("iss, none", ["iss": .null], PageRow.refused),
        requirement(
            "aud, the domain alone",
            ["aud": "yourcompany.conductor.one"],
            PageRow.accepted
        ),
        requirement(
            "aud, one of several",
            ["aud": ["x", "yourcompany.conductor.one"]],
            PageRow.accepted
        ), requirement("aud, without the domain", ["aud": "x"], PageRow.refused),
        requirement("aud, none", ["aud": .null], PageRow.refused),
        requirement(
            "aud, a URL with the domain in it",
            ["aud": "https://yourcompany.conductor.one"],
            PageRow.open
        ), requirement("exp, expired", ["exp": 1_700_000_000], PageRow.refused),
        requirement("exp, none", ["exp": .null], PageRow.refused),
        requirement("iat, 10 minutes ago", ["iat": 1_699_999_400], PageRow.accepted),
        requirement("iat, longer ago", ["iat": 1_699_999_399], PageRow.refused),
        requirement("iat, none", ["iat": .null], PageRow.refused),
        requirement("iat, in the future", ["iat": 1_700_000_300], PageRow.open),
    ]

    private static func expression(_ text: String, _ verdict: String = PageRow.accepted) -> PageRow
    {
        PageRow("CEL expressions", text, .condition(.conductorone, token), verdict)
    }

    static let expressions: [PageRow] = [
        expression(
            #"claims.sub == "expected-subject" && claims.custom_claim == "expected-value""#
        ),
        PageRow(
            "CEL expressions, another subject",
            #"claims.sub == "expected-subject" && claims.custom_claim == "expected-value""#,
            .condition(.conductorone, changed(token, ["sub": "other"])),
            PageRow.refused
        ), expression(#"claims["https://example.com/"].field"#),
        expression(#"claims.repository == "acme/infra" && claims.environment == "production""#),
        expression(#"claims.sub.contains("expected")"#),
        expression(#"claims.sub.startsWith("expected-")"#),
        expression(#"claims.sub.endsWith("-subject")"#),
        expression(#"claims.sub.matches("^expected-[a-z]+$")"#),
        expression("claims.sub.size() == 16"), expression("size(claims.sub) == 16"),
        expression(#"claims.ref == "refs/heads/main""#),
        expression(#"claims.project_path == "acme/infra" && claims.ref_protected == "true""#),
        expression(#"claims.sub == "\#(String(repeating: "x", count: 1009))""#, PageRow.refused),
        expression(
            #"claims.sub != "\#(String(repeating: "x", count: 1008))""#,
            PageRow.accepted
        ),
        expression(
            #"claims.sub != "\#(String(repeating: "x", count: 1009))""#,
            PageRow.refused
        ), expression(#"sub == "expected-subject""#, PageRow.refused),
    ]

    static let clients: [PageRow] = [
        "quiet-bear-88456@yourcompany.conductor.one/wfe",
        "swift-otter-19384@yourcompany.conductor.one/wfe",
    ].map { client in
        PageRow(
            "Client ID",
            client,
            .document { text in
                let document: JSON = ["type": "external_account", "clientId": .string(text)]
                let account = try Account(
                    parsing: Secret(document.serialized()),
                    path: "/c.json",
                    environment: [:]
                )
                #expect(account.service.name == "conductorone")
                guard case .tokenExchange(let service) = account.service else { return }
                #expect(service.tokenURL.url == "https://yourcompany.conductor.one/auth/v1/token")
                #expect(service.wantedAudience == "yourcompany.conductor.one")
            }
        )
    }

    static let issuers: [PageRow] = [
        ("https://token.actions.githubusercontent.com", "GitHub Actions", [:] as JSON),
        (
            "https://gitlab.com", "GitLab CI/CD",
            ["project_path": "acme/infra", "ref_type": "branch"]
        ), ("https://app.terraform.io", "HCP Terraform", ["terraform_workspace_id": "ws-1"]),
        ("https://a1b2.tokens.sts.global.api.aws", "AWS IAM outbound federation", [:]),
    ].map { url, name, claims in
        PageRow(
            "Presets",
            url,
            .document { text in
                let advice = Advice(
                    for: .conductorone,
                    claims: changed(claims, ["iss": .string(text), "sub": "x"])
                )
                #expect(advice.issuerName == name)
                #expect(advice.issuer == text)
            }
        )
    }

    @Test(arguments: requirements + expressions + clients + issuers)
    func `are followed to the letter`(row: PageRow) throws {
        #expect(try row.answer == row.verdict)
    }
}
