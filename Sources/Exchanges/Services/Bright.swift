import Federation
import Kernel
import Text

extension Refusal {
    /// What Bright refuses, and what to change then.
    static let bright = [
        Rule("ambig", "multiple", "more than one", "several") { refusal in
            let how =
                refusal.service.resources.isEmpty
                ? "set projectId, so that the request names the project; and narrow"
                : "the resource is \(refusal.service.resources[0].printable); narrow"
            return "\(how) the credentials in Bright so that one alone fits this workload"
        },
        Rule("resource", "project", "invalid_target") { refusal in
            "is projectId right? the resource sent is"
                + " \(refusal.service.resources.first?.printable ?? "none")"
        },
        Rule("match", "configuration", "credential", "invalid_grant", "unauthorized") { refusal in
            refusal.unaskedAudience
                ?? "compare with the Federated Credentials of the project that projectId names (resource"
                + " \(refusal.service.resources.first?.printable ?? "none")): iss must be equal"
                + " (\(refusal.issuer)), one aud must be allowed (\(refusal.audiences); tokenAudience"
                + " asks for another), and the claims must fit\(refusal.platformAdvice)"
        },
    ]

    /// What to do where the account file asks for no audience, so that the platform chose one.
    fileprivate var unaskedAudience: String? {
        guard asked.isEmpty, claims?.audiences.isEmpty == false else { return nil }
        return
            "the account file asks for no audience, so that the token has the platform's own, \(audiences): set"
            + " \"audience\" to an entry of Allowed audiences in Bright's Federated Credentials, or add"
            + " \(audiences) there; if it is there, compare iss (\(issuer)) and the claims\(platformAdvice)"
    }
}
