package import Kernel
import Text

extension Account {
    /// The largest account file that is read, in bytes.
    package static let maximalSize = 65_536

    /// Parses an `external_account` file.
    ///
    /// - Parameters:
    ///   - document: the file's bytes.
    ///   - path: where it was read, absolute; its base name gives the account's name.
    ///   - environment: the requester's; a ConductorOne file may leave the client id to it.
    /// - Throws: ``AccountError`` that names the file, the key, what was found and what is expected.
    package init(
        parsing document: Secret,
        path: String,
        environment: [String: String] = [:]
    ) throws(AccountError) {
        let name = try AccountName.ofFile(at: path)
        let place = "account file \(path.printable): "
        var values = try KeyedValues(Self.object(in: document, from: path, at: place), at: place)
        if !values.has("privateKey") { try values.checkValues() }
        try Self.checkType(&values)

        let issuer = try values.text("issuerUri")
        let given = values
        let input = ServiceInput(issuer: issuer, environment: environment)
        let parsed = try ParsedService(&values, input)
        let service = parsed.service
        var warnings = parsed.warnings.map { AccountWarning(ofValue: $0) }
        let source = try Self.tokenSource(&values, given: given, of: name, warnings: &warnings)
        let actor = try Self.actor(&values, given: given, of: name, service, &warnings)
        let lifetime = try values.number("lifetime", in: 1...31_536_000) ?? 3600
        let variable = try Self.variable(&values) ?? service.kind.facts.defaultVariable
        let outputs = try Self.outputs(&values, service, variable, &warnings)
        let tokenAudience = try values.text("tokenAudience") ?? service.wantedAudience
        let revokeOnExit = try values.bool("revokeOnExit")
        let proxy = try Self.proxy(&values, &warnings)
        let caFile = try values.absolutePath("caFile")
        let hooks = try Self.hooks(&values, warnings: &warnings)
        let other = service.warning(of: source).map { AccountWarning(place + $0) }
        warnings += [other].compactMap(\.self) + values.unknownKeys()

        let contents = Contents(
            name: name,
            path: path,
            document: document,
            service: service,
            tokenSource: source,
            actor: actor,
            tokenAudience: tokenAudience,
            issuer: issuer,
            lifetime: lifetime,
            configuredOutputs: outputs,
            hooks: hooks,
            revokeOnExit: revokeOnExit,
            proxy: proxy,
            caFile: caFile,
            variable: variable,
            warnings: warnings
        )
        self.init(contents)
    }

    private static func object(
        in document: Secret,
        from path: String,
        at place: String
    ) throws(AccountError) -> [String: JSON] {
        var bytes = document.bytes
        defer { wipe(&bytes) }
        guard bytes.count <= maximalSize else {
            throw AccountError("\(place)is over \(maximalSize) bytes")
        }
        let parsed: JSON
        do throws(JSONError) {
            parsed = try JSON(parsing: bytes)
        } catch {
            let text = String(decoding: bytes, as: UTF8.self)
            if JSONMistake.isYAML(text) {
                throw AccountError(
                    "\(place)is YAML, and only JSON is read\(JSONMistake.manifest(text))",
                    hint: JSONMistake.yamlHint(text)
                )
            }
            let mistake = JSONMistake(in: bytes, error)
            throw AccountError(
                "\(place)is not JSON: \(error.reason)\(mistake.likeness)",
                hint: mistake.hint
            )
        }
        if let wrapped = WrappedAccount(in: parsed) { throw error(wrapped, of: path, at: place) }
        guard let object = parsed.object else {
            throw AccountError(
                "\(place)an object is expected, found \(parsed.kind)",
                hint: parsed.array.map { listHint($0.count, path) }
                    ?? "save the account file itself, which begins with { and ends with }"
            )
        }
        if let other = OtherFile(object) {
            throw AccountError("\(place)\(other.problem)", hint: other.hint)
        }
        return object
    }

    /// For a list in the place of an object.
    private static func listHint(_ count: Int, _ path: String) -> String {
        guard count > 1 else { return "write the object alone, without the brackets around it" }
        let (folder, name) = splitPath(path)
        let base = name.hasSuffix(".json") ? String(name.dropLast(5)) : name
        let files = (1...min(count, 3)).map { "\(folder)/\(base)-\($0).json" }
        let commands = files.enumerated().map { "jq '.[\($0)]' \(path) >\($1)" }
        return
            "one file holds one account: make a file of each of the \(count), \(commands.joined(separator: "; ").printable)"
            + "\(count > 3 ? "; ..." : ""), and remove \(path.printable)"
    }

    private static func error(
        _ wrapped: WrappedAccount,
        of path: String,
        at place: String
    ) -> AccountError {
        guard wrapped.isReplyOfAPI else {
            return AccountError("\(place)\(wrapped.problem)", hint: wrapped.hint(path))
        }
        return AccountError("\(place)\(OtherFile.replyOfAPI)", hint: OtherFile.replyHint)
    }

    private static func checkType(_ values: inout KeyedValues) throws(AccountError) {
        let type = try values.string("type")
        if values.take("privateKey") != nil {
            let scope = ["spaceMrn", "scopeMrn", "parentMrn"].compactMap { values.peek($0) }
                .first { $0.hasPrefix("//") }
            let make = "wif-agent provider create --scope \(scope?.printable ?? "MRN") --out FILE"
            throw values.error(
                "private_key",
                "this is a service-account file, a credential itself",
                hint:
                    "it needs no agent; put the external_account file of a workload identity provider in its place:"
                    + " the console generates it for a provider, and \(make) makes both. Remove this key from"
                    + " here, and at Mondoo where no other program uses it"
            )
        }
        guard let type else {
            throw values.missing("type", value: "external_account")
        }
        guard type == "external_account" else {
            throw values.error(
                "type",
                "\"external_account\" is expected, found \"\(type.printable)\"",
                hint: typeHint(type)
            )
        }
    }

    private static func typeHint(_ type: String) -> String {
        let expected = "external_account"
        if KeyGuess.known(for: type, among: [expected]) != nil {
            return "write \"type\": \"\(expected)\", in lower case and with an underscore"
        }
        return "name the external_account file, the one that the service's console generates for a"
            + " workload; a file of another type is no account file"
    }

    private static func variable(_ values: inout KeyedValues) throws(AccountError) -> String? {
        guard let name = try values.text("variable") else { return nil }
        guard VariableName.isSafe(name) else {
            throw values.error(
                "variable",
                VariableName.objection(to: name),
                hint: "choose another name, of letters, digits and '_', such as"
                    + " \(VariableName.suggestion(for: name).printable)"
            )
        }
        return name
    }

    private static func proxy(
        _ values: inout KeyedValues,
        _ warnings: inout [AccountWarning]
    ) throws(AccountError) -> Endpoint? {
        guard let text = try values.text("proxy") else { return nil }
        if !text.contains("://") {
            let problem = "has no http:// before it, so https:// is assumed"
            warnings.append(AccountWarning("\(values.name(of: "proxy")): \(problem)"))
        }
        do throws(EndpointError) {
            return try Endpoint(text, plainHTTP: .any)
        } catch {
            throw values.error(
                "proxy",
                // It may hold a password where it should not.
                text.contains("@") ? error.reason : "\(text.printable) \(error.reason)",
                hint: "write http://HOST:PORT, the port as a number"
            )
        }
    }
}
