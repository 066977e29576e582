import Federation
import Kernel
import Serving
import Text

extension Part {
    /// The JWT login of HashiCorp Vault and OpenBao: JSON without a grant.
    /// https://developer.hashicorp.com/vault/api-docs/auth/jwt#jwt-login
    static let vault = vendor(
        "vault",
        rules,
        account: [
            "grant": "login", "parameters": ["role": "scanner"],
            "response": ["credential": "auth.client_token", "lifetime": "auth.lease_duration"],
        ]
    )

    private static let rules = TokenVendor.Rules(
        path: "/v1/auth/jwt/login",
        audience: "https://vault.example",
        answer: { (request, vendor) throws(OAuthRefusal) in
            let members = try TokenVendor.json(request)
            guard members["role"]?.string == "scanner" else {
                throw OAuthRefusal("", "role could not be found")
            }
            guard let token = members["jwt"]?.string else {
                throw OAuthRefusal("", "missing token")
            }
            let issued = vendor.issue("hvs.", for: try vendor.verified(token))
            return .json([
                "request_id": .string(randomHex(bytes: 16)), "lease_id": "",
                "renewable": false, "lease_duration": 0, "data": .null, "warnings": .null,
                "auth": [
                    "client_token": .string(issued.token), "policies": ["default"],
                    "lease_duration": .integer(issued.lifetime), "renewable": true,
                    "token_type": "service",
                ],
            ])
        },
        refusal: { .json(["errors": [.string($0.text)]], status: 400) }
    )
}
