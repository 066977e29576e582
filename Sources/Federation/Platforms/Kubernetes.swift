import Text

extension PlatformFacts {
    /// A Kubernetes pod: a projected file, or the API server.
    static let kubernetes = PlatformFacts(
        signs: [.variable("KUBERNETES_SERVICE_HOST")],
        otherVariables: ["KUBERNETES_SERVICE_PORT"],
        parse: { (options) throws(AccountError) in
            .kubernetes(try KubernetesSource(parsing: &options))
        },
        readsFiles: { _ in true },
        rotatingFile: { source in
            if case .kubernetes(.file(let path)) = source { path } else { nil }
        },
        // GKE's clusters; those of others have hosts of their own.
        otherWords: ["k8s", "kube", "gke", "openshift", "serviceaccount", "pod"],
        issuers: KnownIssuers(of: "Google", "container.googleapis.com"),
        tokens: TokenFacts(
            name: "Kubernetes",
            areIts: { _, claims in
                claims["kubernetes.io"] != nil
                    || claims["sub"]?.string?.hasPrefix("system:serviceaccount:") == true
            },
            subjectRemark: { subject in
                subject.hasPrefix("system:serviceaccount:") && subject.hasSuffix(":default")
                    ? "the pod runs as the service account default: set serviceAccountName in its spec, if it is to"
                        + " be another's" : nil
            },
            claims: [
                ["kubernetes.io", "namespace"], ["kubernetes.io", "serviceaccount", "name"],
                ["kubernetes.io", "serviceaccount", "uid"],
            ],
            audienceAdvice: "write audience: AUDIENCE in the volume's serviceAccountToken, or leave"
                + " credentialSource.path out to have the API server make one for tokenAudience"
        )
    )
}

/// A pod's token: from a projected file, or minted by the API server.
package enum KubernetesSource: Sendable {
    /// A projected volume's file, which the kubelet keeps fresh.
    case file(path: String)
    /// TokenRequest for the wanted audience, by the credentials in the directory.
    case request(directory: String, lifetime: Int)

    /// Where every pod finds its own token, the cluster's CA and its namespace.
    package static let standardDirectory =
        "/var/run/secrets/kubernetes.io/serviceaccount"
}

extension KubernetesSource {
    fileprivate init(parsing options: inout KeyedValues) throws(AccountError) {
        let path = try options.absolutePath("path")
        let directory = try options.absolutePath("directory")
        let hasLifetime = options.has("lifetime")
        let lifetime = try options.mintedLifetime(from: 600)
        guard let path else {
            self = .request(directory: directory ?? Self.standardDirectory, lifetime: lifetime)
            return
        }
        if directory != nil || hasLifetime {
            throw options.error(
                directory == nil ? "lifetime" : "directory",
                "goes with a token that is asked of the API server, not with path"
            )
        }
        self = .file(path: path)
    }
}

extension TokenClaims {
    /// The namespace of the pod that the token is for; `nil` for a token of anything else.
    package var clusterNamespace: String? {
        if let namespace = all["kubernetes.io"]?["namespace"]?.string { return namespace }
        let parts = (subject ?? "").split(separator: ":")
        return parts.starts(with: ["system", "serviceaccount"]) && parts.count > 3
            ? String(parts[2]) : nil
    }

    /// What to do about a token that the cluster made for its own API server; `nil` for any other.
    ///
    /// - Parameter audience: the one that the service wants; `nil` where that is not known.
    package func clusterHint(for audience: String?) -> String? {
        let isDefault = audiences.contains { $0.contains("kubernetes.default") }
        let isLocal =
            issuer?.hasPrefix("kubernetes/") == true
            || issuer?.contains("kubernetes.default") == true
        guard isDefault || isLocal else { return nil }
        let wanted = audience.map { "the audience \($0.printable)" } ?? "the service's audience"
        return "the cluster made this token for its own API server: mount a projected token with"
            + " \(wanted), and name its file"
            + (isLocal ? "; the issuer must be the cluster's public URL" : "")
    }
}

extension SourcePlace {
    /// Whether this is a pod.
    package var isPod: Bool {
        environment["KUBERNETES_SERVICE_HOST"] != nil || isThere("/var/run/secrets/kubernetes.io")
    }
}
