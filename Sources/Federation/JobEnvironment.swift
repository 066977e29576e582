extension Job {
    /// The variables of a requester's environment that a job may carry: those of the token sources, the
    /// services, the proxies and the certificate stores, and nothing else.
    package static func isAllowed(variable name: String) -> Bool {
        allowedVariables.contains(name) || allowedPrefixes.contains { name.hasPrefix($0) }
    }

    /// What a job for the account carries of its requester's environment: the allowed variables, and
    /// those that the account's token sources name.
    package static func environment(
        for account: Account,
        from environment: [String: String]
    ) -> [String: String] {
        let named = account.sources.values.compactMap(\.namedVariable)
        return environment.filter { isAllowed(variable: $0.key) || named.contains($0.key) }
    }

    private static let names =
        [
            "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy",
            "ALL_PROXY", "all_proxy",
            "SSL_CERT_FILE", "SSL_CERT_DIR",
            "JWT_TOKEN", "PATH", "HOME", "LANG",
        ] + TokenPlatform.allCases.flatMap(\.facts.variables)
        + ServiceName.allCases.flatMap(\.facts.variables)

    private static let allowedVariables = Set(names.filter { !$0.hasSuffix("*") })

    private static let allowedPrefixes = names.filter { $0.hasSuffix("*") }.map { $0.dropLast() }
}
