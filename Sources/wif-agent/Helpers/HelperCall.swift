import Agent
import Federation
import Kernel
import Text

/// One question of a program to its credential helper.
struct HelperCall: Sendable {
    let helper: HelperProtocol
    /// What is asked for; empty where the protocol has no word for it.
    let action: String
    let invocation: Invocation
    let start: BootInstant

    /// The most that a question may be, in bytes.
    private static let maximalInput = 65_536

    /// The variables that a program may tell the helper more in.
    var environment: [String: String] { invocation.environment }

    /// The question on standard input.
    /// - Throws: ``CommandFailure``.
    func input() throws(CommandFailure) -> Secret {
        do throws(Errno) {
            return try readStandardInput(limit: Self.maximalInput)
        } catch {
            let problem = error == .tooLarge ? "is over \(Self.maximalInput) bytes" : "\(error)"
            throw refused("the question on standard input \(problem)")
        }
    }

    /// - Throws: ``CommandFailure``, ``UsageError``.
    func account() throws -> Account { try AccountChoice.load(invocation) }

    var timeout: Double {
        get throws(UsageError) { try invocation.timeout }
    }

    /// The account's credential, of a running agent or of an exchange.
    /// - Throws: ``CommandFailure``, ``UsageError``.
    func credential(of account: Account) async throws -> Credential {
        try await CredentialRequest(account: account, timeout: timeout, start: start)
            .run(invocation).credential
    }

    /// The credential of the account, and the word before it in an `Authorization` header.
    /// - Throws: ``CommandFailure`` where the account's credentials are no tokens.
    func token(of account: Account) async throws -> (credential: Credential, scheme: String) {
        let facts = account.service.kind.facts
        guard facts.givesTokens else { throw noToken(facts.title) }
        let credential = try await credential(of: account)
        guard let scheme = credential.scheme else { throw noToken(facts.title) }
        return (credential, scheme)
    }

    /// The account's token where the program sends it as `Bearer` and nothing else.
    /// - Throws: ``CommandFailure``.
    func bearerToken(of account: Account) async throws -> Credential {
        let (credential, scheme) = try await token(of: account)
        guard scheme.lowercased() == "bearer" else {
            throw refused(
                "the credential is for an \(scheme) header, and \(helper.rawValue) sends Bearer tokens"
            )
        }
        return credential
    }

    private func noToken(_ service: String) -> CommandFailure {
        refused(
            "\(helper.rawValue) wants a token, and \(service)'s credential is none",
            hint: "name the account file of another service with -c FILE"
        )
    }

    /// A question that is not answered, and why.
    func refused(_ message: String, hint: String? = nil) -> CommandFailure {
        CommandFailure(Failure(.misconfigured, at: .account, "helper: \(message)", hint: hint))
    }

    /// Refuses a place that is not to see the account's credential: only the hosts of `--host` are, or
    /// those that the account file names.
    ///
    /// - Parameter place: a URL, or a host with or without a port, for which https is meant.
    /// - Throws: ``CommandFailure``.
    func check(_ place: String, for account: Account) throws(CommandFailure) {
        let asked: Endpoint
        do throws(EndpointError) {
            asked = try Endpoint(place)
        } catch {
            let isPlain = place.hasPrefix("http://")
            throw refused(
                "\(helper.rawValue) asks for \(place.printable), which \(error.reason)",
                hint: isPlain
                    ? "a credential is given for https alone: write https:// in the URL (git remote set-url origin"
                        + " https://...)" : nil
            )
        }
        let patterns = allowedHosts(for: account)
        guard !patterns.contains(where: { asked.matches($0) }) else { return }
        guard account.service.kind.facts.givesTokens else {
            throw refused(
                "\(helper.rawValue) asks for a token for \(asked.host.printable), and the credential of"
                    + " \(account.service.name) is none",
                hint:
                    "name with -c an account of a service that gives tokens for \(asked.host.printable)"
            )
        }
        let names = patterns.isEmpty ? "none" : patterns.joined(separator: ", ").printable
        throw refused(
            "\(helper.rawValue) asks for a credential for \(asked.host.printable), and"
                + " \(account.name)'s is for \(names)",
            hint: "let it have the credential with --host \(asked.host.printable), or"
                + " WIF_AGENT_HOST=\(asked.host.printable)"
        )
    }

    /// The hosts that may be given the account's credential, as `--host` takes them.
    func allowedHosts(for account: Account) -> [String] {
        let given = invocation.all("host").flatMap { $0.split(separator: ",").map(String.init) }
        return given.isEmpty ? account.service.hosts.sorted() : given
    }

    /// The user name that goes with the token: as asked for, as configured, or the usual one.
    func username(asked: String? = nil, usual: String) -> String {
        invocation.value("username") ?? asked ?? usual
    }
}

extension Endpoint {
    /// Whether a pattern means it: a host, `*.` before the end of one, or either with a port behind.
    fileprivate func matches(_ pattern: String) -> Bool {
        var name = pattern.lowercased()
        if !name.hasPrefix("["), name.count(where: { $0 == ":" }) > 1 { name = "[\(name)]" }
        if let colon = name.lastIndex(of: ":"), name[..<colon].last == "]" || !name.hasPrefix("[") {
            guard name[name.index(after: colon)...] == "\(port ?? (isSecure ? 443 : 80))" else {
                return false
            }
            name = String(name[..<colon])
        }
        if name.hasPrefix("["), name.hasSuffix("]") { name = String(name.dropFirst().dropLast()) }
        if name.hasPrefix("*.") {
            return host.hasSuffix(name.dropFirst()) && host.utf8.count >= name.utf8.count
        }
        return host == name
    }
}
