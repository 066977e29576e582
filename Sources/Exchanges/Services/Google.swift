internal import Federation
internal import Kernel

extension Refusal {
    /// What Google refuses, and what to change then.
    static let google = [
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
}
