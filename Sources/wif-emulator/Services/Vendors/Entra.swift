import Federation
import Kernel
import Serving
import Text

extension Part {
    /// Microsoft Entra ID for an application with a federated credential.
    /// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, third case
    static let entra = vendor(
        "entra",
        rules,
        account: [
            "grant": "client-credentials", "clientId": .string(client),
            "scopes": "https://graph.microsoft.com/.default",
        ]
    )

    private static let rules = TokenVendor.Rules(
        path: "/\(tenant)/oauth2/v2.0/token",
        audience: "api://AzureADTokenExchange",
        answer: { (request, vendor) throws(OAuthRefusal) in
            let (parameters, claims) = try vendor.clientAssertion(of: request)
            guard try parameters.required("client_id") == client else {
                throw OAuthRefusal("unauthorized_client", "AADSTS700016: no such application")
            }
            guard try parameters.required("scope").hasSuffix("/.default") else {
                throw OAuthRefusal("invalid_scope", "AADSTS1002012: scope is not valid")
            }
            let issued = vendor.issue("", for: claims)
            return .json([
                "token_type": "Bearer", "expires_in": .integer(issued.lifetime),
                "ext_expires_in": .integer(issued.lifetime),
                "access_token": .string(issued.token),
            ])
        },
        refusal: { refusal in
            let number = refusal.isOfAudience ? "AADSTS700212: " : ""
            return .oauthError(401, "invalid_client", number + refusal.text)
        },
        documents: { url in
            let base = "\(url)/\(tenant)"
            return [
                "/\(tenant)/v2.0/.well-known/openid-configuration": [
                    "issuer": .string("\(base)/v2.0"),
                    "token_endpoint": .string("\(base)/oauth2/v2.0/token"),
                    "authorization_endpoint": .string("\(base)/oauth2/v2.0/authorize"),
                ]
            ]
        }
    )

    /// The path below which its endpoints are.
    static let tenant = "acme.onmicrosoft.com"
    private static let client = "5c6b7a89-1d2e-4f30-a1b2-c3d4e5f60718"
}
