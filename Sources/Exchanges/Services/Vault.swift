import Federation
import Kernel
import Text

extension Refusal {
    /// What HashiCorp Vault and OpenBao answer to the login of their JWT method. Their errors are texts; the
    /// states of the server have statuses of their own. "JWT/OIDC auth method", "HTTP API: /sys/health"
    static let vault = Vendor(
        isThere: { service in
            service.tokenURL.url.contains("/v1/auth/")
                || (service.grant == .login && service.tokenURL.url.contains("/auth/"))
        },
        rules: vaultStates + vaultRequests + vaultTokens
    )

    private static let vaultStates = [
        Rule("vault is sealed", "is sealed") { _ in
            "Vault is sealed, as after each restart without auto-unseal: its operators must unseal it (vault operator"
                + " unseal on each node, until vault status says Sealed false). Nothing is to be changed here: the agent"
                + " tries again by itself"
        },
        Rule("not initialized", "not yet initialized") { refusal in
            "this Vault is new and was never initialized: its operators must run vault operator init and unseal it; or"
                + " tokenUrl, \(refusal.url), names another server than the one that is meant"
        },
        Rule("standby", "active cluster node not found", "not active") { refusal in
            "the node that answers at \(refusal.place) is a standby that finds no active one: write the active node's or the"
                + " balancer's address in tokenUrl, or have Vault's operators bring the cluster to a leader (vault operator"
                + " raft list-peers); the agent tries again by itself"
        },
        Rule("index state not present") { _ in
            "this node of Vault is behind the cluster: the agent tries again by itself, nothing is to be changed"
        },
        Rule("rate limit quota", "request rate limit") { refusal in
            "a rate limit quota of Vault is used up (vault read sys/quotas/rate-limit/NAME): ask less often, by one agent in"
                + " place of many exchanges, or have its operators raise the quota for auth/\(refusal.mount)/login; the"
                + " agent waits and tries again"
        },
        Rule("lease count quota") { refusal in
            "Vault's lease count quota is used up: revoke old tokens (vault token revoke -mode=path auth/\(refusal.mount)),"
                + " have token_ttl of the role shortened, or the quota raised (vault read sys/quotas/lease-count/NAME)"
        },
    ]

    private static let vaultRequests = [
        Rule("no handler for route", "unsupported path", "route entry not found") { refusal in
            "nothing is mounted at auth/\(refusal.mount) of this Vault: correct the mount in tokenUrl,"
                + " /v1/auth/MOUNT/login, to the one that vault auth list shows for type jwt (in a namespace"
                + " /v1/NAMESPACE/auth/MOUNT/login), or enable it there: vault auth enable -path=\(refusal.mount) jwt"
        },
        Rule("unsupported operation") { refusal in
            "\(refusal.url) is no login path of the JWT method, which ends in /login: write"
                + " \(refusal.service.tokenURL.origin.printable)/v1/auth/\(refusal.mount)/login in tokenUrl"
        },
        Rule("failed to parse json", "error parsing json", "invalid character") { _ in
            "Vault reads JSON alone: remove requestFormat from the account file, or write \"requestFormat\": \"json\""
        },
        Rule("missing role", "missing \"role\"") { _ in
            "the request names no role, and the auth method has no default_role: write \"parameters\": {\"role\": \"NAME\"},"
                + " a role that vault list auth/MOUNT/role shows"
        },
        Rule("could not be found", "invalid role name", "unknown role") { refusal in
            "Vault's auth/\(refusal.mount) has no role \(refusal.role): correct parameters.role to one that vault list"
                + " auth/\(refusal.mount)/role prints, or create it there"
        },
        Rule("role_type is not allowed", "role_type") { refusal in
            "the role \(refusal.role) is for people's logins (role_type oidc): have it changed, vault write"
                + " auth/\(refusal.mount)/role/\(refusal.role) role_type=jwt ..., or name another in parameters.role"
        },
        Rule("missing token", "missing jwt", "missing \"jwt\"") { _ in
            "Vault looks for the token in the member jwt: remove tokenName from the account file"
        },
        Rule("could not load configuration", "no configuration", "backend not configured") {
            refusal in
            "the auth method auth/\(refusal.mount) is mounted and not configured: its operators must name the issuer, vault"
                + " write auth/\(refusal.mount)/config oidc_discovery_url=\(refusal.issuer)"
        },
        Rule("namespace") { refusal in
            "the namespace in tokenUrl, \(refusal.url), is not one of this Vault's: correct it"
                + " (/v1/NAMESPACE/auth/\(refusal.mount)/login; vault namespace list), or leave it out"
        },
        Rule("cidr", "source address") { refusal in
            "the role \(refusal.role) takes requests from certain addresses alone (token_bound_cidrs): have this machine's"
                + " added, vault write auth/\(refusal.mount)/role/\(refusal.role) token_bound_cidrs=..."
        },
    ]

    private static let vaultTokens = [
        Rule("audience claim found in jwt but no audiences") { refusal in
            "the role \(refusal.role) allows no audience: have bound_audiences set to the token's aud, vault write"
                + " auth/\(refusal.mount)/role/\(refusal.role) bound_audiences=\(refusal.audiences)"
        },
        Rule("aud claim", "(aud)", "audience") { refusal in
            refusal.vaultAudienceHint
        },
        Rule("sub claim", "(sub)", "bound subject") { refusal in
            "the token's sub is \(refusal.subject), and the role's bound_subject is another: correct it, vault write"
                + " auth/\(refusal.mount)/role/\(refusal.role) bound_subject=\(refusal.subject)\(refusal.subjectNote)"
        },
        Rule("(iss)", "iss claim", "issuer", "different provider") { refusal in
            "the token's iss is \(refusal.issuer), and auth/\(refusal.mount) is for another issuer: have bound_issuer (and"
                + " oidc_discovery_url) of vault read auth/\(refusal.mount)/config set to it, the slash at the end"
                + " included, or write another mount in tokenUrl"
        },
        Rule("does not match any associated bound claim", "bound claim", "associated bound") {
            refusal in
            let claim = refusal.told(after: "claim \"")
            let value = claim.flatMap { refusal.value(ofClaim: $0) }
            let name = claim ?? "CLAIM"
            return
                "the role \(refusal.role) wants another value of the claim \(name); the token has"
                + " \(value ?? "none"): correct bound_claims (vault read auth/\(refusal.mount)/role/\(refusal.role)), with"
                + " bound_claims_type=glob where it has a *; or name another role in parameters.role"
        },
        Rule("not found in token", "claim not found", "is missing") { refusal in
            let names = (refusal.claims?.all.object ?? [:]).keys.sorted().joined(separator: ", ")
            return
                "the role \(refusal.role) reads a claim that the token lacks, \(refusal.told(after: "\"") ?? "see above"):"
                + " have user_claim (usually sub), groups_claim or bound_claims of vault read"
                + " auth/\(refusal.mount)/role/\(refusal.role) name one that it has: \(names.printable)"
        },
        Rule("signature", "no known key", "key set", "fetch keys", "fetching keys", "jwks") {
            refusal in
            "Vault has not the key with which the token is signed: where auth/\(refusal.mount)/config has static keys"
                + " (jwt_validation_pubkeys), put in the present one or set oidc_discovery_url=\(refusal.issuer) instead;"
                + " where it has a URL, Vault must reach it, and oidc_discovery_ca_pem must fit its certificate"
        },
        Rule("expired", "(exp)", "(nbf)", "(iat)", "not yet valid", "not valid yet") { refusal in
            "Vault finds the token outside of its times: use a source that gives a new token each time, synchronise this"
                + " machine's clock and Vault's, or raise clock_skew_leeway and expiration_leeway of the role"
                + " \(refusal.role)"
        },
        Rule("permission denied") { refusal in
            "Vault denies the login as such: either nothing is mounted at auth/\(refusal.mount) (vault auth list), or the"
                + " namespace is another (/v1/NAMESPACE/auth/\(refusal.mount)/login in tokenUrl), or an entity of the token"
                + " is disabled; Vault's audit log has the reason"
        },
    ]

    private var url: String { service.tokenURL.description.printable }
    private var role: String { parameter("role") ?? "ROLE" }

    /// The path at which the auth method is mounted.
    private var mount: String {
        guard let mark = service.tokenURL.url.firstRange(of: "/auth/") else { return "MOUNT" }
        var path = String(service.tokenURL.url[mark.upperBound...].prefix { $0 != "?" })
        if path.hasSuffix("/login") { path.removeLast("/login".count) }
        return path.isEmpty ? "MOUNT" : path.printable
    }

    private var vaultAudienceHint: String {
        let allow =
            "vault write auth/\(mount)/role/\(role) bound_audiences=\(audiences)"
        guard let claims, !asked.isEmpty, !claims.audiences.contains(asked) else {
            return
                "the token's aud is \(audiences), which bound_audiences of the role \(role) has not: write an audience that it"
                + " has in tokenAudience (vault read auth/\(mount)/role/\(role)), or have that one added: \(allow)"
        }
        let how =
            claims.clusterHint(for: asked)
            ?? TokenFacts.of(claims.all).audienceAdvice?.replacing(
                "AUDIENCE",
                with: asked.printable
            )
            ?? "have the source make it for \(asked.printable)"
        return
            "the token was made for \(audiences), and not for \(asked.printable), which the account asks for: \(how); or have"
            + " it allowed: \(allow)"
    }
}
