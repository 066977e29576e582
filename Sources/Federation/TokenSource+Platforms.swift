internal import Platform

extension Account {
    /// A CI system's or platform's source with its options.
    static func platform(
        _ name: String,
        _ source: inout KeyedValues
    ) throws(AccountError) -> TokenSource {
        switch name {
        case "azure-pipelines":
            return .azurePipelines(serviceConnection: try source.text("serviceConnectionId"))
        case "gitlab":
            return .gitlab(variable: try variableName(&source) ?? TokenSource.gitlabVariable)
        case "circleci": return .circleci(variable: try variableName(&source))
        case "terraform": return .terraform(tag: try tag(&source))
        case "buildkite": return .buildkite(lifetime: try mintedLifetime(&source, from: 60))
        case "kubernetes": return .kubernetes(try kubernetes(&source))
        case "spiffe":
            guard let path = try source.absolutePath("path") else {
                throw source.missing("path", "spiffe needs the JWT-SVID's file")
            }
            return .spiffe(path: path)
        case "fly": return .fly(socket: try source.absolutePath("socket") ?? TokenSource.flySocket)
        case "spacelift":
            return .spacelift(path: try source.absolutePath("path") ?? TokenSource.spaceliftPath)
        default:
            guard let plain = TokenSource(provider: name) else {
                throw source.unknown("provider", name, TokenSource.providers)
            }
            return plain
        }
    }

    private static func kubernetes(
        _ source: inout KeyedValues
    ) throws(AccountError) -> KubernetesSource {
        let path = try source.absolutePath("path")
        let directory = try source.absolutePath("directory")
        let hasLifetime = source.has("lifetime")
        let lifetime = try mintedLifetime(&source, from: 600)
        guard let path else {
            return .request(
                directory: directory ?? KubernetesSource.directory,
                lifetime: lifetime
            )
        }
        if directory != nil || hasLifetime {
            throw source.error(
                directory == nil ? "lifetime" : "directory",
                "goes with a token that is asked of the API server, not with path"
            )
        }
        return .file(path: path)
    }

    private static func mintedLifetime(
        _ source: inout KeyedValues,
        from least: Double
    ) throws(AccountError) -> Int {
        Int(try source.number("lifetime", in: least...86_400) ?? Double(TokenSource.mintedLifetime))
    }

    private static func variableName(
        _ source: inout KeyedValues
    ) throws(AccountError) -> String? {
        guard let name = try source.text("variable") else { return nil }
        guard isWord(name) else {
            throw source.error("variable", "\"\(name.printable)\" is no name of a variable")
        }
        return name
    }

    private static func tag(_ source: inout KeyedValues) throws(AccountError) -> String? {
        guard let tag = try source.text("tag") else { return nil }
        guard isWord("_" + tag), tag != "TYPE" else {
            throw source.error("tag", "letters, digits and _ are expected, and not TYPE")
        }
        return tag
    }

    private static func isWord(_ text: String) -> Bool {
        text.first?.isNumber == false
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }
}

extension URLSource {
    /// Google's `url` with its `headers` and `format`.
    init(_ text: String, _ source: inout KeyedValues) throws(AccountError) {
        do throws(EndpointError) {
            _ = try Endpoint(text, plainHTTP: .metadata)
        } catch {
            throw source.error("url", error.reason)
        }
        var headers: [(name: String, value: Secret)] = []
        switch source.take("headers") {
        case nil: break
        case .object(let members)?:
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                guard let value = value.string else {
                    throw source.error(
                        "headers.\(name.printable)",
                        "a string is expected, found \(value.kind)"
                    )
                }
                headers.append((name, Secret(value)))
            }
        case let other?:
            throw source.error("headers", "an object is expected, found \(other.kind)")
        }
        self.init(
            url: text.contains("://") ? text : "https://" + text,
            headers: headers,
            format: try Account.format(&source)
        )
    }
}

extension ExecutableSource {
    private static let emailMarker = "/serviceAccounts/"

    /// `executable` with its program; Google's files have the command as one string.
    init(_ object: inout KeyedValues, in values: KeyedValues) throws(AccountError) {
        let command = try Self.command(&object)
        guard let program = command.first, program.hasPrefix("/") else {
            throw object.error("command", "the program's absolute path is expected")
        }
        let limit = try object.number("timeoutMillis", in: 5000...120_000)
        let impersonation = values.peek("serviceAccountImpersonationUrl") ?? ""
        var email: Substring?
        let parts = impersonation.split(separator: Self.emailMarker)
        if parts.count == 2 { email = parts[1].prefix { $0 != ":" } }
        self.init(
            command: command,
            timeLimit: (limit ?? 30_000) / 1000,
            outputFile: try object.absolutePath("outputFile"),
            tokenType: values.peek("subjectTokenType")
                ?? "urn:ietf:params:oauth:token-type:jwt",
            impersonatedEmail: email.map(String.init)
        )
    }

    private static func command(_ object: inout KeyedValues) throws(AccountError) -> [String] {
        guard let line = object.peek("command") else {
            return try object.strings("command")
        }
        _ = object.take("command")
        guard let words = shellWords(line) else {
            throw object.error("command", "has a quote or backslash that is not closed")
        }
        return words
    }
}
