import Text

extension RefusalTests {
    // MARK: Others

    private static func at(_ url: String, _ more: [String: JSON] = [:]) -> [String: JSON] {
        ["service": "oauth", "tokenUrl": .string(url)].merging(more) { $1 }
    }
    private static let keycloak = "https://k.test/auth/realms/acme/protocol/openid-connect/token"
    private static let entra = at(
        "https://login.microsoftonline.com/t1/oauth2/v2.0/token",
        ["grant": "client-credentials", "clientId": "c1", "scopes": ["https://r/.default"]]
    )

    static let others = [
        Row(
            testDescription: "Keycloak's old path",
            account: at(keycloak),
            status: 404,
            body: oauth("Unable to find matching target resource method", "See the server log."),
            advice: [
                "\"tokenUrl\": \"https://k.test/realms/acme/protocol/openid-connect/token\"",
                "no /auth",
            ]
        ),
        Row(
            testDescription: "Keycloak's realm",
            account: at(keycloak),
            status: 404,
            body: #"{"error":"Realm does not exist"}"#,
            advice: ["no realm acme"]
        ),
        Row(
            testDescription: "octo-sts and the name of the file",
            account: at(
                "https://octo-sts.dev/sts/exchange",
                [
                    "grant": "bearer",
                    "parameters": ["scope": "acme/app", "identity": "scanner.sts.yaml"],
                ]
            ),
            status: 404,
            body: #"{"code":5,"message":"unable to find trust policy for \"scanner.sts.yaml\""}"#,
            advice: ["\"identity\": \"scanner\""]
        ),
        Row(
            testDescription: "octo-sts without an installation",
            account: at(
                "https://octo-sts.dev/sts/exchange",
                ["grant": "bearer", "parameters": ["scope": "acme/app", "identity": "scanner"]]
            ),
            status: 404,
            body: #"{"code":5,"message":"no installation found for \"acme\""}"#,
            advice: ["not installed for acme"]
        ),
        Row(
            testDescription: "JSON to a service of forms",
            account: at("https://sts.test/token", ["requestFormat": "json"]),
            status: 400,
            body: oauth("invalid_request", "Missing form parameter: grant_type"),
            advice: ["\"requestFormat\": \"form\""]
        ),
        Row(
            testDescription: "a form to a service of JSON",
            account: at("https://sts.test/token"),
            status: 400,
            body: oauth("invalid_request", "invalid character 'g' looking for beginning of value"),
            advice: ["\"requestFormat\": \"json\""]
        ),
        Row(
            testDescription: "a parameter that is missing",
            account: at("https://sts.test/token"),
            status: 400,
            body: oauth("invalid_request", "Missing required parameter: client_id"),
            advice: ["\"clientId\""]
        ),
        Row(
            testDescription: "Entra's application",
            account: entra,
            status: 400,
            body: oauth("unauthorized_client", "AADSTS700016: Application with identifier 'c1' …"),
            advice: ["t1", "c1", "Object ID"]
        ),
        Row(
            testDescription: "a key that Entra does not find",
            account: entra,
            status: 401,
            body: oauth("invalid_client", "AADSTS7000272: The certificate …"),
            advice: ["/.well-known/openid-configuration", "kid"]
        ),
        Row(
            testDescription: "Entra's loop",
            account: entra,
            status: 400,
            body: oauth("invalid_grant", "AADSTS50196: The server terminated an operation …"),
            advice: ["Ask less often"]
        ),
        Row(
            testDescription: "Bright's other installation",
            account: ["service": "bright", "projectId": "p1", "audience": "wif"],
            status: 400,
            body: oauth("invalid_grant", "no matching WIF configuration was found"),
            advice: ["unset BRIGHT_BASE_URL", "app.brightsec.com"],
            environment: ["BRIGHT_BASE_URL": "https://eu.brightsec.com"]
        ),
        Row(
            testDescription: "maintenance",
            account: at("https://sts.test/token"),
            status: 503,
            body: oauth("temporarily_unavailable", "back soon"),
            advice: ["overloaded or in maintenance", "by itself"]
        ),
        Row(
            testDescription: "words that nobody knows",
            account: at("https://sts.test/token"),
            status: 400,
            body: oauth("xyzzy", "plugh"),
            advice: ["the service's own words", "sts.test"]
        ),
    ]

    // MARK: Statuses

    private static func page(_ status: Int, _ text: String, _ advice: [String]) -> Row {
        page(status, text, [], advice)
    }
    private static func page(
        _ status: Int,
        _ text: String,
        _ headers: [(String, String)],
        _ advice: [String]
    ) -> Row {
        Row(
            testDescription: "\(status) \(text)",
            account: at("https://sts.test/token"),
            status: status,
            body: "<html><body>\(text)</body></html>",
            advice: advice,
            headers: [("content-type", "text/html")] + headers
        )
    }

    static let statuses = [
        page(413, "Request Entity Too Large", ["client_max_body_size"]),
        page(431, "", ["large_client_header_buffers"]),
        page(400, "Request Header Or Cookie Too Large", ["large_client_header_buffers"]),
        page(451, "", ["legal reasons"]),
        page(403, "Attention Required! Cloudflare", ["web application firewall"]),
        page(403, "Blocked by your administrator. Zscaler", ["web filter"]),
        page(503, "no healthy upstream", ["balancer", "by itself"]),
        page(
            308,
            "",
            [("location", "https://sts.test/v2/token")],
            ["\"tokenUrl\": \"https://sts.test/v2/token\""]
        ),
        page(302, "", [("location", "https://sts.test/login")], ["token_endpoint"]),
    ]
}
