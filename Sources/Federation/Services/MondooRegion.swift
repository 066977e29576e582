import Text

/// Where Mondoo is: the environments that its page lists, by the issuer of its own tokens, which is also
/// the API's address; and the one more that the page's account file has.
package struct MondooRegion: Equatable, Sendable {
    /// As the page calls it: "Mondoo (EU)".
    package let name: String
    /// Without scheme; a dedicated deployment's has the customer's name in place of `CUSTOMER`.
    package let host: String

    /// The page's table. "Mondoo (US)" has two hosts: its issuer, and what account files name.
    package static let all = [
        MondooRegion(name: "Mondoo (US)", host: "us.api.mondoo.com"),
        MondooRegion(name: "Mondoo (US)", host: "api.mondoo.com"),
        MondooRegion(name: "Mondoo (EU)", host: "eu.api.mondoo.com"),
        MondooRegion(name: "Mondoo Edge", host: "api.edge.mondoo.com"),
        MondooRegion(name: "a dedicated deployment of Mondoo", host: "api.mondoo.CUSTOMER.com"),
    ]

    /// The account file's default.
    static let standard = "https://us.api.mondoo.com"

    /// For a reader who has it wrong.
    static let sentence =
        "Mondoo's are us.api.mondoo.com, eu.api.mondoo.com, api.edge.mondoo.com and, of a dedicated"
        + " deployment, api.mondoo.CUSTOMER.com"

    /// The environment at a host; `nil` for one that the page does not list.
    package static func at(host: String) -> MondooRegion? {
        if let known = all.first(where: { $0.host == host }) { return known }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        let isDedicated =
            parts.count == 4 && parts[0] == "api" && parts[1] == "mondoo" && parts[3] == "com"
            && !parts[2].isEmpty
        return isDedicated ? all.last : nil
    }

    /// Those that every customer has.
    static let listedHosts = all.dropLast().map(\.host)

    /// Whether the host is one of those that every customer has.
    package static func isListed(_ host: String) -> Bool { listedHosts.contains(host) }

    /// Whether the URL is one of Mondoo's issuers.
    package static func isIssuer(_ url: String) -> Bool {
        let prefix = "https://"
        guard url.hasPrefix(prefix) else { return false }
        let host = String(url.dropFirst(prefix.count))
        return host != "us.api.mondoo.com" && at(host: host) != nil
    }

    /// The host that was meant by one that differs in a letter or two, or is another name of Mondoo's;
    /// `nil` where it is none, or right.
    static func host(near host: String) -> String? {
        guard at(host: host) == nil else { return nil }
        let known = all.dropLast().map(\.host)
        let near = known.map { (host: $0, distance: editDistance(host, $0)) }
            .min { $0.distance < $1.distance }
        if let near, near.distance <= 2 { return near.host }
        guard host.hasSuffix(".mondoo.com") || host == "mondoo.com" else { return nil }
        let labels = host.split { ".-".contains($0) }.dropLast(2)
        if labels.contains("edge") { return "api.edge.mondoo.com" }
        return labels.contains { $0.hasPrefix("eu") } ? "eu.api.mondoo.com" : "us.api.mondoo.com"
    }
}
