import Federation
import Kernel
import Text

extension Refusal {
    /// What Keycloak's token endpoint refuses, as its source has it.
    static let keycloak = Vendor(
        isThere: { $0.tokenURL.url.contains("/realms/") },
        rules: keycloakAddress + keycloakClient + keycloakExchange
    )

    private static let keycloakAddress = [
        Rule("target resource method", "could not find resource", "resteasy") { refusal in
            let url = refusal.service.tokenURL.url
            let isOld = url.contains("/auth/realms/")
            let path =
                "\(isOld ? "" : "/auth")/realms/\(refusal.realm)/protocol/openid-connect/token"
            return
                "Keycloak has nothing at the path of tokenUrl: "
                + (isOld
                    ? "since version 17 there is no /auth before /realms: "
                    : "where it is behind a path of its own (/auth before version 17), that comes first: ")
                + "write \"tokenUrl\": \"\(refusal.service.tokenURL.origin.printable)\(path)\"; the token_endpoint of"
                + " \(refusal.service.tokenURL.origin.printable)\(isOld ? "" : "/auth")/realms/\(refusal.realm)"
                + "/.well-known/openid-configuration is the right one"
        },
        Rule("realm does not exist", "realm not found") { refusal in
            "this Keycloak has no realm \(refusal.realm), upper and lower case count: correct /realms/NAME in tokenUrl to a"
                + " realm of its admin console"
        },
        Rule("realm not enabled", "realm is disabled") { refusal in
            "the realm \(refusal.realm) is disabled: have it enabled (Realm settings > Enabled), or name another in tokenUrl"
        },
        Rule("https required") { refusal in
            "the realm \(refusal.realm) wants https (Realm settings > Require SSL): write https:// in tokenUrl; where a proxy"
                + " ends TLS, Keycloak must know it (--proxy-headers xforwarded)"
        },
    ]

    private static let keycloakClient = [
        Rule(
            "parameter client_assertion_type is missing",
            "client secret not provided",
            "client_secret"
        ) { refusal in
            "the client \(refusal.clientID) authenticates by a secret at Keycloak: set Credentials > Client Authenticator to"
                + " Signed JWT - Federated (or Signed JWT) for the issuer \(refusal.issuer), and write \"grant\":"
                + " \"client-credentials\""
        },
        Rule("client not enabled to retrieve service account") { refusal in
            "turn on Service account roles in the capability config of the client \(refusal.clientID) (Clients > Settings):"
                + " without it Keycloak gives it no token of its own"
        },
        Rule("standard token exchange is not enabled") { refusal in
            "turn on Standard token exchange in the capability config of the client \(refusal.clientID) (Clients > Settings)"
        },
        Rule(
            "invalid client or invalid client credentials",
            "invalid_client",
            "invalid client credentials",
            "client authentication"
        ) {
            refusal in
            "either the realm \(refusal.realm) has no client \(refusal.clientID) (Clients > Client ID; correct clientId), or its"
                + " Credentials do not fit the token: Signed JWT - Federated, the identity provider of the issuer"
                + " \(refusal.issuer), and the Federated subject \(refusal.subject)"
        },
        Rule("client not enabled", "client disabled", "client is not enabled") { refusal in
            "the client \(refusal.clientID) is disabled in the realm \(refusal.realm): enable it (the switch on its page), or"
                + " write another clientId"
        },
    ]

    private static let keycloakExchange = [
        Rule(
            "client not allowed to exchange",
            "client is not within the token audience",
            "not within the token audience"
        ) {
            refusal in
            "Keycloak exchanges a token only for a client that is in its aud: \(refusal.clientID) must be among the token's"
                + " audiences, which are \(refusal.audiences); or, in the older exchange, the permission token-exchange must"
                + " be given to the client on the identity provider or the target client"
        },
        Rule("audience not found", "requested audience not available", "requested audience") {
            refusal in
            "audience must be the Client ID of a client in the realm \(refusal.realm) to which \(refusal.clientID) has roles or"
                + " an audience mapper; sent was \(refusal.service.audiences.first?.printable ?? "none")"
        },
        Rule("invalid scope") { refusal in
            "the client \(refusal.clientID) has not each of these as a client scope (Clients > Client scopes), default or"
                + " optional: \(refusal.service.scopes.joined(separator: " ").printable); take it out of scopes, or add it there"
        },
        Rule(
            "invalid_issuer",
            "subject_issuer",
            "issuer not",
            "not a valid issuer",
            "unknown issuer"
        ) { refusal in
            "the realm \(refusal.realm) needs an identity provider whose issuer is exactly \(refusal.issuer) (Identity"
                + " providers); write its alias as parameters.subject_issuer where the exchange asks for it"
        },
        Rule("unsupported_grant_type", "feature not enabled", "feature token exchange") { refusal in
            "this Keycloak does not take the grant \(refusal.service.grant.rawValue): since version 26.2 the standard token"
                + " exchange is on by default, before that it is the preview feature token-exchange (--features="
                + "token-exchange,admin-fine-grained-authz); for tokens of other issuers write \"grant\":"
                + " \"client-credentials\" with a client of Signed JWT - Federated"
        },
        Rule("user disabled", "account disabled", "account is not fully set up") { _ in
            "the user that the token stands for is disabled or has required actions in Keycloak: enable it, and clear its"
                + " required actions (Users)"
        },
        Rule("token audience", "invalid token audience", "audience") { refusal in
            "Keycloak wants the realm's own issuer as aud, \(refusal.service.tokenURL.origin.printable)/realms/\(refusal.realm),"
                + " and the token has \(refusal.audiences): write that URL as tokenAudience"
        },
        Rule("invalid token", "invalid_token", "signature") { refusal in
            "Keycloak did not take the token: it must be able to fetch the keys of \(refusal.issuer) (the JWKS URL of the"
                + " identity provider), and the token must be of a kind that the exchange takes (for the standard exchange an"
                + " access token of this realm's own)"
        },
    ]

    private var realm: String {
        guard let mark = service.tokenURL.url.firstRange(of: "/realms/") else { return "REALM" }
        return String(service.tokenURL.url[mark.upperBound...].prefix { $0 != "/" }).printable
    }
}
