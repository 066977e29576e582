import Federation
import Text

/// Where a token's issuer is, for a service that fetches its documents and keys from the internet.
package struct IssuerPlace: Sendable {
    private let issuer: String
    private let host: String

    package init(_ issuer: String) {
        self.issuer = issuer
        let rest = issuer.withoutScheme.prefix { !"/?#".contains($0) }
        let isAddress = rest.hasPrefix("[")
        host = String(isAddress ? rest.prefix { $0 != "]" } : rest.prefix { $0 != ":" })
            .lowercased()
    }

    /// Whether the host's name is one that only a cluster, a network or this machine knows.
    package var isInternal: Bool {
        guard !host.isEmpty, !host.hasPrefix("[") else {
            return host.hasPrefix("[") && isOwnAddress
        }
        let isAddress = host.allSatisfy { $0.isNumber || $0 == "." }
        if isAddress { return isOwnAddress }
        let ends = [
            ".svc", ".local", ".internal", ".lan", ".corp", ".intranet", ".localdomain",
            ".home.arpa", ".localhost",
        ]
        return !host.contains(".") || isClusters || ends.contains { host.hasSuffix($0) }
    }

    private var isClusters: Bool {
        host.hasSuffix(".svc") || host.firstRange(of: ".svc.") != nil
            || host.hasSuffix(".cluster.local")
    }

    /// RFC 1918, RFC 4193
    private var isOwnAddress: Bool {
        if host.hasPrefix("[") {
            return host == "[::1" || host.hasPrefix("[fc") || host.hasPrefix("[fd")
        }
        let parts = host.split(separator: ".").compactMap { Int($0) }
        guard parts.count == 4 else { return false }
        return parts[0] == 10 || parts[0] == 127 || (parts[0] == 192 && parts[1] == 168)
            || (parts[0] == 172 && (16...31).contains(parts[1]))
    }

    /// What is so where the issuer is none that a service on the internet reaches.
    package func problem(for service: String) -> String {
        let whose = isClusters ? "inside of the cluster alone" : "in a network of its own alone"
        return
            "\(service) fetches the issuer's documents and keys from the internet, and \(host.printable), the host of"
            + " \(issuer.printable), is known \(whose)"
    }

    /// What to do for a service that did not get the issuer's keys.
    func advice(for service: String) -> String {
        guard isInternal else {
            return
                "\(service) must be able to fetch the issuer's keys from the internet:"
                + " \(issuer.printable)/.well-known/openid-configuration (curl from a machine elsewhere shows whether it"
                + " is there)"
        }
        return "\(problem(for: service)): \(cure(for: service))"
    }

    /// What to do for a service that cannot reach the issuer.
    package func cure(for service: String) -> String {
        let end =
            "then write that issuer in the account file (issuerUri) and in the trust at \(service)"
        guard isClusters else {
            return
                "give the issuer a URL on the internet as iss, publish"
                + " /.well-known/openid-configuration and the keys below it over https, \(end); or name a"
                + " credentialSource whose issuer is public"
        }
        return
            "give the cluster a public issuer (kube-apiserver"
            + " --service-account-issuer=https://PUBLIC-NAME"
            + " --service-account-jwks-uri=https://PUBLIC-NAME/openid/v1/jwks), publish there over https what kubectl get"
            + " --raw /.well-known/openid-configuration and kubectl get --raw /openid/v1/jwks print, \(end)"
    }
}
