import Kernel
import Text

extension ServiceFacts {
    /// No service at all: the platform's own token is the credential.
    static let token = ServiceFacts(
        parse: { (values, _) throws(AccountError) in
            for key in ["tokenUrl", "revokeUrl", "clientId", "scopes", "resource"] {
                guard values.take(key) != nil else { continue }
                throw values.error(
                    key,
                    "goes with an exchange, and the service token has none",
                    hint: "leave it out, or name the service that exchanges the token"
                )
            }
            _ = values.take("subjectTokenType")
            let audience = try values.text("audience")
            return ParsedService(service: .token(PlatformToken(wantedAudience: audience ?? "")))
        },
        title: "the token's reader",
        defaultVariable: "ACCESS_TOKEN",
        takesOpaqueTokens: true,
        wantsExpiry: false
    )
}

/// The platform's token as the credential: whoever reads it from an output judges it.
package struct PlatformToken: Sendable {
    /// The audience asked of the token source; empty where it is left open.
    let wantedAudience: String
}

extension Service {
    /// What should be said at once of a source whose token cannot be replaced, where it is the credential.
    func warning(of source: TokenSource) -> String? {
        guard case .token = self, source.isGivenOnce else { return nil }
        return
            "credentialSource: \(source.name) gives no other token later: the credential ends when"
            + " this one does"
    }
}

extension TokenSource {
    /// Whether it holds one token, which somebody put there.
    fileprivate var isGivenOnce: Bool {
        if case .literal = self { return true }
        if case .environment = self { return true }
        return false
    }
}
