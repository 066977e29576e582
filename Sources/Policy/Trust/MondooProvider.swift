import Federation
package import Text

/// What Mondoo's interface refuses in an identity provider, beside what a trust file can be wrong in.
package enum MondooProvider {
    /// The roles that Mondoo's page names.
    package static let roles = ["agent", "viewer", "editor", "owner"]
    package static let rolePrefix = "//iam.api.mondoo.app/roles/"

    /// Checks a `CreateWIFAuthBindingInput`.
    /// - Throws: ``PolicyError`` that names the field.
    package static func check(_ input: JSON) throws(PolicyError) {
        for field in ["scopeMrn", "name", "issuerUri", "subject"] {
            try checkBlanks(field, input[field]?.string ?? "")
        }
        for audience in input["allowedAudiences"]?.array ?? [] {
            try checkBlanks("allowedAudiences", audience.string ?? "")
        }
        for mapping in input["mappings"]?.array ?? [] {
            _ = try ClaimMapping(
                key: mapping["key"]?.string ?? "",
                value: mapping["value"]?.string ?? ""
            )
        }
        try checkScope(input["scopeMrn"]?.string ?? "")
        try checkIssuer(input["issuerUri"]?.string ?? "")
        for role in input["roles"]?.array ?? [] { try checkRole(role.string ?? "") }
    }

    private static func checkBlanks(_ field: String, _ text: String) throws(PolicyError) {
        guard text.hasBlankEnd else { return }
        throw PolicyError(
            "\(field) \"\(text.printable)\" has a space before or after it",
            rule: "Mondoo compares it as it is",
            hint: "remove the space"
        )
    }

    private static func checkScope(_ scope: String) throws(PolicyError) {
        let parts = scope.split(separator: "/", omittingEmptySubsequences: false)
        let isMRN =
            scope.hasPrefix("//") && parts.count >= 3 && parts[2].contains(".")
            && !parts.dropFirst(2).contains("")
        let isCollection =
            parts.count != 5 || !scope.hasPrefix("//captain.")
            || ["spaces", "organizations"].contains(parts[3])
        guard isMRN, isCollection else {
            throw PolicyError(
                "scopeMrn \(scope.printable) is not the MRN of a space, an organization or the platform",
                rule: "a space's is //captain.api.mondoo.app/spaces/SPACE-ID"
            )
        }
    }

    private static func checkIssuer(_ issuer: String) throws(PolicyError) {
        let host = issuer.split(separator: "/").dropFirst().first?.prefix { $0 != ":" } ?? ""
        guard issuer.contains("://") else { return }
        guard issuer.hasPrefix("https://") || Endpoint.isLoopback(String(host)) else {
            throw PolicyError(
                "issuerUri \(issuer.printable) is not https",
                rule: "Mondoo fetches an issuer's discovery document over https"
            )
        }
    }

    private static func checkRole(_ role: String) throws(PolicyError) {
        let name = role.dropFirst(rolePrefix.count)
        guard role.hasPrefix(rolePrefix), !name.isEmpty, !name.contains("/") else {
            throw PolicyError("the role \(role.printable) is not an MRN", rule: "\(rolePrefix)NAME")
        }
    }
}
