import Federation
import Kernel
import Serving
import Text

extension Part {
    /// Keycloak's token endpoint for a client that authenticates with "Signed JWT - Federated": the client
    /// credentials grant with the token as assertion, whose audience is the realm's issuer.
    /// https://www.keycloak.org/docs/latest/server_admin/ (federated client authentication)
    static let keycloak = vendor(
        "keycloak",
        rules,
        account: ["grant": "client-credentials"]
    )

    private static let rules = TokenVendor.Rules(
        path: "/realms/acme/protocol/openid-connect/token",
        audience: "https://keycloak.example/realms/acme"
    ) { (request, vendor) throws(OAuthRefusal) in
        let claims = try vendor.clientAssertion(of: request).claims
        let issued = vendor.issue("", for: claims)
        return .json([
            "access_token": .string(issued.token), "token_type": "Bearer",
            "expires_in": .integer(issued.lifetime), "refresh_expires_in": 0,
            "not-before-policy": 0, "scope": "profile email",
        ])
    }
}

extension TokenVendor {
    /// The parameters of a client credentials grant, and the claims of its assertion. RFC 7523 section 2.2
    func clientAssertion(
        of request: HTTPServerRequest
    ) throws(OAuthRefusal) -> (parameters: OAuthParameters, claims: TokenClaims) {
        let parameters = try OAuthParameters(of: request, takesJSON: false)
        guard try parameters.required("grant_type") == "client_credentials" else {
            throw OAuthRefusal("unsupported_grant_type", "client_credentials is expected")
        }
        let type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        guard try parameters.required("client_assertion_type") == type else {
            throw OAuthRefusal("invalid_client", "client_assertion_type is not \(type)")
        }
        return (parameters, try verified(try parameters.required("client_assertion")))
    }
}
