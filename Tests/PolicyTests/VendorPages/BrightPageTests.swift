import Federation
import Kernel
import Testing
import Text

@testable import Policy

/// https://docs.brightsec.com/docs/workload-identity-federation
@Suite struct `Bright's page` {
    private static let claims: JSON = [
        "iss": "https://idp.example", "sub": "repo:acme/web", "aud": "api://bright-security",
        "exp": 1_700_000_600, "environment": "production", "score": .number(0.95),
        "pipeline": ["id": 1001, "protected": true],
    ]
    private static func with(_ subject: String) -> JSON {
        changed(claims, ["sub": .string(subject)])
    }

    private static func expression(
        _ text: String,
        _ claims: JSON,
        _ verdict: String = PageRow.accepted
    ) -> PageRow { PageRow("Custom OIDC", text, .condition(.bright, claims), verdict) }

    static let examples: [PageRow] = [
        expression(#"sub == "installation_id:12345""#, with("installation_id:12345")),
        expression(#"sub == "installation_id:12345""#, with("installation_id:1"), PageRow.refused),
        expression(
            #"sub.startsWith("repo:acme/web:") && claims.environment == "production""#,
            with("repo:acme/web:ref:refs/heads/main")
        ),
        expression(
            #"sub in ["repo:acme/web", "repo:acme/api"] && claims.pipeline.id in [1001, 1002]"#,
            claims
        ),
        expression(
            #"sub == "job:deploy" && claims.pipeline.protected == true && claims.score == 0.95"#,
            with("job:deploy")
        ),
        // The table of what is supported.
        expression(#"sub == "repo:acme/web" && iss == "https://idp.example""#, claims),
        expression(#"sub == "repo:acme/web" && aud == "api://bright-security""#, claims),
        expression(
            #"sub == "repo:acme/web" && aud == "api://bright-security""#,
            changed(claims, ["aud": ["api://bright-security"]]),
            PageRow.open
        ), expression(#"sub == "repo:acme/web" && claims.pipeline.id == 1001"#, claims),
        expression(#"sub == "repo:acme/web" && aud == "other""#, claims, PageRow.refused),
        expression(
            #"sub == "other" && aud == "api://bright-security""#,
            changed(claims, ["aud": ["api://bright-security"]]),
            PageRow.refused
        ),
        expression(#"claims.environment == "production""#, claims, PageRow.refused),
        expression(#"sub == """#, claims, PageRow.refused),
        expression(#"sub.startsWith("")"#, claims, PageRow.refused),
        expression(#"sub in []"#, claims, PageRow.refused),
        expression(#"(sub == "repo:acme/web")"#, claims, PageRow.open),
        // The list of what is not.
        expression(#"sub == "a" || sub == "repo:acme/web""#, claims, PageRow.refused),
        expression(#"sub == "repo:acme/web" && !claims.off"#, claims, PageRow.refused),
        expression(#"sub == "repo:acme/web" && claims.ref != "x""#, claims, PageRow.refused),
        expression(
            #"sub == "repo:acme/web" && claims.pipeline.id + 1 == 1002"#,
            claims,
            PageRow.refused
        ),
        expression(
            #"sub == "repo:acme/web" && claims.environment.matches("prod.*")"#,
            claims,
            PageRow.refused
        ),
        expression(
            #"sub == "repo:acme/web" && claims.environment.contains("prod")"#,
            claims,
            PageRow.refused
        ),
        expression(
            #"sub == "repo:acme/web" && claims["environment"] == "production""#,
            claims,
            PageRow.refused
        ),
        expression(
            #"sub == "repo:acme/web" && claims.list.exists(x, x == 1)"#,
            claims,
            PageRow.refused
        ),
        expression(
            #"sub == "repo:acme/web" && has(claims.environment)"#,
            claims,
            PageRow.refused
        ),
        expression(
            #"sub == "repo:acme/web" && mine(claims.environment)"#,
            claims,
            PageRow.refused
        ), expression(#"sub"#, claims, PageRow.refused),
    ]

    // MARK: The forms of the CI providers

    private static let tokens: [String: JSON] = [
        "github": [
            "iss": "https://token.actions.githubusercontent.com",
            "aud": "https://github.com/acme-corp", "exp": 1_700_000_600,
            "sub": "repo:acme-corp/payments-api:ref:refs/heads/main",
            "repository": "acme-corp/payments-api", "repository_owner": "acme-corp",
            "ref": "refs/heads/main", "environment": "production",
        ],
        "gitlab": [
            "iss": "https://gitlab.com", "aud": "api://bright-security", "exp": 1_700_000_600,
            "sub": "project_path:acme-corp/payments-api:ref_type:branch:ref:main",
            "project_path": "acme-corp/payments-api", "ref_type": "branch", "ref": "main",
        ],
        "bitbucket": [
            "iss": "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
            "aud": "ari:cloud:bitbucket::workspace/7f2a", "exp": 1_700_000_600,
            "sub": "{r}:{s}", "workspaceUuid": "{w}", "repositoryUuid": "{r}",
            "deploymentEnvironmentUuid": "{d}",
        ],
        "circleci": [
            "iss": "https://oidc.circleci.com/org/o1", "aud": "o1", "exp": 1_700_000_600,
            "sub": "org/o1/project/p1/user/u1", "oidc.circleci.com/project-id": "p1",
            "oidc.circleci.com/vcs-origin": "github.com/acme-corp/payments-api",
            "oidc.circleci.com/vcs-ref": "refs/heads/main",
        ],
    ]

    private static func form(
        _ provider: String,
        _ what: String,
        _ fields: [String: JSON],
        change: [String: JSON] = [:],
        _ verdict: String = PageRow.accepted
    ) -> PageRow {
        let token = changed(tokens[provider] ?? [:], change)
        let trust: JSON = [
            "service": "bright", "issuer": tokens[provider]?["iss"] ?? .null,
            "allowedAudiences": .array([tokens[provider]?["aud"] ?? .null]),
            "provider": .string(provider), "fields": .object(fields),
        ]
        return PageRow("Form for \(provider)", what, .trust(trust, token), verdict)
    }

    private static let gitHub: [String: JSON] = [
        "Organization or user": "acme-corp", "Repository": "payments-api", "Branch / Ref": "main",
    ]
    private static let gitLab: [String: JSON] = [
        "Namespace / Project": "acme-corp/payments-api", "Ref type": "branch", "Ref": "main",
    ]
    private static let bitbucket: [String: JSON] = [
        "Workspace UUID": "{w}", "Repository UUID": "{r}",
    ]
    private static let circleCI: [String: JSON] = ["Organization ID": "o1", "Project ID": "p1"]

    static let forms: [PageRow] = [
        form("github", "as in the page's examples", gitHub),
        form("github", "a whole ref", gitHub.merging(["Branch / Ref": "refs/heads/main"]) { $1 }),
        form(
            "github",
            "with the environment",
            gitHub.merging(["Environment name": "production"]) { $1 }
        ),
        form(
            "github",
            "another branch",
            gitHub,
            change: ["ref": "refs/heads/dev"],
            PageRow.refused
        ),
        form("github", "another owner", gitHub, change: ["repository_owner": "x"], PageRow.refused),
        form(
            "github",
            "an environment that the job does not name",
            gitHub.merging(["Environment name": "production"]) { $1 },
            change: ["environment": .null],
            PageRow.refused
        ), form("gitlab", "as in the page's examples", gitLab),
        form("gitlab", "a tag", gitLab, change: ["ref_type": "tag"], PageRow.refused),
        form("bitbucket", "both UUIDs", bitbucket),
        form(
            "bitbucket",
            "with the deployment environment",
            bitbucket.merging(["Deployment environment UUID": "{d}"]) { $1 }
        ),
        form(
            "bitbucket",
            "a UUID without braces",
            bitbucket.merging(["Workspace UUID": "w"]) { $1 },
            PageRow.open
        ), form("circleci", "organization and project", circleCI),
        form(
            "circleci",
            "origin and ref, with CIRCLE_OIDC_TOKEN_V2",
            circleCI.merging([
                "VCS origin": "github.com/acme-corp/payments-api", "VCS ref": "refs/heads/main",
            ]) { $1 }
        ),
        form(
            "circleci",
            "origin, with CIRCLE_OIDC_TOKEN",
            circleCI.merging(["VCS origin": "github.com/acme-corp/payments-api"]) { $1 },
            change: ["oidc.circleci.com/vcs-origin": .null],
            PageRow.refused
        ), form("gitlab", "a field of another form", ["Repository": "x"], PageRow.refused),
        form("gitlab", "a required field missing", ["Ref": "main"], PageRow.refused),
    ]

    // MARK: Troubleshooting

    private static func credential(_ project: String?) -> JSON {
        changed(
            [
                "service": "bright", "issuer": "https://idp.example",
                "allowedAudiences": ["api://bright-security"],
                "condition": #"sub == "repo:acme/web""#,
            ],
            ["projectId": project.map(JSON.string) ?? .null]
        )
    }

    static let troubles: [PageRow] = [
        PageRow("Troubleshooting", "all match", .trust(credential("p"), claims)),
        PageRow(
            "Troubleshooting",
            "iss must match exactly",
            .trust(credential("p"), changed(claims, ["iss": "https://idp.example/"])),
            PageRow.refused
        ),
        PageRow(
            "Troubleshooting",
            "at least one aud",
            .trust(credential("p"), changed(claims, ["aud": ["x", "api://bright-security"]]))
        ),
        PageRow(
            "Troubleshooting",
            "no aud that is allowed",
            .trust(credential("p"), changed(claims, ["aud": ["x"]])),
            PageRow.refused
        ),
        PageRow(
            "Troubleshooting",
            "the policy",
            .trust(credential("p"), with("x")),
            PageRow.refused
        ),
        PageRow(
            "The token's expiry",
            "expired",
            .trust(credential("p"), changed(claims, ["exp": 1_699_999_999])),
            PageRow.refused
        ),
        PageRow(
            "Ambiguous without resource",
            "no resource",
            .trusts([credential("one"), credential("two")], claims, .none),
            PageRow.refused
        ),
        PageRow(
            "Ambiguous without resource",
            "with resource",
            .trusts(
                [credential("one"), credential("two")],
                claims,
                Judgement.Target(resources: ["https://app.brightsec.com/api/v1/projects/two"])
            )
        ),
        PageRow(
            "Ambiguous without resource",
            "the request is not known",
            .trusts([credential("one"), credential("two")], claims, .unknown),
            PageRow.open
        ),
        PageRow(
            "Ambiguous without resource",
            "two credentials of one project",
            .trusts([credential("one"), credential("one")], claims, .none)
        ),
        PageRow(
            "resource names another project",
            "three",
            .trusts([credential("one"), credential("two")], claims, .project("three")),
            PageRow.refused
        ),
    ]

    @Test(arguments: examples + forms + troubles)
    func `is followed to the letter`(row: PageRow) throws {
        #expect(try row.answer == row.verdict)
    }

    @Test func `has forms that a token of the provider fills in`() throws {
        for (provider, claims) in Self.tokens {
            let preset = try #require(Advice(for: .bright, claims: claims).preset)
            #expect(preset.provider.rawValue == provider)
            #expect(preset.clauses(claims).allSatisfy { $0.verdict == .accepted })
        }
        let preset = try #require(BrightPreset(for: Self.tokens["github"] ?? [:]))
        #expect(preset.list.map(\.value) == ["acme-corp", "payments-api", "main", "production"])
        #expect(BrightPreset(for: Self.claims) == nil)
    }
}
