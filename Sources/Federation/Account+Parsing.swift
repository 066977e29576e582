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
        var values = try KeyedValues(Self.object(in: document, at: place), at: place)
        if !values.has("privateKey") { try values.checkValues() }
        try Self.checkType(&values)

        let issuer = try values.text("issuerUri")
        let given = values
        let input = ServiceInput(issuer: issuer, environment: environment)
        let parsed = try ParsedService(&values, input)
        let service = parsed.service
        var warnings = parsed.warnings.map { AccountWarning($0) }
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
            if JSONMistake.isYAML(String(decoding: bytes, as: UTF8.self)) {
                throw AccountError(
                    "\(place)is YAML, and only JSON is read",
                    hint: "use the JSON file that the service's console generates"
                )
            }
            let mistake = JSONMistake(in: bytes, error)
            throw AccountError(
                "\(place)is not JSON: \(error.reason)\(mistake.likeness)",
                hint: mistake.hint
            )
        }
        guard let object = parsed.object else {
            throw AccountError(
                "\(place)an object is expected, found \(parsed.kind)",
                hint: parsed.array == nil
                    ? nil : "write the object alone, without the brackets around it"
            )
        }
        try checkNesting(object, at: place)
        if object["data"]?.object != nil || object["config"]?.object != nil {
            throw AccountError(
                "\(place)this is a reply of Mondoo's GraphQL API, not an account file",
                hint: "save its member config alone; wif-agent provider get MRN --out FILE does"
            )
        }
        return object
    }

    /// Refuses an account that is a member of another object.
    private static func checkNesting(
        _ object: [String: JSON],
        at place: String
    ) throws(AccountError) {
        guard object["type"] == nil else { return }
        let inner = object.sorted { $0.key < $1.key }.first {
            $0.value["type"]?.string == "external_account"
        }
        guard let inner, !["data", "config"].contains(inner.key) else { return }
        throw AccountError(
            "\(place)the account stands below the name \"\(inner.key.printable)\"",
            hint:
                "save the object behind \"\(inner.key.printable)\": alone, so that type is among the"
                + " outermost names"
        )
    }

    private static func checkType(_ values: inout KeyedValues) throws(AccountError) {
        let type = try values.string("type")
        if values.take("privateKey") != nil {
            throw values.error(
                "private_key",
                "this is a service-account file, a credential itself",
                hint: "it needs no agent; give wif-agent the external_account file instead"
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
                "\"\(name.printable)\" is not a safe variable name",
                hint: "choose another name: of letters, digits and '_', and none that changes how"
                    + " programs run"
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
