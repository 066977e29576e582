internal import Federation
internal import Text

/// Where Mondoo is: its regions and dedicated deployments, as its page lists them.
package enum MondooRegion {
    /// Issuers of Mondoo's own tokens, by environment.
    package static let issuers: [(environment: String, url: String)] = [
        ("Mondoo (US)", "https://api.mondoo.com"), ("Mondoo (EU)", "https://eu.api.mondoo.com"),
        ("Mondoo Edge", "https://api.edge.mondoo.com"),
        ("a dedicated deployment", "https://api.mondoo.CUSTOMER.com"),
    ]

    /// Whether the URL is one of Mondoo's issuers, a dedicated deployment's included.
    package static func isIssuer(_ url: String) -> Bool {
        if issuers.contains(where: { $0.url == url }) { return true }
        return url.hasPrefix("https://api.mondoo.") && url.hasSuffix(".com")
            && url.split(separator: ".").count == 4
    }

    /// Whether the host is one that the pages name as an endpoint: an issuer's, or `us.api.mondoo.com`,
    /// which the account file of the page has.
    package static func isEndpoint(host: String) -> Bool {
        host == "us.api.mondoo.com" || isIssuer("https://\(host)")
    }
}

extension TokenFacts {
    /// Whether the tokens are those of GitHub Actions.
    var isGitHub: Bool { name == "GitHub Actions" }
    /// Whether they are Microsoft Entra's.
    var isAzure: Bool { name == "Microsoft Entra ID" }

    /// Who issued a token, in words; Mondoo is an issuer, too.
    static func issuerName(_ claims: JSON) -> String {
        let isMondoo = claims["iss"]?.string.map(MondooRegion.isIssuer) ?? false
        return isMondoo ? "Mondoo, as an identity provider" : of(claims).name
    }
}
