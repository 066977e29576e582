extension ServiceFacts {
    /// Mondoo's own exchange, whose credential is a service account.
    static let mondoo = ServiceFacts(
        parse: { (values, input) throws(AccountError) in
            ParsedService(service: .mondoo(try MondooService(&values, input.issuer)))
        },
        title: "Mondoo",
        defaultVariable: "MONDOO_CONFIG_BASE64",
        proxyVariable: "MONDOO_API_PROXY",
        addressKey: "universeDomain",
        places: "Mondoo's are us.api.mondoo.com and eu.api.mondoo.com",
        givesTokens: false,
        minimumLeft: 180
    )
}

/// Mondoo's exchange: where, and for which scope.
package struct MondooService: Sendable {
    package let universe: Endpoint
    /// The scope MRN.
    package let audience: String
    /// Sent verbatim.
    package let issuer: String
    /// Where the credential's calls go, where that is another host than the exchange's.
    package let apiEndpoint: Endpoint?
}

extension MondooService {
    fileprivate init(_ values: inout KeyedValues, _ issuer: String?) throws(AccountError) {
        let universe = try values.endpoint("universeDomain", default: "https://us.api.mondoo.com")
        let audience = try values.requiredText("audience", why: "the scope MRN is expected")
        guard let issuer else {
            throw values.missing("issuerUri", "the issuer that Mondoo trusts is expected")
        }
        for key in ["subjectTokenType", "requestedTokenType", "scopes"] { _ = values.take(key) }
        let api = try values.endpoint("apiEndpoint")
        self.init(universe: universe, audience: audience, issuer: issuer, apiEndpoint: api)
    }
}
