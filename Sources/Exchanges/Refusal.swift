import Federation
import Kernel
import Text

/// A refusal held against the services' own lists of what goes wrong, and answered with what to change.
struct Refusal {
    let answer: Answer
    let service: TokenExchangeService
    let claims: TokenClaims?
    /// The audience that the account file asks for; empty where it asks for none.
    var asked = ""

    /// What to change; `nil` where the answer fits nothing known.
    var hint: String? {
        if let hint = limitHint { return hint }
        let words = answer.words
        let isFitting = { (rule: Rule) in rule.words.contains { words.contains($0) } }
        if let rule = Self.rules(of: service.name).first(where: isFitting) {
            return rule.advice(self)
        }
        let advice = Self.common.first(where: isFitting)?.advice(self)
        if words.contains("scope") { return advice }
        guard let named = namedValue else { return advice }
        let further = advice.map { "; \($0)" } ?? ""
        return
            "the service names \(named.value.printable), which is \(named.key) in the account file: is that"
            + " right, and known to the service?\(further)"
    }

    /// What to do where the service gives no more for now; `nil` where it says no such thing.
    var limitHint: String? {
        let words = answer.words
        let isLimit = ["maximum", "quota", "limit reached", "limit exceeded", "reached the limit"]
            .contains { words.contains($0) }
        guard isLimit, !words.contains("lifetime"), !words.contains("duration") else { return nil }
        return "the service holds as many credentials as it allows: revoke those that nobody needs"
            + " (wif-agent revoke, or at the service), or wait until they expire"
    }

    /// A value of the account file that the service repeats in its answer.
    private var namedValue: (key: String, value: String)? {
        var values = service.parameters.map { ("parameters.\($0.name)", $0.value) }
        values += service.scopes.map { ("scopes", $0) }
        values +=
            service.resources.map { ("resource", $0) } + service.audiences.map { ("audience", $0) }
        if let client = service.clientID { values.append(("clientId", client)) }
        let words = answer.words
        return values.first { $0.1.count > 2 && words.contains($0.1.lowercased()) }
            .map { (key: $0.0, value: $0.1) }
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
            "the server does not take the grant \(refusal.service.grant.rawValue), or not from this client: enable it"
                + " there (for Keycloak and others a switch of the server and of the client), or write in grant one"
                + " that grant_types_supported in"
                + " \(refusal.service.tokenURL.origin.printable)/.well-known/openid-configuration lists; and is"
                + " tokenUrl right?"
        },
        Rule("role could not be found", "role not found", "no such role", "unknown role") {
            refusal in
            let role = refusal.service.parameters.first { $0.name == "role" }?.value
            return role.map { "the service has no role \($0.printable): correct parameters.role" }
                ?? "name a role that the service has in parameters.role"
        },
        Rule("signature", "jwks", "signing key", "public key", "kid") { refusal in
            IssuerPlace(refusal.claims?.issuer ?? "").advice(for: refusal.service.name.facts.title)
        },
        Rule("subject_token_type", "token type") { refusal in
            "subjectTokenType \(refusal.service.subjectTokenType.printable) was sent: write one that"
                + " the service takes, such as urn:ietf:params:oauth:token-type:jwt"
        },
        Rule("disabled", "suspended", "deactivated", "not enabled", "inactive") { _ in
            "it is switched off at the service: have it enabled there, or name another one"
        },
        Rule("not yet valid", "in the future", "clock") { _ in
            "synchronise this machine's clock (timedatectl, chronyc tracking)"
        },
        Rule("expired", "stale", "too old") { _ in
            "use a source that gives a new token each time, and check this machine's clock"
        },
        Rule("audience", " aud ", "\"aud\"") { refusal in
            refusal.audienceHint
        },
        Rule("issuer", " iss ", "\"iss\"") { refusal in
            "the service must trust exactly this issuer, the slash at the end included: \(refusal.issuer)"
        },
        Rule("lifetime", "24 hours") { _ in "the token lives longer than the service takes" },
        Rule("subject", "condition", "claim", "policy", "match") { refusal in
            "compare the claims with what the service trusts; sub is"
                + " \(refusal.subject)\(refusal.subjectNote)"
        },
        Rule("invalid_client", "client") { refusal in
            if refusal.service.clientID == nil {
                return
                    "no clientId was sent: the service must know a client for the issuer \(refusal.issuer) and"
                    + " the subject \(refusal.subject), set up for signed tokens; or write its clientId"
            }
            return "set clientId to a client that the service knows: \(refusal.clientID)"
        },
        Rule("invalid_scope", "scope") { refusal in
            refusal.service.scopes.contains { $0.contains(",") }
                ? "write scopes as an array, [\"one\", \"two\"], or with spaces between them, without commas"
                : "write scopes that the service allows this client; sent were"
                    + " \(refusal.service.scopes.joined(separator: " ").printable)"
        },
        Rule("not found", "unknown", "does not exist", "no such") { refusal in
            "what the request names is not known there: compare what is sent with the service's own page:"
                + " \(refusal.sent)"
        },
        Rule("missing", "required") { _ in
            "add what the service asks for: as a key of the account file where it has one, else to"
                + " parameters"
        },
        Rule("invalid_grant", "invalid_request", "unauthorized", "permission", "denied") {
            refusal in
            "compare issuer, audience and subject of the token with what the service trusts, letter by letter:"
                + " \(refusal.issuer), \(refusal.audiences), \(refusal.subject)"
        },
    ]

    /// What to do where the service does not allow the token's audience.
    private var audienceHint: String {
        let isAsked = !asked.isEmpty && claims?.audiences.contains(asked) == true
        if let vault {
            return
                "the token's aud is \(audiences), which is not among bound_audiences of Vault's role \(vault.role):"
                + " write one of these in tokenAudience (vault read auth/\(vault.mount)/role/\(vault.role) shows them), or add"
                + " \(audiences) to them"
        }
        if !isAsked, let claims, let advice = TokenFacts.of(claims.all).audienceAdvice {
            return "the token's aud is \(audiences), which the service does not allow: "
                + advice.replacing("AUDIENCE", with: "an audience that it allows")
        }
        return
            "the token's aud is \(audiences), which the service does not allow: write in tokenAudience the audience that"
            + " its settings have for this client or identity provider, or add \(audiences) there"
    }

    /// The mount and the role, where the token endpoint is Vault's login.
    private var vault: (mount: String, role: String)? {
        let path = service.tokenURL.url
        guard let start = path.firstRange(of: "/auth/"), path.hasSuffix("/login"),
            let role = service.parameters.first(where: { $0.name == "role" })?.value
        else { return nil }
        let mount = path[start.upperBound...].dropLast("/login".count)
        return (String(mount).printable, role.printable)
    }

    /// What the account file had sent, key by key.
    private var sent: String {
        var parts = service.parameters.map { "parameters.\($0.name) \($0.value.printable)" }
        if let client = service.clientID { parts.append("clientId \(client.printable)") }
        if let audience = service.audiences.first { parts.append("audience \(audience.printable)") }
        if let resource = service.resources.first { parts.append("resource \(resource.printable)") }
        if !service.scopes.isEmpty {
            parts.append("scopes \(service.scopes.joined(separator: " ").printable)")
        }
        return parts.isEmpty ? "the token alone" : parts.joined(separator: ", ")
    }

    // MARK: What is known of the token

    var issuer: String { claims?.issuer?.printable ?? "none" }
    var subject: String { claims?.subject?.printable ?? "none" }
    var clientID: String { service.clientID?.printable ?? "none was sent" }

    var audiences: String {
        let audiences = claims?.audiences.joined(separator: " ").printable ?? ""
        return audiences.isEmpty ? "none" : audiences
    }

    /// The same without what is to be said of the subject.
    var platformFact: String {
        claims.flatMap { TokenFacts.of($0.all).advice }.map { "; \($0)" } ?? ""
    }

    /// What the platform of the token's issuer needs for a token that fits.
    var platformAdvice: String {
        guard let claims, let advice = TokenFacts.of(claims.all).advice else { return "" }
        return "; \(advice)\(subjectNote)"
    }

    /// What the subject's form may have to do with it.
    var subjectNote: String { claims?.subjectNote.map { "; \($0)" } ?? "" }
}
