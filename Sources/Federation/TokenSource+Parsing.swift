import Kernel
import Text

extension Account {
    /// The token source that `credentialSource` and `jwtToken` name. `given` is the file as it was
    /// before anything was taken from it: a program is told other members too.
    static func tokenSource(
        _ values: inout KeyedValues,
        given: KeyedValues,
        of name: String,
        warnings: inout [AccountWarning]
    ) throws(AccountError) -> TokenSource {
        let source = try values.object("credentialSource")
        if let literal = try values.text("jwtToken") {
            if source != nil {
                throw values.error("jwtToken", "excludes credentialSource; leave one of them out")
            }
            let problem =
                "a token in a file expires and others may read it; a credentialSource needs no such token"
            warnings.append(AccountWarning("\(values.name(of: "jwtToken")): \(problem)"))
            return .literal(Secret(literal.trimmed))
        }
        guard var source else { return .automatic }
        let result = try self.source(&source, in: given, named: "credentialSource", of: name)
        warnings += source.unknownKeys()
        return result
    }

    /// A source that stands under a key of the account of that name. `values` is the whole file.
    static func source(
        _ source: inout KeyedValues,
        in values: KeyedValues,
        named key: String,
        of name: String
    ) throws(AccountError) -> TokenSource {
        let result = try parse(&source, in: values, named: key)
        if case .account(name) = result {
            throw values.error(
                key,
                "account: is this account itself, which would be a circle",
                hint: "name another account, or give this one a token source of its own"
            )
        }
        return result
    }

    private static func parse(
        _ source: inout KeyedValues,
        in values: KeyedValues,
        named key: String
    ) throws(AccountError) -> TokenSource {
        if source.has("environmentId") { return .aws(try AWSSource(ofGoogle: &source)) }
        try source.refuseCertificate()
        let given = KeyedValues.sourceKinds.filter(source.has)
        let provider = try source.text("provider")
        let file = try source.absolutePath("file")
        let environment = try source.variableOfToken()
        let url = try source.text("url")
        let executable = try source.object("executable")
        let account = try source.text("account")
        guard given.count == 1 else {
            throw values.error(
                key,
                "exactly one of \(KeyedValues.sourceKinds.joined(separator: ", ")) is expected,"
                    + " found \(given.count)",
                hint: given.isEmpty
                    ? source.hintForMissingKind
                    : "keep one of \(given.joined(separator: ", ")), and remove the other"
            )
        }
        if let url { return .url(try URLSource(url, &source)) }
        if var executable {
            let program = try ExecutableSource(&executable, in: values)
            source.finish(executable)
            return .executable(program)
        }
        if let file { return .file(path: file, try TokenFormat(&source)) }
        if let account { return .account(name: try source.accountName(account)) }
        if let environment { return .environment(name: environment) }
        return try self.provider(provider ?? "", &source)
    }

    private static func provider(
        _ name: String,
        _ source: inout KeyedValues
    ) throws(AccountError) -> TokenSource {
        if name == TokenSource.automaticWord { return .automatic }
        guard let platform = TokenPlatform(rawValue: name) else {
            let kind = KeyedValues.sourceKinds.first {
                KeyGuess.known(for: name, among: [$0]) == $0
            }
            guard let kind, kind != "provider", ValueSynonyms.meant(by: name) == nil else {
                throw source.unknown("provider", name, TokenSource.providers)
            }
            throw source.error(
                "provider",
                "\"\(name.printable)\" is no platform, but another kind of source",
                hint: "write it in provider's place: \(KeyGuess.sourceExample(kind))"
            )
        }
        return try platform.facts.parse(&source)
    }
}

extension KeyedValues {
    /// The keys that say where the token comes from.
    fileprivate static let sourceKinds = [
        "provider", "file", "environment", "url", "executable", "account",
    ]

    /// The variable that holds a token, by its name alone.
    fileprivate mutating func variableOfToken() throws(AccountError) -> String? {
        guard let environment = try text("environment") else { return nil }
        if environment.hasPrefix("$") {
            let name = environment.filter { !"${}".contains($0) }
            throw error(
                "environment",
                "\(environment.printable) has a $ before the variable's name",
                hint: "write the name without it: \(name.printable)"
            )
        }
        if !VariableName.isName(environment) {
            throw error(
                "environment",
                "\"\(environment.printable)\" is no variable's name",
                hint: environment.contains("=")
                    ? "write the name alone, without = and the value"
                    : "write the name of the variable that holds the token: letters, digits and _,"
                        + " such as OIDC_TOKEN"
            )
        }
        return environment
    }

    /// What to write where nothing says which kind of source is meant.
    fileprivate var hintForMissingKind: String {
        for (key, value) in allMembers {
            let shown = value.string.map { ", {\"KIND\": \"\($0.printable)\"}" } ?? ""
            if let text = value.string, TokenPlatform(rawValue: text) != nil || text == "auto" {
                return "rename \(key.printable) to provider: {\"provider\": \"\(text)\"}"
            }
            if let meant = KeyGuess.known(for: key, among: Self.sourceKinds) {
                return "rename \(key.printable) to \(meant)"
                    + shown.replacing("KIND", with: meant)
            }
        }
        return "write {\"provider\": \"auto\"} for the machine's own identity, or"
            + " {\"file\": \"/path/of/token\"}"
    }

    /// Google's X.509 federation, which no source here speaks.
    fileprivate func refuseCertificate() throws(AccountError) {
        guard has("certificate") else { return }
        throw error(
            "certificate",
            "X.509 federation (a certificate and mutual TLS) is not supported",
            hint: "use a provider of OIDC tokens in the pool, and name their source here"
        )
    }

    fileprivate func accountName(_ name: String) throws(AccountError) -> String {
        guard AccountName.isValid(name) else {
            throw error("account", "\"\(name.printable)\" is not an account's name")
        }
        return name
    }
}
