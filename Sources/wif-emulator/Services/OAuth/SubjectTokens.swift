import Federation
import FoundationEssentials
import Kernel
import Text

extension World {
    /// Seconds by which other clocks may differ.
    private static let leeway = 60.0

    /// The claims of a token that one of the issuers has signed and that is valid now.
    func verified(_ token: String) throws(OAuthRefusal) -> TokenClaims {
        guard let claims = TokenClaims(decoding: Secret(token)) else {
            throw OAuthRefusal("invalid_request", "subject_token is not a signed JWT")
        }
        guard let issuer = issuers.first(where: { $0.url == claims.issuer }) else {
            throw OAuthRefusal("invalid_grant", "no provider is configured for the token's issuer")
        }
        guard issuer.hasSigned(token) else {
            throw OAuthRefusal("invalid_grant", "the token's signature cannot be verified")
        }
        let now = clock.now.secondsSinceEpoch
        guard let expiry = claims.expiresAt else {
            throw OAuthRefusal("invalid_grant", "the subject token has no exp")
        }
        guard expiry > now else {
            throw OAuthRefusal("invalid_grant", "the subject token is expired")
        }
        let notBefore = claims.all["nbf"]?.lenientNumber ?? 0
        // No page of the services' speaks of an iat in the future.
        let isOpen = options.takesUndocumented
        guard notBefore <= now + Self.leeway,
            isOpen || (claims.issuedAt ?? 0) <= now + Self.leeway
        else {
            throw OAuthRefusal("invalid_grant", "the subject token is not valid yet")
        }
        return claims
    }
}
