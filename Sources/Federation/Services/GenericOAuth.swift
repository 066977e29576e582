extension ServiceFacts {
    /// Any other endpoint of RFC 8693, Google's among them.
    static let oauth = ServiceFacts(
        isImplied: { $0.peek("tokenUrl") != nil || $0.isGoogles },
        parse: { (values, _) throws(AccountError) in
            try values.refuseClientSecret()
            return ParsedService(service: .tokenExchange(try TokenExchangeService.oauth(&values)))
        },
        title: "the service",
        defaultVariable: "ACCESS_TOKEN",
        wantsExpiry: false
    )
}

extension TokenExchangeService {
    /// Any endpoint of RFC 8693, Google's among them.
    fileprivate static func oauth(_ values: inout KeyedValues) throws(AccountError)
        -> TokenExchangeService
    {
        let isGoogles = values.isGoogles
        // Of use to those who use the token, or to nobody; no news to whoever wrote the file.
        for key in ["universeDomain", "tokenInfoUrl", "quotaProjectId"] { _ = values.take(key) }
        let known = isGoogles ? "https://sts.googleapis.com/v1/token" : nil
        guard let url = try values.text("tokenUrl") ?? known else {
            throw values.missing("tokenUrl", "the service's token endpoint is expected")
        }
        let tokenURL = try values.endpoint("tokenUrl", url)
        let cloud = "https://www.googleapis.com/auth/cloud-platform"
        let given = try values.texts("scopes")
        let scopes = given.isEmpty && isGoogles ? [cloud] : given
        let impersonation = try values.impersonation(scopes: scopes.isEmpty ? [cloud] : scopes)
        let requested = try values.text("requestedTokenType")
        let audiences = try values.texts("audience")
        return TokenExchangeService(
            name: .oauth,
            tokenURL: tokenURL,
            revokeURL: try values.endpoint("revokeUrl"),
            clientID: try values.text("clientId"),
            subjectTokenType: try values.text("subjectTokenType") ?? tokenTypePrefix + "jwt",
            requestedTokenType: requested ?? (isGoogles ? tokenTypePrefix + "access_token" : nil),
            format: try values.requestFormat(default: .form, others: [.json]),
            audiences: audiences,
            resources: try values.resources(),
            scopes: impersonation == nil || !isGoogles ? scopes : [cloud],
            userProject: try values.text("workforcePoolUserProject"),
            impersonation: impersonation,
            wantedAudience: audiences.first ?? "",
            tenantDomain: nil
        )
    }
}
