/// A token endpoint, of RFC 8693 or like it: where it is and what its request says.
package struct TokenExchangeService: Sendable {
    /// How requests are encoded.
    package enum RequestFormat: String, CaseIterable, Sendable {
        case form, json
    }

    /// A service account that is impersonated with the token (Google's IAM credentials API).
    package struct Impersonation: Sendable {
        /// `…/serviceAccounts/EMAIL:generateAccessToken`
        package let url: Endpoint
        /// Seconds that its token is to live.
        package let lifetime: Int
        package let scopes: [String]
    }

    /// Which service it is, which decides the defaults and the checks before the exchange.
    package let name: ServiceName
    package let tokenURL: Endpoint
    /// `nil` where tokens cannot be revoked.
    package let revokeURL: Endpoint?
    package let clientID: String?
    package let subjectTokenType: String
    package let requestedTokenType: String?
    package let format: RequestFormat
    /// The audiences that the request names.
    package let audiences: [String]
    package let resources: [String]
    package let scopes: [String]
    /// The project that pays for a workforce pool's requests (Google's `options`).
    package let userProject: String?
    package let impersonation: Impersonation?
    /// The audience that subject tokens need; empty where it is left open.
    package let wantedAudience: String
    /// ConductorOne's tenant, which a subject token's audience must name; `nil` elsewhere.
    package let tenantDomain: String?
    package var grant = Grant.tokenExchange
    /// The member that holds the token with the grant `login`.
    package var tokenName = "jwt"
    /// Further parameters of the request.
    package var parameters: [(name: String, value: String)] = []
    package var response = ResponseShape()

    /// The word before a token in an `Authorization` header, where the service wants one of its own.
    package var scheme: String { name.facts.scheme }
}
