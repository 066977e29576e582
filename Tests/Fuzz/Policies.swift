import Federation
import FoundationEssentials
import Policy
import Text

extension Target {
    /// What a service's administrator writes: conditions, patterns, trusts.
    static let policies = [
        Target("condition", condition), Target("pattern", pattern), Target("trust", trust),
    ]

    private static let claims: JSON = [
        "iss": "https://token.actions.githubusercontent.com", "sub": "repo:o/r:ref:refs/heads/main",
        "aud": ["a", "b"], "exp": 1_893_557_000, "iat": 1_893_553_400, "run_attempt": "1",
        "email_verified": true, "google": ["compute_engine": ["zone": "us-central1-a"]],
        "nothing": .null, "ratio": .number(0.5),
    ]

    /// A condition in either dialect, over fixed claims or those behind `%%`.
    private static func condition(_ bytes: [UInt8]) {
        let parts = pieces(bytes)
        let claims = parts.count > 1 ? answer { try JSON(parsing: parts[1]) } : nil
        for dialect in Dialect.allCases {
            guard let expression = answer({ try Expression(parsing: parts[0], dialect: dialect) })
            else { continue }
            _ = expression.evaluate(claims: claims ?? Self.claims).objections
            _ = expression.warnings(claims: claims ?? Self.claims)
        }
    }

    /// A regular expression, and behind `%%` a text.
    private static func pattern(_ bytes: [UInt8]) {
        let parts = pieces(bytes)
        let claims: JSON = [
            "p": .string(text(parts[0])), "t": .string(text(parts.last ?? [])),
        ]
        let source = Array("claims.t.matches(claims.p)".utf8)
        let expression = answer { try Expression(parsing: source, dialect: .conductorone) }
        _ = expression?.evaluate(claims: claims)
    }

    /// A trust file, and behind `%%` claims that it judges.
    private static func trust(_ bytes: [UInt8]) {
        let parts = pieces(bytes)
        let claims = answer { try JSON(parsing: parts.last ?? []) } ?? Self.claims
        for trust in answer({ try Trust.list(parsing: parts[0]) }) ?? [] {
            _ = trust.judge(claims: claims, now: presentDate)
        }
        for service in TrustingService.allCases { _ = Advice(for: service, claims: claims) }
    }
}
