import Federation
import Kernel
import Serving
import Text

extension Part {
    /// octo-sts: a GitHub App's token for a GET with the platform's as bearer. The reply tells no lifetime;
    /// such tokens live an hour. https://github.com/octo-sts/app
    static let octoSTS = vendor(
        "octo-sts",
        rules,
        account: [
            "grant": "bearer", "parameters": ["scope": "acme/app", "identity": "scanner"],
            "response": ["credential": "token"], "lifetime": 3600,
        ]
    )

    private static let rules = TokenVendor.Rules(
        path: "/sts/exchange",
        audience: "octo-sts.dev",
        answer: { (request, vendor) throws(OAuthRefusal) in
            guard request.method == "GET" else {
                throw OAuthRefusal("12", "GET is expected", status: 501)
            }
            guard request.query["scope"] == "acme/app", request.query["identity"] == "scanner"
            else { throw OAuthRefusal("5", "unable to find trust policy", status: 404) }
            guard let token = request.authorization("bearer") else {
                throw OAuthRefusal("16", "no bearer token", status: 401)
            }
            let issued = vendor.issue("ghs_", for: try vendor.verified(token))
            return .json(["token": .string(issued.token)])
        },
        refusal: { refusal in
            let code = Int64(refusal.code) ?? 7
            return .json(
                ["code": .integer(code), "message": .string(refusal.text), "details": []],
                status: code == 7 ? 403 : refusal.status
            )
        }
    )
}
