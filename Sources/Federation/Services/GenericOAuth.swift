import Text

extension ServiceFacts {
    /// Any other token endpoint, of RFC 8693 and its relatives; Google's files imply it.
    static let oauth = ServiceFacts(
        isImplied: { $0.peek("tokenUrl") != nil || $0.isGoogles },
        parse: { (values, _) throws(AccountError) in
            try values.refuseMondoo()
            let service = try TokenExchangeService.oauth(&values, name: .oauth)
            return ParsedService(service: .tokenExchange(service))
        },
        title: "the service",
        defaultVariable: "ACCESS_TOKEN",
        domains: [".microsoftonline.com"],
        hosts: ["login.microsoftonline.com"],
        takesOpaqueTokens: true,
        wantsExpiry: false
    )
}

extension TokenExchangeService {
    /// Any token endpoint, Google's among them.
    static func oauth(
        _ values: inout KeyedValues,
        name: ServiceName
    ) throws(AccountError) -> TokenExchangeService {
        try values.refuseClientSecret()
        let isGoogles = name == .google || values.isGoogles
        let grant = try values.grant()
        let tokenName = try values.tokenName(for: grant)
        // Of use to those who use the token, or to nobody; no news to whoever wrote the file.
        for key in ["universeDomain", "tokenInfoUrl", "quotaProjectId"] { _ = values.take(key) }
        let known = isGoogles ? "https://sts.googleapis.com/v1/token" : nil
        guard let url = try values.text("tokenUrl") ?? known else {
            throw values.missing("tokenUrl", "the service's token endpoint")
        }
        let tokenURL = try values.endpoint("tokenUrl", url)
        let cloud = "https://www.googleapis.com/auth/cloud-platform"
        let given = try values.texts("scopes")
        let scopes = given.isEmpty && isGoogles ? [cloud] : given
        let impersonation = try values.impersonation(scopes: scopes.isEmpty ? [cloud] : scopes)
        let requested = try values.text("requestedTokenType")
        let audiences = try values.texts("audience")
        return TokenExchangeService(
            name: name,
            tokenURL: tokenURL,
            revokeURL: try values.endpoint("revokeUrl"),
            clientID: try values.text("clientId"),
            subjectTokenType: try values.text("subjectTokenType") ?? tokenTypePrefix + "jwt",
            requestedTokenType: requested ?? (isGoogles ? tokenTypePrefix + "access_token" : nil),
            format: try values.requestFormat(
                default: grant == .login ? .json : .form,
                others: [grant == .login ? .form : .json]
            ),
            audiences: grant == .tokenExchange ? audiences : [],
            resources: try values.resources(),
            scopes: impersonation == nil || !isGoogles ? scopes : [cloud],
            userProject: try values.text("workforcePoolUserProject"),
            impersonation: impersonation,
            wantedAudience: audiences.first ?? "",
            tenantDomain: nil,
            grant: grant,
            tokenName: tokenName,
            parameters: try values.parameters(for: grant, token: tokenName),
            response: try values.responseShape()
        )
    }
}

extension KeyedValues {
    /// Refuses what is Mondoo's in an account that is taken for another service's.
    fileprivate func refuseMondoo() throws(AccountError) {
        let isGiven = has("service")
        if let url = peek("tokenUrl"), url.contains("/SecureTokenService") {
            throw error(
                "tokenUrl",
                "is the address of Mondoo's exchange, which is no endpoint of OAuth",
                hint: "leave tokenUrl out; universeDomain says where Mondoo is"
            )
        }
        guard !isGiven else { return }
        let audience = peek("audience") ?? ""
        let universe = peek("universeDomain") ?? ""
        if audience.hasPrefix("//iam.googleapis.com/"), universe.contains("mondoo") {
            throw error(
                "audience",
                "is a provider of Google's, and universeDomain is Mondoo's",
                hint:
                    "write the space's MRN for Mondoo, //captain.api.mondoo.app/spaces/SPACE-ID; or leave"
                    + " universeDomain out for Google"
            )
        }
    }
}
