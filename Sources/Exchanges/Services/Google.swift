import Federation
import Kernel
import Text

extension Refusal {
    /// What Google refuses, and what to change then.
    static let google = [
        Rule("invalid value for \"audience\"", "invalid value for audience") { _ in
            "audience must be the provider's full resource name:"
                + " //iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/"
                + "POOL/providers/PROVIDER"
        },
        Rule("attribute condition") { refusal in
            "the provider's attribute condition rejects the token; sub is \(refusal.subject)"
        },
        Rule("invalid_target") { refusal in
            refusal.service.name == .google
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
}
