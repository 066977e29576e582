internal import Text

extension ServiceFacts {
    /// Mondoo's own exchange, whose credential is a service account.
    static let mondoo = ServiceFacts(
        parse: { (values, input) throws(AccountError) in
            let service = try MondooService(&values, input.issuer)
            return ParsedService(service: .mondoo(service), warnings: service.oddities)
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
    /// What in the three is not as Mondoo's pages have it, and what to write instead; ready to print.
    package let oddities: [String]

    init(universe: Endpoint, audience: String, issuer: String, apiEndpoint: Endpoint?) {
        (self.universe, self.audience, self.issuer) = (universe, audience, issuer)
        self.apiEndpoint = apiEndpoint
        oddities = [
            Self.oddity(ofAudience: audience), Self.oddity(ofIssuer: issuer),
            Self.oddity(ofUniverse: universe),
        ].compactMap(\.self)
    }

    /// Whether Mondoo's page for Azure has users enter the first for tokens of the second: Entra's
    /// tokens of version 1 have a slash at the end, and the page has none.
    package static func isDocumentedPair(trusted: String, token: String) -> Bool {
        let base = "https://sts.windows.net/"
        return token.hasPrefix(base) && trusted.utf8.count > base.utf8.count
            && token.utf8.elementsEqual((trusted + "/").utf8)
    }

    private static let example = "//captain.api.mondoo.app/spaces/SPACE-ID"

    private static func oddity(ofAudience audience: String) -> String? {
        let what = "audience \(audience.printable)"
        if audience.trimmed != audience { return "\(what) has a blank at an end: leave it out" }
        guard audience.hasPrefix("//") else {
            if audience.contains("console.mondoo") {
                return "\(what) is the console's address: write the MRN, \(example)"
            }
            return "\(what) is no MRN: write the space's or organization's, \(example)"
        }
        if audience.hasSuffix("/") { return "\(what) ends in a slash: leave the slash out" }
        let path = audience.split(separator: "/").dropFirst()
        if audience.contains("/roles/") || audience.contains("/wifauthbindings/") {
            return "\(what) is not a scope's MRN: write \(example)"
        }
        if audience.hasPrefix("//captain."), path.first == "space" || path.first == "organization" {
            return "\(what): the page writes spaces or organizations: \(example)"
        }
        return nil
    }

    private static func oddity(ofIssuer issuer: String) -> String? {
        let what = "issuerUri \(issuer.printable)"
        if issuer.trimmed != issuer {
            return "\(what) has a blank at an end: leave it out of issuerUri"
        }
        if issuer.hasPrefix("//") {
            return "\(what) is an MRN: are audience and issuerUri swapped?"
        }
        if let range = issuer.firstRange(of: "/.well-known/") {
            return "\(what) is the discovery document's address: write"
                + " \(issuer[..<range.lowerBound].description.printable)"
        }
        guard issuer.contains("://") else {
            return "\(what) has no https://: write https://\(issuer.printable)"
        }
        let host = issuer.split(separator: "/").dropFirst().first ?? ""
        let name = String(host.prefix { $0 != ":" })
        guard issuer.hasPrefix("https://") || Endpoint.isLoopback(name) else {
            return
                "\(what) is not https: write https://\(issuer.drop { $0 != "/" }.dropFirst(2).description.printable)"
        }
        return nil
    }

    private static func oddity(ofUniverse universe: Endpoint) -> String? {
        let regions = "https://us.api.mondoo.com or https://eu.api.mondoo.com, without a path"
        if universe.host.hasPrefix("console.") {
            return
                "universeDomain \(universe.description.printable) is the console's address: write \(regions)"
        }
        let path = universe.url.split(separator: "/", omittingEmptySubsequences: true).dropFirst(2)
        guard path.isEmpty || Endpoint.isLoopback(universe.host) else {
            return "universeDomain \(universe.description.printable) has a path: write \(regions)"
        }
        return nil
    }
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
