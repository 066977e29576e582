import Federation
import Policy
import Testing
import Text

@Suite struct Suggestions {
    static let gitHub: JSON = [
        "iss": "https://token.actions.githubusercontent.com",
        "sub": "repo:acme/web:environment:production", "aud": "x", "repository": "acme/web",
        "repository_id": "77", "environment": "production", "ref": "refs/heads/main",
    ]
    static let circle: JSON = [
        "iss": "https://oidc.circleci.com/org/o1", "sub": "org/o1/project/p1/user/u1",
        "oidc.circleci.com/project-id": "p1", "oidc.circleci.com/vcs-ref": "refs/heads/main",
    ]
    static let kubernetes: JSON = [
        "iss": "https://oidc.eks.eu-west-1.amazonaws.com/id/A",
        "sub": "system:serviceaccount:web:scanner",
        "kubernetes.io": ["namespace": "web", "serviceaccount": ["name": "scanner", "uid": "u"]],
    ]
    static let aws: JSON = [
        "iss": "https://u.tokens.sts.global.api.aws", "sub": "arn:aws:iam::1:role/r",
        "https://sts.amazonaws.com/": ["aws_account": "1", "org_id": "o-1"],
    ]

    struct Wanted: Sendable {
        let service: TrustingService
        let claims: JSON
        let issuer: String
        let condition: String
    }

    static let conditions: [Wanted] = [
        Wanted(
            service: .conductorone,
            claims: gitHub,
            issuer: "GitHub Actions",
            condition:
                #"claims.sub == "repo:acme/web:environment:production" && claims.repository == "acme/web" && claims.environment == "production" && claims.ref == "refs/heads/main" && claims.repository_id == "77""#
        ),
        Wanted(
            service: .bright,
            claims: gitHub,
            issuer: "GitHub Actions",
            condition:
                #"sub == "repo:acme/web:environment:production" && claims.repository == "acme/web" && claims.environment == "production" && claims.ref == "refs/heads/main" && claims.repository_id == "77""#
        ),
        Wanted(
            service: .conductorone,
            claims: circle,
            issuer: "CircleCI",
            condition:
                #"claims.sub.startsWith("org/o1/project/p1/user/") && claims["oidc.circleci.com/project-id"] == "p1" && claims["oidc.circleci.com/vcs-ref"] == "refs/heads/main""#
        ),
        Wanted(
            service: .bright,
            claims: circle,
            issuer: "CircleCI",
            condition: #"sub.startsWith("org/o1/project/p1/user/")"#
        ),
        Wanted(
            service: .conductorone,
            claims: kubernetes,
            issuer: "Kubernetes",
            condition:
                #"claims.sub == "system:serviceaccount:web:scanner" && claims["kubernetes.io"].namespace == "web" && claims["kubernetes.io"].serviceaccount.name == "scanner" && claims["kubernetes.io"].serviceaccount.uid == "u""#
        ),
        Wanted(
            service: .conductorone,
            claims: aws,
            issuer: "AWS IAM outbound federation",
            condition:
                #"claims.sub == "arn:aws:iam::1:role/r" && claims["https://sts.amazonaws.com/"].aws_account == "1" && claims["https://sts.amazonaws.com/"].org_id == "o-1""#
        ),
        Wanted(
            service: .conductorone,
            claims: [
                "iss": "https://gitlab.com", "sub": "project_path:a/b:ref_type:branch:ref:main",
                "project_path": "a/b", "ref_type": "branch", "ref": "main", "ref_protected": "true",
            ],
            issuer: "GitLab CI/CD",
            condition:
                #"claims.sub == "project_path:a/b:ref_type:branch:ref:main" && claims.project_path == "a/b" && claims.ref_type == "branch" && claims.ref == "main" && claims.ref_protected == "true""#
        ),
        Wanted(
            service: .bright,
            claims: [
                "iss": "https://api.bitbucket.org/2.0/workspaces/w/pipelines-config/identity/oidc",
                "sub": "{r}:{e}:{s}", "repositoryUuid": "{r}", "workspaceUuid": "{w}",
            ],
            issuer: "Bitbucket Pipelines",
            condition:
                #"sub.startsWith("{r}:{e}:") && claims.repositoryUuid == "{r}" && claims.workspaceUuid == "{w}""#
        ),
        Wanted(
            service: .conductorone,
            claims: [
                "iss": "https://accounts.google.com", "sub": "112", "email": "a@b.iam",
                "google": ["compute_engine": ["project_id": "p"]],
            ],
            issuer: "Google Cloud",
            condition:
                #"claims.sub == "112" && claims.email == "a@b.iam" && claims.google.compute_engine.project_id == "p""#
        ),
        Wanted(
            service: .conductorone,
            claims: ["iss": "https://sts.windows.net/t/", "sub": "s", "tid": "t", "oid": "s"],
            issuer: "Microsoft Entra ID",
            condition: #"claims.sub == "s" && claims.tid == "t" && claims.oid == "s""#
        ),
        Wanted(
            service: .conductorone,
            claims: [
                "iss": "https://app.terraform.io",
                "sub": "organization:O:project:Default Project:workspace:W:run_phase:plan",
                "terraform_workspace_id": "ws-1", "terraform_organization_name": "O",
            ],
            issuer: "HCP Terraform",
            condition:
                #"claims.sub.startsWith("organization:O:project:Default Project:workspace:W:run_phase:") && claims.terraform_organization_name == "O" && claims.terraform_workspace_id == "ws-1""#
        ),
        Wanted(
            service: .conductorone,
            claims: [
                "iss": "https://agent.buildkite.com",
                "sub": "organization:O:pipeline:P:ref:main:commit:abc:step:k",
                "organization_slug": "O", "pipeline_slug": "P",
            ],
            issuer: "Buildkite",
            condition:
                #"claims.sub.startsWith("organization:O:pipeline:P:ref:main:commit:") && claims.organization_slug == "O" && claims.pipeline_slug == "P""#
        ),
        Wanted(
            service: .bright,
            claims: ["iss": "https://idp.example", "sub": "a\"b\\c", "project_id": 5, "ref": true],
            issuer: "an issuer that is not known here",
            condition: #"sub == "a\"b\\c" && claims.project_id == 5 && claims.ref == true"#
        ),
    ]

    @Test(arguments: conditions)
    func `pin subject, repository, environment and ref, hold for the token and warn of nothing`(
        wanted: Wanted
    ) throws {
        let advice = Advice(for: wanted.service, claims: wanted.claims)
        #expect(advice.issuerName == wanted.issuer)
        #expect(advice.condition == wanted.condition)
        let dialect = try #require(wanted.service.dialect)
        let condition = try Expression(parsing: wanted.condition, dialect: dialect)
        #expect(condition.evaluate(claims: wanted.claims).holds)
        if advice.remarks.isEmpty { #expect(condition.warnings(claims: wanted.claims).isEmpty) }
    }

    @Test func `say what Bright cannot reach`() {
        let advice = Advice(for: .bright, claims: Self.circle)
        #expect(
            advice.remarks.contains(
                "Bright's conditions have dot notation and no bracket access, and cannot reach the claim oidc.circleci.com/project-id; Bright's form for CircleCI has a field for it"
            )
        )
        #expect(advice.remarks.contains("no claim beside the subject says which workload this is"))
    }

    @Test func `for Mondoo are a subject and mappings`() {
        let advice = Advice(for: .mondoo, claims: Self.kubernetes)
        #expect(advice.subject == "system:serviceaccount:web:scanner")
        #expect(
            advice.mappings.map(\.key) == ["jwt_claims.kubernetes.io/namespace"]
        )
        #expect(advice.mappings.map(\.value) == ["web"])
        #expect(advice.issuer == "https://oidc.eks.eu-west-1.amazonaws.com/id/A")
        #expect(
            Advice(for: .mondoo, claims: Self.circle).remarks.contains {
                $0.contains("changes from run to run")
            }
        )
        let caller = Advice(
            for: .mondoo,
            claims: ["Account": "1", "Arn": "arn:aws:sts::1:assumed-role/R/s", "UserId": "x"]
        )
        #expect(caller.subject == "arn:aws:sts::1:assumed-role/R/*")
        #expect(caller.mappings.map(\.key) == ["aws_claims.account"])
    }

    @Test func `stay within 1024 bytes and survive a token without anything`() {
        var claims = Self.gitHub.object ?? [:]
        claims["environment"] = .string(String(repeating: "e", count: 900))
        let advice = Advice(for: .conductorone, claims: .object(claims))
        #expect((advice.condition ?? "").utf8.count <= 1024)
        #expect(
            advice.remarks.contains { $0.contains("more claims would exceed the length allowed") }
        )
        #expect(Advice(for: .bright, claims: [:]).condition == nil)
        #expect(Advice(for: .bright, claims: [:]).issuerName == "an issuer that is not known here")
        #expect(Advice(for: .conductorone, claims: "x").condition == nil)
        #expect(Advice(for: .mondoo, claims: .null).subject == nil)
    }

    static let noClaim = "no claim beside the subject says which workload this is"
    static let remarks: [(service: TrustingService, claims: JSON, part: String, isThere: Bool)] = [
        (.mondoo, [:], "the token has no sub, which Mondoo compares", true),
        (.mondoo, kubernetes, "the token has no sub", false),
        (.mondoo, [:], noClaim, true), (.mondoo, kubernetes, noClaim, false),
        (.mondoo, entra, "its aud, api://acme. Which of the two is compared is not said", true),
        (.mondoo, gitHub, "Which of the two is compared", false),
        (.conductorone, circle, "the rest of the sub changes from run to run at CircleCI", true),
        (.conductorone, gitHub, "changes from run to run", false),
        (.conductorone, [:], "the token has no sub: ask its issuer for one", true),
        (.conductorone, gitHub, "the token has no sub", false),
        (.conductorone, ["iss": "https://a", "sub": "s"], noClaim, true),
        (.conductorone, ["iss": "https://a", "sub": "s", "ref": "r"], noClaim, false),
        (.conductorone, gitHub, "would exceed the length allowed", false),
        (.bright, gitHub, "this token is a pull request's", false),
        (
            .bright, changed(gitHub, ["ref": "refs/pull/1/merge"]),
            "this token is a pull request's: its ref is another for each", true
        ),
    ]
    static let entra: JSON = [
        "iss": "https://sts.windows.net/t/", "sub": "s", "aud": "api://acme", "tid": "t",
    ]

    @Test(arguments: remarks)
    func `come with what there is to know`(
        service: TrustingService,
        claims: JSON,
        part: String,
        isThere: Bool
    ) {
        let remarks = Advice(for: service, claims: claims).remarks
        #expect(remarks.contains { $0.contains(part) } == isThere, "\(remarks)")
    }

    static let callers: [(arn: String, subject: String)] = [
        ("arn:aws:iam::1:user/path/u", "arn:aws:iam::1:user/path/u"),
        ("arn:aws:sts::1:assumed-role/R/s/", "arn:aws:sts::1:assumed-role/R/s/"),
    ]

    @Test(arguments: callers)
    func `have a star for the sessions of a role alone`(arn: String, subject: String) {
        let claims: JSON = ["Account": "1", "Arn": .string(arn), "UserId": "x"]
        let advice = Advice(for: .mondoo, claims: claims)
        #expect(advice.subject == subject)
        #expect(advice.remarks.isEmpty)
    }

    @Test func `fill the 1024 bytes and leave out no more than must be`() {
        // Beside the values: claims.sub == "" && claims.ref == ""
        for (length, left) in [(1024, 0), (1025, 1)] {
            let ref = String(repeating: "r", count: length - 37)
            let claims: JSON = ["iss": "https://a", "sub": "s", "ref": .string(ref)]
            let advice = Advice(for: .conductorone, claims: claims)
            #expect(advice.condition?.utf8.count == (left == 0 ? 1024 : 17))
            let remark = "\(left) more claims would exceed the length allowed"
            #expect(advice.remarks.contains(remark) == (left == 1))
        }
    }

    static let warnings: [(source: String, dialect: Dialect, part: String?)] = [
        (#"claims.sub == "a""#, .conductorone, nil),
        (#"claims.sub == "a" && claims.repository == "b""#, .conductorone, nil),
        (#"claims.repository_owner.startsWith("acme:")"#, .conductorone, "alone is checked"),
        (
            #"claims.repository == "acme/web" && claims.environment == "production""#,
            .conductorone, "the subject is not checked"
        ), ("true", .conductorone, "no claim is held to a value"),
        (#"claims.sub != "a""#, .conductorone, "no claim is held to a value"),
        (#"claims.sub == "a" || claims.ref == "b""#, .conductorone, "no claim is held to a value"),
        (#"claims.ref == "c" && (claims.sub == "a" || claims.sub == "b")"#, .conductorone, nil),
        (
            #"sub.startsWith("repo:acme/web") && claims.environment == "p""#, .bright,
            #"the prefix "repo:acme/web" ends in a name, so "repo:acme/web-other" passes too"#
        ),
        (#"sub.startsWith("repo:acme/web:") && claims.environment == "p""#, .bright, nil),
        (
            #"sub.startsWith("repo:acme/") && claims.environment == "p""#, .bright,
            "takes every repository of that owner"
        ),
        (
            #"claims.sub == "a" && claims.ref.matches("main")"#, .conductorone,
            "looks anywhere in the text"
        ),
        (#"claims.sub == "a" && claims.ref.matches("^main$")"#, .conductorone, nil),
        (#"claims.sub.contains("web")"#, .conductorone, "is true wherever it stands"),
        (#"claims.sub == "a" && claims.n % 2 == 0"#, .conductorone, "arithmetic with a claim"),
        (#"claims["sub"] == "a" && "x" in claims.groups"#, .conductorone, nil),
        (#"claims.sub.startsWith("")"#, .conductorone, "is true of every text"),
        (#"claims.ref == "b" && claims.env == "p""#, .conductorone, "asks for claims.sub, or"),
        (#"claims.sub.startsWith("org/") && claims.env == "p""#, .conductorone, nil),
        (
            #"claims.sub == "a" && claims.ref.matches("^main")"#, .conductorone,
            "looks anywhere in the text"
        ),
        (
            #"claims.sub == "a" && claims.ref.matches("main$")"#, .conductorone,
            "looks anywhere in the text"
        ),
        (
            #"claims.sub == "a" && claims.l.exists(x, claims.ref.matches("main"))"#, .conductorone,
            "looks anywhere in the text"
        ),
        (
            #"claims.sub == "a" && claims.l.map(x, claims.ref.matches("main"), x) == []"#,
            .conductorone, "looks anywhere in the text"
        ),
        (
            #"claims.sub == "a" && claims.n + claims.m == 3"#, .conductorone,
            "arithmetic with a claim"
        ),
        (#"claims.sub == "a" && 1 + 1 == 2"#, .conductorone, nil),
    ]

    @Test(arguments: warnings)
    func `warn of what the services' pages warn of`(source: String, dialect: Dialect, part: String?)
        throws
    {
        let warnings = try Expression(parsing: source, dialect: dialect).warnings()
        if let part {
            #expect(warnings.contains { $0.contains(part) }, "\(warnings)")
        } else {
            #expect(warnings.isEmpty, "\(warnings)")
        }
    }

    @Test func `know from the token how a prefix should end`() throws {
        let prefix = try Expression(
            parsing: #"sub.startsWith("repo:acme/web") && claims.a == 1"#,
            dialect: .bright
        )
        #expect(
            prefix.warnings(claims: ["sub": "repo:acme/web:ref:x"]).contains {
                $0.contains("end it with \":\", as this token's value goes on")
            }
        )
        #expect(
            prefix.warnings(claims: ["sub": "repo:acme/web"]).contains {
                $0.contains("compare with ==")
            }
        )
        let audience = try Expression(parsing: #"sub == "a" && aud == "b""#, dialect: .bright)
        #expect(
            audience.warnings(claims: ["aud": ["b"]]).contains { $0.hasPrefix("aud is a list") }
        )
    }
}
