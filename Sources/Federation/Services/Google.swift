extension ServiceFacts {
    /// Google's Security Token Service, with or without a service account to stand in for.
    static let google = ServiceFacts(
        parse: { (values, _) throws(AccountError) in
            guard values.has("audience") else {
                throw values.missing("audience", "the provider's full resource name")
            }
            let service = try TokenExchangeService.oauth(&values, name: .google)
            guard service.grant == .tokenExchange else {
                throw values.error("grant", "Google takes the grant token-exchange only")
            }
            return ParsedService(service: .tokenExchange(service))
        },
        title: "Google",
        defaultVariable: "ACCESS_TOKEN",
        domains: [".googleapis.com"],
        hosts: ["sts.googleapis.com", "iamcredentials.googleapis.com"],
        takesOpaqueTokens: true,
        wantsExpiry: false
    )
}

extension KeyedValues {
    /// Whether this is a file of Google's.
    var isGoogles: Bool {
        peek("universeDomain") == "googleapis.com"
            || peek("audience")?.hasPrefix("//iam.googleapis.com/") == true
    }

    /// Google's keys for the service account that the token stands in for.
    mutating func impersonation(
        scopes: [String]
    ) throws(AccountError) -> TokenExchangeService.Impersonation? {
        let url = try endpoint("serviceAccountImpersonationUrl")
        var lifetime: Double?
        for key in ["serviceAccountImpersonation", "serviceAccountImpersonationOptions"] {
            guard var options = try object(key) else { continue }
            lifetime = try options.number("tokenLifetimeSeconds", in: 600...43_200)
        }
        guard let url else { return nil }
        let call = ":generateAccessToken"
        if url.host == "iamcredentials.googleapis.com", !url.url.hasSuffix(call) {
            throw error(
                "serviceAccountImpersonationUrl",
                "does not end in \(call)",
                hint: "write the whole URL:"
                    + " https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/EMAIL\(call)"
            )
        }
        return .init(url: url, lifetime: Int(lifetime ?? 3600), scopes: scopes)
    }
}
