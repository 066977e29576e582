import Federation
import Kernel

extension Refusal {
    /// What ConductorOne refuses, and what to change then.
    static let conductorOne = [
        Rule("client") { refusal in
            "\(refusal.service.tenantDomain ?? "the tenant") has no federation trust with this clientId, \(refusal.clientID):"
                + " it was deleted, or made anew under another id; copy the Client ID of the present trust"
                + " (Settings > Workload Federation) into clientId"
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
                + " Test CEL); sub is \(refusal.subject)\(refusal.subjectNote)"
        },
        Rule("ip ", "ip address", "allowlist", "allow list") { _ in
            "the trust restricts addresses; is this machine's among them?"
        },
    ]
}
