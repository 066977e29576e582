import Federation
import Kernel
import Text

extension Refusal {
    /// What Google refuses, and what to change then.
    static let google = [
        Rule("invalid value for \"audience\"", "invalid value for audience") { refusal in
            refusal.projectNumberHint
                ?? "audience must be the provider's full resource name:"
                + " //iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/"
                + "POOL/providers/PROVIDER"
        },
        Rule("audience in id token", "does not match the expected audience") { refusal in
            "the provider expects another aud than \(refusal.audiences): set tokenAudience to an allowed"
                + " audience of the provider; the default is https://iam.googleapis.com/ and the provider's"
                + " resource name"
        },
        Rule("issuer in id token") { refusal in
            "the provider's issuer URI must be equal to the token's, \(refusal.issuer): correct it in the"
                + " pool's provider"
        },
        Rule("error connecting to the given credential's issuer") { refusal in
            "Google must reach \(refusal.issuer)/.well-known/openid-configuration from the internet; for a"
                + " private issuer upload its keys (JWKS) to the provider"
        },
        Rule("stale", "issued at") { _ in
            "use a source that gives a new token each time, and check this machine's clock"
        },
        Rule("mapped attribute", "google.subject", "attribute mapping") { _ in
            "correct the provider's attribute mapping: google.subject must come to at most 127 bytes,"
                + " such as google.subject=assertion.sub"
        },
        Rule("attribute condition") { refusal in
            "compare the attribute condition of the pool's provider with the token's claims (wif-agent token"
                + " prints them); sub is \(refusal.subject)"
        },
        Rule("invalid_target") { refusal in
            if let hint = refusal.projectNumberHint ?? refusal.providerHint { return hint }
            return refusal.service.name == .google
                ? "audience names a pool or provider that does not exist or is disabled: compare project"
                    + " number, pool and provider; a change takes minutes"
                : "audience or resource names a target that does not exist or is disabled: audience"
                    + " \(refusal.service.audiences.first?.printable ?? "none"), resource"
                    + " \(refusal.service.resources.first?.printable ?? "none")"
        },
        Rule("unauthorized_client") { refusal in
            refusal.service.name == .google
                ? "the provider's attribute condition rejects the token; sub is \(refusal.subject)"
                : "the client may not use this grant: allow \(refusal.service.grant.rawValue) for it at the"
                    + " service, or set clientId to another one (\(refusal.clientID))"
        },
    ]

    /// What to do where Google knows no such provider.
    fileprivate var providerHint: String? {
        let prefix = "//iam.googleapis.com/"
        guard let audience = service.audiences.first(where: { $0.hasPrefix(prefix) }) else {
            return nil
        }
        let parts = audience.split(separator: "/").map(String.init)
        func name(behind word: String) -> String? {
            guard let mark = parts.firstIndex(of: word), parts.count > mark + 1 else { return nil }
            return parts[mark + 1].printable
        }
        guard let pool = name(behind: "workloadIdentityPools") else { return nil }
        guard let provider = name(behind: "providers") else {
            return
                "audience names the pool alone: write \(audience.printable)/providers/PROVIDER (gcloud iam"
                + " workload-identity-pools providers list --location=global --workload-identity-pool=\(pool)"
                + " prints the names)"
        }
        let project = name(behind: "projects").map { " --project=\($0)" } ?? ""
        return
            "the pool \(pool) has no provider \(provider), or one of the two is disabled or deleted, or the project"
            + " is another: compare audience with what gcloud iam workload-identity-pools providers list"
            + " --location=global --workload-identity-pool=\(pool)\(project) prints; a change takes minutes"
    }

    /// What to do where a project's id stands in a provider's resource name, which wants its number.
    fileprivate var projectNumberHint: String? {
        for audience in service.audiences {
            let parts = audience.split(separator: "/")
            guard let mark = parts.firstIndex(of: "projects"), parts.count > mark + 1 else {
                continue
            }
            let project = parts[mark + 1]
            guard !project.allSatisfy(\.isNumber) else { continue }
            let name = String(project).printable
            return
                "audience has the project's id, \(name), where its number stands: gcloud projects describe \(name)"
                + " --format='value(projectNumber)' prints it; write //iam.googleapis.com/projects/NUMBER/..."
        }
        return nil
    }
}
