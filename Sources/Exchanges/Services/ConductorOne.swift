import Federation
import Kernel
import Text

extension Refusal {
    /// What ConductorOne refuses, and what to change then.
    static let conductorOne = [
        Rule("disabled", "inactive", "deactivated", "suspended") { _ in
            "the federation trust or its service principal is switched off: enable it (Settings > Workload Federation)"
        },
        Rule("tenant") { refusal in
            "\(refusal.place) knows no such tenant: the part behind the @ of clientId, \(refusal.clientID), must be the"
                + " domain at which the company uses ConductorOne (NAME@TENANT.conductor.one/wfe)"
        },
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
            refusal.tenantAudience
        },
        Rule("issuer") { refusal in
            "the trust of clientId \(refusal.clientID) is for another issuer than the token's: write in clientId the"
                + " Client ID of the trust whose issuer is \(refusal.issuer), the slash at the end included (Settings >"
                + " Workload Federation shows it), or make a trust for that issuer there"
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
            "the trust restricts addresses: add the one by which this machine gets to the internet (that of its NAT"
                + " gateway or proxy) to the trust's list (Settings > Workload Federation)"
        },
    ]
    /// What to do where the token's audience is not the tenant's domain.
    private var tenantAudience: String {
        let domain = service.tenantDomain ?? service.wantedAudience
        let rule =
            "the token's aud must be the tenant's domain, \(domain.printable), and is \(audiences)"
        if !asked.isEmpty, asked != domain, claims?.audiences.contains(asked) == true {
            let key = asked == service.wantedAudience ? "audience" : "tokenAudience"
            return
                "\(rule): remove \(key) from the account file, so that the token is made for \(domain.printable); or"
                + " write \"\(key)\": \"\(domain.printable)\""
        }
        if let claims, let advice = TokenFacts.of(claims.all).audienceAdvice {
            return "\(rule): \(advice.replacing("AUDIENCE", with: domain.printable))"
        }
        return
            "\(rule): have whoever makes the token make it for \(domain.printable), or name a credentialSource that"
            + " makes it for the audience that is asked for"
    }
}
