import Federation
import Kernel
import Text

extension Refusal {
    /// What ConductorOne refuses, and what to change then.
    static let conductorOne = [
        Rule("client") { refusal in
            if let client = refusal.service.clientID, !client.hasSuffix("/wfe") {
                let end = client.split(separator: "/").last.map { "/" + $0 } ?? ""
                return
                    "clientId ends in \(end.printable), as those of another kind of client do (of a person or of a"
                    + " client with a secret): write the Client ID of a federation trust, which ends in /wfe"
                    + " (Settings > Workload Federation)"
            }
            return
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
            "the trust's CEL expression is false for this token: compare it with the claims (wif-agent claims --for"
                + " conductorone prints them, and an expression that fits; Settings > Workload Federation > Test"
                + " CEL tries it); sub is \(refusal.subject)\(refusal.subjectNote)"
        },
        Rule("ip ", "ip address", "allowlist", "allow list") { _ in
            "the trust restricts addresses; is this machine's among them?"
        },
    ]
}
