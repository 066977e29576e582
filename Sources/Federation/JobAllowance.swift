package import Platform

extension Job.Kind {
    /// What a worker must be allowed for a job of this kind, given the requester's environment.
    package func allowance(
        for account: Account,
        in environment: [String: String]
    ) -> Sandbox.Allowance {
        if runsPrograms(for: account, in: environment) { return .programs }
        var allowance: Sandbox.Allowance = []
        let certificates = ["SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_CA_BUNDLE"]
        if account.caFile != nil || certificates.contains(where: { isForeign(environment[$0]) }) {
            allowance.insert(.files)
        }
        if case .revoke = self { return allowance }
        if case .graphQL = self { return allowance }
        var source =
            provider.flatMap { $0 == account.tokenSource.name ? nil : TokenSource(provider: $0) }
            ?? account.effectiveSource(in: environment)
        if case .automatic = source, let issuer = account.issuer,
            AWSSource.isIssuer(issuer) || AWSSource.isAccountIssuer(issuer)
        {
            source = .aws(AWSSource())
        }
        if source.readsFiles(in: environment) { allowance.insert(.files) }
        if source.connectsUnixSocket(in: environment) { allowance.insert(.unixSockets) }
        return allowance
    }

    /// Whether a variable names a place that is not among those which every worker reads.
    private func isForeign(_ value: String?) -> Bool {
        (value ?? "").split(separator: ":").contains { path in
            !path.hasPrefix("/etc/") && !path.hasPrefix("/usr/")
        }
    }
}

extension TokenSource {
    /// Whether it may read files beside the system's own, given the requester's environment.
    package func readsFiles(in environment: [String: String]) -> Bool {
        let isSet = { (names: [String]) in names.contains { environment[$0]?.isEmpty == false } }
        switch self {
        case .automatic:
            // What a platform is recognised by, whose source then reads its files.
            let signs = ["KUBERNETES_SERVICE_HOST", "SPACELIFT_OIDC_TOKEN"]
            return AzureSource.readsFiles(in: environment) || isSet(signs)
                || environment.keys.contains { $0.hasPrefix("AWS_") } || AWSSource.isMachine
        case .azure: return AzureSource.readsFiles(in: environment)
        case .literal, .gcp, .github, .environment, .url, .azurePipelines, .gitlab, .circleci,
            .bitbucket, .terraform, .buildkite, .fly, .vercel:
            return false
        default: return true
        }
    }

    /// Whether it may connect to a Unix socket, given the requester's environment.
    package func connectsUnixSocket(in environment: [String: String]) -> Bool {
        switch self {
        case .fly: true
        case .automatic: environment["FLY_APP_NAME"] != nil || environment["FLY_MACHINE_ID"] != nil
        default: false
        }
    }
}

extension AWSSource {
    /// Whether the firmware says that this machine is one of Amazon's.
    fileprivate static var isMachine: Bool {
        do throws(ReadFileError) {
            return try readFile("/sys/class/dmi/id/sys_vendor", limit: 4096).text.trimmed
                == "Amazon EC2"
        } catch {
            return false
        }
    }
}

extension AzureSource {
    /// The agent of Azure Arc, whose key files are for root and its group.
    private static let arcProgram = "/opt/azcmagent/bin/himds"

    fileprivate static func readsFiles(in environment: [String: String]) -> Bool {
        let variables = ["AZURE_FEDERATED_TOKEN_FILE", "IMDS_ENDPOINT"]
        if variables.contains(where: { environment[$0] != nil }) { return true }
        do throws(Errno) {
            return try FileFacts(at: arcProgram).kind == .regular
        } catch {
            return false
        }
    }
}
