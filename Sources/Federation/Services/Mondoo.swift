import Text

extension ServiceFacts {
    /// Mondoo's own exchange, whose credential is a service account.
    static let mondoo = ServiceFacts(
        parse: { (values, input) throws(AccountError) in
            let service = try MondooService(&values, input.issuer)
            return ParsedService(service: .mondoo(service), warnings: service.oddities)
        },
        documentedKeys: [
            "type", "universeDomain", "audience", "issuerUri", "subjectTokenType", "scopes",
        ],
        title: "Mondoo",
        defaultVariable: "MONDOO_CONFIG_BASE64",
        proxyVariable: "MONDOO_API_PROXY",
        addressKey: "universeDomain",
        places: MondooRegion.sentence,
        domains: [".mondoo.com"],
        hosts: MondooRegion.listedHosts,
        documentMembers: [
            "mrn", "space_mrn", "scope_mrn", "parent_mrn", "private_key", "certificate",
            "api_endpoint",
        ],
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
    /// The one of these that concerns the address; `nil` where that is one of Mondoo's.
    package let addressOddity: String?
    /// The one of these that says that an MRN stands where the issuer belongs; `nil` for an issuer.
    package let swappedIssuer: String?

    init(universe: Endpoint, audience: String, issuer: String, apiEndpoint: Endpoint?) {
        (self.universe, self.audience, self.issuer) = (universe, audience, issuer)
        self.apiEndpoint = apiEndpoint
        swappedIssuer = Self.swap(ofIssuer: issuer)
        let isSwapped = swappedIssuer != nil && !audience.hasPrefix("//")
        addressOddity = Self.oddity(ofUniverse: universe)
        oddities = [
            isSwapped ? nil : Self.oddity(ofAudience: audience),
            swappedIssuer ?? Self.oddity(ofIssuer: issuer),
            addressOddity,
        ].compactMap(\.self)
    }

    /// Whether Mondoo's page for Azure has users enter the first for tokens of the second: Entra's
    /// tokens of version 1 have a slash at the end, and the page has none.
    package static func isDocumentedPair(trusted: String, token: String) -> Bool {
        let base = "https://sts.windows.net/"
        return token.hasPrefix(base) && trusted.utf8.count > base.utf8.count
            && token.utf8.elementsEqual((trusted + "/").utf8)
    }

    /// What to say of a signed request to AWS for an account with the issuer of something else; `nil` for the
    /// one issuer that Mondoo has for such requests.
    package var proofObjection: (text: String, hint: String)? {
        let amazon = "https://sts.amazonaws.com"
        guard issuer != amazon else { return nil }
        let other = TokenPlatform.ofIssuer(issuer).map {
            "; if an identity of \(issuer.printable) is meant, write credentialSource {\"provider\":"
                + " \"\($0.rawValue)\"}"
        }
        return (
            "is a signed request to AWS, whose issuer at Mondoo is \(amazon), and issuerUri is"
                + " \(issuer.printable)",
            "write issuerUri \(amazon), and make Mondoo's identity provider with it\(other ?? "")"
        )
    }

    private static let scopeHost = "captain.api.mondoo.app"
    private static let example = "//\(scopeHost)/spaces/SPACE-ID"

    private static func oddity(ofAudience audience: String) -> String? {
        let what = "audience \(audience.printable)"
        if audience.trimmed != audience {
            return "\(what) has a space before or after it: remove the space"
        }
        guard audience.hasPrefix("//") else {
            if let range = audience.firstRange(of: "//captain.") {
                return "\(what) has something before the MRN: write"
                    + " \(String(audience[range.lowerBound...]).printable)"
            }
            if audience.contains("console.mondoo") {
                return "\(what) is the console's address: write the MRN, \(example)"
            }
            return "\(what) is not an MRN: write the space's or organization's, \(example)"
        }
        if audience.hasSuffix("/") { return "\(what) ends in a slash: leave the slash out" }
        let path = audience.split(separator: "/").dropFirst()
        let collections = ["spaces", "organizations"]
        let parts = audience.split(separator: "/")
        let host = String(parts.first ?? "")
        if let inner = innerOddity(parts.map(String.init), collections) {
            return "\(what) \(inner)"
        }
        if let mark = parts.firstIndex(where: { collections.contains(String($0)) }),
            parts.count > mark + 1, host != scopeHost
        {
            return
                "\(what) has \(host.printable) before the scope, where scopes have \(scopeHost): write"
                + " //\(scopeHost)/\(parts[mark])/\(String(parts[mark + 1]).printable)"
        }
        if audience.hasPrefix("//captain."), let found = path.first, path.count > 1,
            !collections.contains(String(found)),
            let meant = nearest(to: String(found), among: collections)
        {
            return "\(what) has \(String(found).printable): write \(meant), as in"
                + " //captain.api.mondoo.app/\(meant)/ID"
        }
        return nil
    }

    /// Of the MRN of something in a scope, such as a provider's own.
    private static func innerOddity(_ parts: [String], _ collections: [String]) -> String? {
        let kinds = [
            "wifauthbindings": "an identity provider", "roles": "a role", "agents": "an agent",
            "serviceaccounts": "a service account", "integrations": "an integration",
        ]
        let kind = parts.lazy.compactMap { kinds[$0.lowercased()] }.first
        guard let mark = parts.lastIndex(where: collections.contains), parts.count > mark + 2 else {
            return kind.map {
                "is the MRN of \($0), and not a scope's: write the scope's, \(example)"
            }
        }
        let scope = "//\(scopeHost)/\(parts[mark])/\(parts[mark + 1])"
        return
            "is the MRN of \(kind ?? "something") in a scope, and the scope's own belongs there: write"
            + " \(scope.printable)"
    }

    private static func oddity(ofIssuer issuer: String) -> String? {
        let what = "issuerUri \(issuer.printable)"
        if issuer.trimmed != issuer {
            return "\(what) has a space before or after it: remove the space from issuerUri"
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
        return oddity(ofHost: name, of: issuer, what)
    }

    /// What to say of an MRN in the issuer's place; `nil` for an issuer.
    private static func swap(ofIssuer issuer: String) -> String? {
        guard issuer.hasPrefix("//"), issuer.trimmed == issuer else { return nil }
        return
            "issuerUri \(issuer.printable) is an MRN: exchange the values of audience and issuerUri"
    }

    private static func oddity(ofHost host: String, of issuer: String, _ what: String) -> String? {
        let amazon = "https://sts.amazonaws.com"
        let isRegional = host.hasPrefix("sts.") && host.hasSuffix(".amazonaws.com")
        if isRegional || host == "sts.amazonaws.com", issuer != amazon {
            return "\(what) is not the issuer that Mondoo has for AWS: write issuerUri \(amazon),"
                + " without region and slash"
        }
        guard let meant = KnownIssuers.host(near: host) else { return nil }
        return "\(what) has the host \(host.printable): write issuerUri https://\(meant)"
    }

    private static func oddity(ofUniverse universe: Endpoint) -> String? {
        let regions = "https://us.api.mondoo.com or https://eu.api.mondoo.com, without a path"
        let what = "universeDomain \(universe.description.printable)"
        if universe.host.hasPrefix("console.") {
            return "\(what) is the console's address: write \(regions)"
        }
        if let meant = MondooRegion.host(near: universe.host) {
            return "\(what) is not one of Mondoo's hosts: write https://\(meant)"
        }
        if universe.host.hasSuffix(".mondoo.app") {
            return "\(what) has the host of MRNs, where no API is: write \(regions)"
        }
        let path = universe.url.split(separator: "/", omittingEmptySubsequences: true).dropFirst(2)
        guard path.isEmpty || Endpoint.isLoopback(universe.host) else {
            return "\(what) has a path: write \(regions)"
        }
        return nil
    }
}

extension MondooService {
    fileprivate init(_ values: inout KeyedValues, _ issuer: String?) throws(AccountError) {
        let universe = try values.endpoint("universeDomain", default: MondooRegion.standard)
        if let range = universe.url.firstRange(of: "/SecureTokenService") {
            throw values.error(
                "universeDomain",
                "\(universe.description.printable) is the address of the exchange",
                hint: "write \(String(universe.url[..<range.lowerBound]).printable) alone"
            )
        }
        if let path = ["/query", "/graphql"].first(where: { universe.url.hasSuffix($0) }) {
            throw values.error(
                "universeDomain",
                "\(universe.description.printable) has the path of the GraphQL API, \(path)",
                hint: "write \(String(universe.url.dropLast(path.count)).printable) alone"
            )
        }
        let audience = try values.requiredText("audience", "the scope MRN")
        guard let issuer else {
            throw values.missing("issuerUri", "the issuer that Mondoo trusts")
        }
        for key in ["subjectTokenType", "requestedTokenType", "scopes"] { _ = values.take(key) }
        let api = try values.endpoint("apiEndpoint")
        self.init(universe: universe, audience: audience, issuer: issuer, apiEndpoint: api)
    }
}

extension Service {
    /// What in the account's keys is not as the service's pages have it, and what to write instead.
    package var oddities: [String] {
        switch self {
        case .mondoo(let service): service.oddities
        case .tokenExchange, .aws, .token: []
        }
    }
    /// The one of these that concerns the service's address.
    package var addressOddity: String? {
        switch self {
        case .mondoo(let service): service.addressOddity
        case .aws(let role): role.regionOddity
        case .tokenExchange, .token: nil
        }
    }
    /// What to say of a value in the issuer's place that is no issuer; `nil` where it is one.
    package var swappedIssuer: String? {
        switch self {
        case .mondoo(let service): service.swappedIssuer
        case .tokenExchange, .aws, .token: nil
        }
    }
}
