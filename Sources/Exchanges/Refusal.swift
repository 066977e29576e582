import Federation
import Kernel
import Text

/// A refusal held against the services' own lists of what goes wrong, and answered with what to change.
struct Refusal {
    let answer: Answer
    let service: TokenExchangeService
    let claims: TokenClaims?

    /// What to change; `nil` where the answer fits nothing known.
    var hint: String? {
        let words = answer.words
        let isFitting = { (rule: Rule) in rule.words.contains { words.contains($0) } }
        return (Self.rules(of: service.name) + Self.common).first(where: isFitting)?.advice(self)
    }

    /// Words of which one must be in the answer, all in lower case, and the advice then.
    struct Rule: Sendable {
        let words: [String]
        let advice: @Sendable (Refusal) -> String

        init(_ words: String..., advice: @escaping @Sendable (Refusal) -> String) {
            self.words = words
            self.advice = advice
        }
    }

    /// The services' own lists of what goes wrong.
    private static func rules(of service: ServiceName) -> [Rule] {
        switch service {
        case .mondoo, .aws, .token: []
        case .conductorone: conductorOne
        case .bright: bright
        case .google: google
        case .oauth: entra + google
        }
    }

    /// What holds for every service, the most telling words first.
    private static let common = [
        Rule("unsupported_grant_type") { refusal in
            "the endpoint does not take the grant \(refusal.service.grant.rawValue): is tokenUrl right,"
                + " and grant?"
        },
        Rule("signature", "jwks", "signing key", "public key", "kid") { refusal in
            "the service must be able to fetch the issuer's keys: is"
                + " \(refusal.issuer)/.well-known/openid-configuration public?"
        },
        Rule("subject_token_type", "token type") { refusal in
            "subjectTokenType \(refusal.service.subjectTokenType.printable) was sent: write one that"
                + " the service takes, such as urn:ietf:params:oauth:token-type:jwt"
        },
        Rule("expired", "stale") { _ in
            "use a source that gives a new token each time, and check this machine's clock"
        },
        Rule("audience", " aud ", "\"aud\"") { refusal in
            "the token's aud is \(refusal.audiences): set tokenAudience to what the service allows"
        },
        Rule("issuer", " iss ", "\"iss\"") { refusal in
            "the service must trust exactly this issuer, the slash at the end included: \(refusal.issuer)"
        },
        Rule("lifetime", "24 hours") { _ in "the token lives longer than the service takes" },
        Rule("subject", "condition", "claim", "policy", "match") { refusal in
            "compare the claims with what the service trusts; sub is \(refusal.subject)"
        },
        Rule("invalid_client", "client") { refusal in
            "set clientId to a client that the service knows: \(refusal.clientID)"
        },
        Rule("invalid_scope", "scope") { refusal in
            "are these scopes allowed? \(refusal.service.scopes.joined(separator: " ").printable)"
        },
        Rule("invalid_grant", "invalid_request", "unauthorized", "permission") { _ in
            "compare issuer, audience and subject of the token with what the service trusts"
        },
    ]

    // MARK: What is known of the token

    var issuer: String { claims?.issuer?.printable ?? "none" }
    var subject: String { claims?.subject?.printable ?? "none" }
    var clientID: String { service.clientID?.printable ?? "none was sent" }

    var audiences: String {
        let audiences = claims?.audiences.joined(separator: " ").printable ?? ""
        return audiences.isEmpty ? "none" : audiences
    }

    /// What the platform of the token's issuer needs for a token that fits.
    var platformAdvice: String {
        guard let claims, let advice = TokenFacts.of(claims.all).advice else { return "" }
        return "; \(advice)\(subjectNote)"
    }

    /// What GitHub's form of the subject may have to do with it.
    var subjectNote: String {
        claims.flatMap { GitHubSubject.refusalNote($0.all) }.map { "; \($0)" } ?? ""
    }
}
