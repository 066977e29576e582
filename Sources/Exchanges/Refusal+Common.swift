import Federation
import Kernel
import Text

extension Refusal {
    /// What holds for every service, the most telling words first.
    static let common = formRules + clientRules + tokenRules + lastRules

    /// Codes of failures that pass. RFC 6749 section 4.1.2.1, which token endpoints use as well.
    static let passing = [
        Rule("slow_down", "too_many_requests", "rate limit", "throttl") { _ in rateHint },
        Rule("temporarily_unavailable") { refusal in
            "\(refusal.place) says that it is overloaded or in maintenance: nothing is to be changed here, the agent tries"
                + " again by itself; if it lasts, ask whoever runs \(refusal.place)"
        },
        Rule("server_error") { refusal in
            "\(refusal.place) failed by itself: the agent tries again; if it lasts, give whoever runs \(refusal.place) the"
                + " time of the request, for its log"
        },
    ]

    /// The service's host.
    var place: String { service.tokenURL.host.printable }

    // MARK: How the request was made

    private static let formRules = [
        Rule("missing form parameter", "content-type", "content type", "urlencoded") { refusal in
            refusal.service.format == .json
                ? "the request was sent as JSON, and the service reads forms: remove requestFormat from the account file, or"
                    + " write \"requestFormat\": \"form\"" : nil
        },
        Rule(
            "invalid character",
            "parse json",
            "parse the json",
            "parsing json",
            "invalid json",
            "malformed json",
            "unexpected token",
            "application/json",
            "content-type",
            "content type"
        ) { refusal in
            refusal.service.format == .form
                ? "the request was sent as a form, and the service reads JSON: write \"requestFormat\": \"json\" in the"
                    + " account file" : nil
        },
        Rule("grant_type") { refusal in
            refusal.answer.words.contains("missing") && refusal.service.format == .json
                ? "the service found no grant_type in the JSON that was sent, as one that reads forms alone does: remove"
                    + " requestFormat from the account file, or write \"requestFormat\": \"form\""
                : nil
        },
        Rule("missing", "required", "must be provided", "must contain", "not provided") {
            refusal in
            let words = refusal.answer.words
            let isOfRequest = ["parameter", "field", "must be provided"].contains(
                where: words.contains
            )
            return isOfRequest && !words.contains("claim") ? refusal.missingHint : nil
        },
        Rule("unsupported_grant_type") { refusal in
            "the server does not take the grant \(refusal.service.grant.rawValue), or not from this client: enable it"
                + " there (for Keycloak and others a switch of the server and of the client), or write in grant one"
                + " that grant_types_supported in"
                + " \(refusal.service.tokenURL.origin.printable)/.well-known/openid-configuration lists"
        },
        Rule("dpop") { refusal in
            "\(refusal.place) demands a proof of possession (DPoP) of this client, which is not supported here: turn it off"
                + " for the client there (require DPoP), or use a client without it"
        },
        Rule("client certificate", "mtls", "mutual tls", "tls_client_auth") { refusal in
            "\(refusal.place) demands a certificate of the client (mutual TLS), which is not supported here: have the client"
                + " set up there to authenticate by a token (private_key_jwt, federated), or as a public one"
        },
        Rule("subject_token_type", "token type", "token_type") { refusal in
            "subjectTokenType \(refusal.service.subjectTokenType.printable) was sent: write one that"
                + " the service takes, such as urn:ietf:params:oauth:token-type:\(refusal.otherTokenType)"
        },
    ]

    private var otherTokenType: String {
        service.subjectTokenType.hasSuffix(":jwt") ? "id_token" : "jwt"
    }

    /// Names of parameters that services ask for, the longer before those that are a part of them.
    private static let parameters = [
        "subject_token_type", "requested_token_type", "actor_token", "client_assertion_type",
        "client_assertion", "client_id", "grant_type", "audience", "resource", "scope", "role",
        "identity", "organization_id", "federation_rule_id", "service_account_id",
        "subject_issuer", "namespace", "project", "tenant", "account",
    ]

    /// What to write for a parameter that the service misses.
    private var missingHint: String {
        let words = answer.words
        if words.contains("client_secret") || words.contains("client secret") {
            return secretHint
        }
        guard let name = Self.parameters.first(where: words.contains) else {
            return
                "add what the service asks for: as a key of the account file where it has one, else to"
                + " parameters; sent were \(sent)"
        }
        let key = Self.key(for: name)
        if key == "grant", service.format == .json {
            return
                "remove requestFormat from the account file, or write \"requestFormat\": \"form\""
        }
        let isClaim = key == "audience" && service.audiences.isEmpty == false
        if isClaim {
            return "the token's aud is \(audiences): set tokenAudience to what the service allows"
        }
        return
            "the service wants \(name), which was not sent: add \"\(key)\" to the account file, with the value that"
            + " \(place) has for it; sent were \(sent)"
    }

    private var secretHint: String {
        "\(place) wants a secret of the client, and wif-agent uses none: have the client \(clientID) set up there to"
            + " authenticate by a signed token of \(issuer) (JWT, private_key_jwt, federated credential), and write the grant"
            + " that goes with it (client-credentials or jwt-bearer)"
    }

    // MARK: Who asks

    private static let clientRules = [
        Rule("role could not be found", "role not found", "no such role", "unknown role") {
            refusal in
            let role = refusal.parameter("role")
            return role.map { "the service has no role \($0): correct parameters.role" }
                ?? "name a role that the service has in parameters.role"
        },
        Rule("client_secret", "client secret") { $0.secretHint },
        Rule("consent") { refusal in
            "an administrator of \(refusal.place) must consent to what the client \(refusal.clientID) asks for (scopes"
                + " \(refusal.service.scopes.joined(separator: " ").printable)), or the scope must be taken out of scopes"
        },
        Rule(
            "ip address",
            "ip_address",
            "source address",
            "allowlist",
            "whitelist",
            "allow list",
            "network policy",
            "ip range",
            "not allowed from"
        ) { refusal in
            "\(refusal.place) takes requests from certain addresses alone: have the address of this machine added there (the"
                + " one by which it reaches the internet: curl https://checkip.amazonaws.com, by the same proxy), or run the"
                + " account where the address is allowed"
        },
        Rule("license", "subscription", "billing", "payment", "plan does not", "upgrade your") {
            refusal in
            "\(refusal.place) does not give this with the organization's plan or billing: whoever administers the"
                + " organization there must change that; nothing is to be changed in the account file"
        },
        Rule("disabled", "suspended", "deactivated", "not enabled", "inactive", "locked") {
            refusal in
            "it is switched off at the service: have it enabled there, or name another one; sent were"
                + " \(refusal.sent)"
        },
    ]

    // MARK: The token

    private static let tokenRules = [
        Rule("already used", "already been used", "replay", "jti", "reused") { _ in
            "the service takes each token once: use a source that makes a new one each time (a platform's provider rather"
                + " than a variable or a file that stays the same), and one account for each token"
        },
        Rule("algorithm", "unsupported alg", "alg ") { refusal in
            "the token is signed with \(refusal.claims?.header["alg"]?.string?.printable ?? "none"), which the service does"
                + " not take: have the issuer sign with RS256, or allow the algorithm at the service"
        },
        Rule("signature", "jwks", "signing key", "public key", "kid", "certificate") { refusal in
            IssuerPlace(refusal.claims?.issuer ?? "").advice(for: refusal.service.name.facts.title)
        },
        Rule("not yet valid", "in the future", "clock") { _ in
            "synchronise this machine's clock (timedatectl, chronyc tracking)"
        },
        Rule("expired", "stale", "too old") { _ in
            "use a source that gives a new token each time, and check this machine's clock"
        },
        Rule("audience", " aud ", "\"aud\"", "'aud'") { $0.audienceHint },
        Rule("issuer", " iss ", "\"iss\"", "'iss'") { refusal in
            "the service must trust exactly this issuer, the slash at the end included: \(refusal.issuer)"
        },
        Rule("lifetime", "24 hours") { _ in "the token lives longer than the service takes" },
        Rule("subject", "condition", "claim", "policy", "match") { refusal in
            "compare the claims with what the service trusts; sub is"
                + " \(refusal.subject)\(refusal.subjectNote)"
        },
    ]

    /// What to do about an audience that the service does not take.
    private var audienceHint: String {
        let wanted = toldAudience ?? (asked.isEmpty ? nil : asked.printable)
        let isAsked = claims?.audiences.contains(asked) ?? false
        if let wanted, let claims, !claims.audiences.contains(wanted), !isAsked || wanted != asked {
            let how =
                claims.clusterHint(for: wanted)
                ?? (isAsked
                    ? "write \"\(service.audiences.first == asked ? "audience" : "tokenAudience")\": \"\(wanted)\""
                    : TokenFacts.of(claims.all).audienceAdvice?
                        .replacing("AUDIENCE", with: wanted)
                        ?? "have the source make the token for \(wanted)")
            return
                "the token was made for \(audiences), and the service wants \(wanted): \(how); or have \(audiences) allowed"
                + " at the service"
        }
        return
            "the token's aud is \(audiences): set tokenAudience to what the service allows, or have that one allowed there"
    }

    /// The audience that the service names as the one it wants.
    private var toldAudience: String? {
        for phrase in [
            "expected audience", "expects audience", "expected aud", "should be", "is not",
            "expected",
        ] {
            if let value = told(after: phrase), value.count > 3, value.contains(".") {
                return value
            }
        }
        return nil
    }

    // MARK: Codes alone

    private static let lastRules = [
        Rule("invalid_client", "client") { refusal in
            if refusal.service.clientID == nil {
                return
                    "no clientId was sent: the service must know a client for the issuer \(refusal.issuer) and"
                    + " the subject \(refusal.subject), set up for signed tokens; or write its clientId"
            }
            return
                "set clientId to a client that the service knows: \(refusal.clientID) was sent; and there the client must"
                + " be set up for signed tokens of \(refusal.issuer)"
        },
        Rule("invalid_scope", "scope") { refusal in
            if refusal.service.scopes.contains(where: { $0.contains(",") }) {
                return
                    "write scopes as an array, [\"one\", \"two\"], or with spaces between them, without commas"
            }
            return
                "write scopes that the service allows this client, or allow them there; sent were"
                + " \(refusal.service.scopes.isEmpty ? "none" : refusal.service.scopes.joined(separator: " ").printable)"
        },
        Rule("missing", "required") { $0.missingHint },
        Rule("not found", "unknown", "does not exist", "no such") { refusal in
            "what the request names is not known there: compare what is sent with the service's own page:"
                + " \(refusal.sent)"
        },
        Rule("invalid_target", "target") { refusal in
            "audience or resource names a target that does not exist or is disabled: audience"
                + " \(refusal.service.audiences.first?.printable ?? "none"), resource"
                + " \(refusal.service.resources.first?.printable ?? "none")"
        },
        Rule(
            "invalid_grant",
            "invalid_request",
            "unauthorized",
            "permission",
            "denied",
            "forbidden"
        ) { refusal in
            "compare issuer, audience and subject of the token with what the service trusts, letter by letter:"
                + " \(refusal.issuer), \(refusal.audiences), \(refusal.subject); whoever runs \(refusal.place) can see the"
                + " reason in its log"
        },
    ]
}
