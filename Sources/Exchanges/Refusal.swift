internal import Federation
internal import Platform

/// A refusal held against the services' own lists of what goes wrong, and answered with what to change.
struct Refusal {
    let answer: Answer
    let service: TokenExchangeService
    let claims: TokenClaims?

    /// What to change; `nil` where the answer fits nothing known.
    var hint: String? {
        let words = answer.words
        let isFitting = { (rule: Rule) in rule.words.contains { words.contains($0) } }
        return (Self.rules(of: service.preset) + Self.common).first(where: isFitting)?.advice(self)
    }

    /// Words of which one must be in the answer, all in lower case, and the advice then.
    private struct Rule: Sendable {
        let words: [String]
        let advice: @Sendable (Refusal) -> String

        init(_ words: String..., advice: @escaping @Sendable (Refusal) -> String) {
            self.words = words
            self.advice = advice
        }
    }

    private static func rules(of preset: TokenExchangeService.Preset) -> [Rule] {
        switch preset {
        case .conductorone: conductorOne
        case .bright: bright
        case .oauth: google
        }
    }

    // MARK: The services' lists

    private static let conductorOne = [
        Rule("client") { refusal in
            "clientId must be that of the federation trust: \(refusal.clientID)"
        },
        Rule("audience", "aud ") { refusal in
            "the token's aud must contain the tenant's domain \(refusal.service.wantedAudience):"
                + " is tokenAudience something else, or does the source give tokens for another?"
        },
        Rule("iat", "issued at", "issued-at", "too old", "10 minutes", "fresh") { _ in
            "only tokens issued within the last 600 s are taken: use a source that gives a new one"
                + " each time, and check this machine's clock"
        },
        Rule("expression", "condition", "cel", "claims") { refusal in
            "compare the claims with the trust's CEL expression (Settings > Workload Federation >"
                + " Test CEL); sub is \(refusal.subject)"
        },
        Rule("ip ", "ip address", "allowlist", "allow list") { _ in
            "the trust restricts addresses; is this machine's among them?"
        },
    ]

    private static let bright = [
        Rule("ambig", "multiple", "more than one", "several") { refusal in
            let how =
                refusal.service.resources.isEmpty
                ? "set projectId, so that the request names the project; and narrow"
                : "the resource is \(refusal.service.resources[0].printable); narrow"
            return "\(how) the credentials in Bright so that one alone fits this workload"
        },
        Rule("resource", "project", "invalid_target") { refusal in
            "is projectId right? the resource sent is"
                + " \(refusal.service.resources.first?.printable ?? "none")"
        },
        Rule("match", "configuration", "credential", "invalid_grant", "unauthorized") { refusal in
            "compare with the project's Federated Credentials in Bright: iss must be equal"
                + " (\(refusal.issuer)), one aud must be allowed (\(refusal.audiences)), and the"
                + " claims must fit\(refusal.platformAdvice)"
        },
    ]

    private static let google = [
        Rule("invalid value for \"audience\"", "invalid value for audience") { _ in
            "audience must be the provider's full resource name:"
                + " //iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/"
                + "POOL/providers/PROVIDER"
        },
        Rule("attribute condition", "unauthorized_client") { refusal in
            "the provider's attribute condition rejects the token; sub is \(refusal.subject)"
        },
        Rule("invalid_target") { _ in
            "the target does not exist, is disabled, or is named wrongly (with Google: project"
                + " number, pool, provider); a change takes minutes"
        },
    ]

    /// What holds for every service, the most telling words first.
    private static let common = [
        Rule("signature", "jwks", "signing key", "public key", "kid") { refusal in
            "the service must be able to fetch the issuer's keys: is"
                + " \(refusal.issuer)/.well-known/openid-configuration public?"
        },
        Rule("expired", "stale") { _ in
            "use a source that gives a new token each time, and check this machine's clock"
        },
        Rule("audience", " aud ", "\"aud\"") { refusal in
            "the token's aud is \(refusal.audiences): set tokenAudience to what the service allows"
        },
        Rule("issuer", " iss ", "\"iss\"") { refusal in
            "the service must trust exactly this issuer, to the last slash: \(refusal.issuer)"
        },
        Rule("lifetime", "24 hours") { _ in "the token lives longer than the service takes" },
        Rule("subject", "condition", "claim", "policy", "match") { refusal in
            "compare the claims with what the service trusts; sub is \(refusal.subject)"
        },
        Rule("invalid_client", "client") { refusal in
            "the service does not know the client: \(refusal.clientID)"
        },
        Rule("unsupported_grant_type") { _ in
            "the endpoint has no token exchange (RFC 8693): is tokenUrl right?"
        },
        Rule("invalid_scope", "scope") { refusal in
            "are these scopes allowed? \(refusal.service.scopes.joined(separator: " ").printable)"
        },
        Rule("subject_token_type", "token type") { refusal in
            "is subjectTokenType right? \(refusal.service.subjectTokenType.printable) was sent"
        },
        Rule("invalid_grant", "invalid_request", "unauthorized", "permission") { _ in
            "compare issuer, audience and subject of the token with what the service trusts"
        },
    ]

    // MARK: What is known of the token

    private var issuer: String { claims?.issuer?.printable ?? "none" }
    private var subject: String { claims?.subject?.printable ?? "none" }
    private var clientID: String { service.clientID?.printable ?? "none was sent" }

    private var audiences: String {
        let audiences = claims?.audiences.joined(separator: " ").printable ?? ""
        return audiences.isEmpty ? "none" : audiences
    }

    /// What the platform of the token's issuer needs for a token that fits.
    private var platformAdvice: String {
        guard let claims, let advice = TokenFacts.of(claims.all).advice else { return "" }
        return "; \(advice)"
    }
}
