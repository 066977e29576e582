import Federation
import Kernel
import Serving
import Text

extension Part {
    /// OpenAI's token endpoint: the token exchange of RFC 8693 in JSON, with two parameters of its own.
    /// https://developers.openai.com/api/reference/workload-identity-federation
    static let openai = vendor(
        "openai",
        rules,
        account: [
            "requestFormat": "json"
        ],
        parameters: parameters
    )

    private static let rules = TokenVendor.Rules(
        path: "/openai/oauth/token",
        audience: "https://api.openai.com/v1"
    ) {
        (request, vendor) throws(OAuthRefusal) in
        _ = try TokenVendor.json(request, with: parameters)
        let parameters = try OAuthParameters(of: request, takesJSON: true)
        let token = try parameters.subjectToken(ofTypes: ["jwt", "id_token"])
        let issued = vendor.issue("", for: try vendor.verified(token))
        return .token(issued.token, lifetime: .integer(issued.lifetime))
    }

    private static let parameters = [
        "identity_provider_id": "idp_01AbCdEfGh", "service_account_id": "sa_01AbCdEfGh",
    ]
}
