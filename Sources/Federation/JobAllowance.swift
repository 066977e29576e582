package import Kernel

extension Job.Kind {
    /// What a worker must be allowed for a job of this kind, given the requester's environment.
    package func allowance(
        for account: Account,
        in environment: [String: String]
    ) -> Sandbox.Allowance {
        if runsPrograms(for: account, in: environment) { return .programs }
        var allowance: Sandbox.Allowance = []
        let certificates = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        if account.caFile != nil || certificates.contains(where: { isForeign(environment[$0]) }) {
            allowance.insert(.files)
        }
        if case .revoke = self { return allowance }
        if case .graphQL = self { return allowance }
        // The service account's own files.
        if case .secret = self { return .files }
        for source in sources(for: account, in: environment) {
            if source.readsFiles(in: environment) { allowance.insert(.files) }
            if source.connectsUnixSocket(in: environment) { allowance.insert(.unixSockets) }
        }
        return allowance
    }

    /// Whether a job of this kind for the account starts a program.
    package func runsPrograms(for account: Account, in environment: [String: String]) -> Bool {
        switch self {
        case .graphQL, .secret: return false
        case .exchange, .subjectToken, .claims, .revoke, .probe: break
        }
        return sources(for: account, in: environment).contains {
            $0.runsPrograms(in: environment)
        }
    }

    /// Whether a variable names a place that is not among those which every worker reads.
    private func isForeign(_ value: String?) -> Bool {
        (value ?? "").split(separator: ":").contains { path in
            !path.hasPrefix("/etc/") && !path.hasPrefix("/usr/")
        }
    }

    /// The sources that are asked, the actor's for an exchange alone.
    private func sources(
        for account: Account,
        in environment: [String: String]
    ) -> [TokenSource] {
        let subject = source(for: account, in: environment)
        switch self {
        case .exchange, .probe: return [subject] + [account.actor?.source].compactMap(\.self)
        case .subjectToken, .claims, .revoke, .graphQL, .secret: return [subject]
        }
    }

    /// The source that is asked for the subject token: the named provider's, or the account's; the one that `auto` asks alone.
    private func source(for account: Account, in environment: [String: String]) -> TokenSource {
        var source = account.effectiveSource(in: environment)
        if let provider, provider != account.tokenSource.name {
            source = TokenSource(provider: provider) ?? source
        }
        if case .automatic = source {
            source = TokenPlatform.soleSource(of: account.issuer) ?? source
        }
        return source
    }
}

extension TokenSource {
    /// Whether getting a token from it reads files beside the system's own, given the requester's
    /// environment.
    package func readsFiles(in environment: [String: String]) -> Bool {
        if case .automatic = self {
            return candidates(in: environment).contains { $0.readsFiles(environment) }
        }
        if case .file = self { return true }
        if case .executable = self { return true }
        return rotatingFile != nil || facts?.readsFiles(environment) ?? false
    }

    /// Whether getting a token from it connects to a Unix socket, given the requester's environment.
    package func connectsUnixSocket(in environment: [String: String]) -> Bool {
        guard case .automatic = self else { return facts?.unixSocket(self) ?? false }
        return candidates(in: environment).contains { $0.unixSocket(self) }
    }

    /// The platforms that `auto` may ask: those that it always asks, and those whose signs are there. A
    /// variable that is no sign, such as a region, gives a worker no power that it does not need.
    private func candidates(in environment: [String: String]) -> [PlatformFacts] {
        func isThere(_ signs: [PlatformSign]) -> Bool {
            signs.flatMap(\.variables).contains { environment[$0]?.isEmpty == false }
        }
        return TokenPlatform.allCases.map(\.facts).filter { facts in
            switch facts.automatic {
            case .never: false
            case .always: true
            case .whereSigned: isThere(facts.signs)
            case .whereFound(let signs, _, _): isThere(signs)
            }
        }
    }
}
