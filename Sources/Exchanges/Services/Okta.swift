import Federation
import Kernel
import Text

extension Refusal {
    /// What Okta's authorization servers refuse. "OAuth 2.0 API", "Okta error codes"
    static let okta = Vendor(
        isThere: { service in
            [".okta.com", ".oktapreview.com", ".okta-emea.com"].contains {
                service.tokenURL.host.lowercased().hasSuffix($0)
            }
        },
        rules: [
            Rule("policy evaluation failed") { refusal in
                "no access policy of this authorization server lets the client \(refusal.clientID) have the scopes"
                    + " \(refusal.service.scopes.joined(separator: " ").printable) with the grant"
                    + " \(refusal.service.grant.rawValue): add a rule (Security > API > Authorization Servers > Access Policies)"
            },
            Rule("one or more scopes are not configured") { refusal in
                "the authorization server in tokenUrl does not have each of the scopes"
                    + " \(refusal.service.scopes.joined(separator: " ").printable): define them there (Security > API > Scopes),"
                    + " or write scopes that it has"
            },
            Rule("resource not found", "e0000007") { refusal in
                "tokenUrl names an authorization server that this Okta org has not: write the id or default in"
                    + " \(refusal.service.tokenURL.origin.printable)/oauth2/ID/v1/token as Security > API shows it"
            },
            Rule("not authorized to use the provided grant type") { refusal in
                "the app \(refusal.clientID) in Okta has not the grant type \(refusal.service.grant.rawValue): turn it on in its"
                    + " General settings (Grant type), or write in grant one that it has"
            },
            Rule("client_assertion", "client assertion") { refusal in
                "Okta takes an assertion signed with the app's own key alone, with iss and sub the client id: a token of"
                    + " \(refusal.issuer) is none; use the token exchange (\"grant\": \"token-exchange\") with a trusted issuer"
            },
            Rule("invalid value for 'client_id'", "client_id") { refusal in
                "this Okta org has no active app with the Client ID \(refusal.clientID): correct clientId (Applications > the"
                    + " app > General), or the org's host in tokenUrl"
            },
            Rule("e0000047", "rate limit") { _ in rateHint },
        ]
    )
}
