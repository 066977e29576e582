import Federation
import Kernel
import Serving
import Text

extension Part {
    /// Anthropic's token endpoint: the JWT bearer grant in JSON.
    /// https://platform.claude.com/docs/manage-claude/wif-reference
    static let anthropic = vendor(
        "anthropic",
        rules,
        account: [
            "grant": "jwt-bearer", "requestFormat": "json",
        ],
        parameters: parameters
    )

    private static let rules = TokenVendor.Rules(
        path: "/v1/oauth/token",
        audience: "https://api.anthropic.com"
    ) {
        (request, vendor) throws(OAuthRefusal) in
        let members = try TokenVendor.json(request, with: parameters)
        try TokenVendor.expect(
            "grant_type",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            in: members,
            or: "unsupported_grant_type"
        )
        let claims = try vendor.verified(members["assertion"]?.string ?? "")
        let issued = vendor.issue("sk-ant-oat01-", for: claims)
        return .json([
            "access_token": .string(issued.token), "token_type": "Bearer",
            "expires_in": .integer(issued.lifetime), "scope": "workspace:developer",
        ])
    }

    private static let parameters = [
        "federation_rule_id": "fdrl_01AbCdEfGh", "service_account_id": "svac_01AbCdEfGh",
        "organization_id": "0c8f5a1e-2b3d-4e6f-8a90-1b2c3d4e5f60",
    ]
}
