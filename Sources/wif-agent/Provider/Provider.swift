import Agent
import Federation
import Kernel
import Policy
import Text

extension Command {
    static let provider = Command(
        name: "provider",
        arguments: "create|list|get MRN|remove MRN",
        summary: "manage the identity providers that Mondoo trusts",
        details: """
            create    make one, and write the account file that goes with it
            list      those of --scope
            get       one, with its claim mappings and audiences; --out writes its account file
            remove    end it, and the service account that belongs to it

            Authenticated by the Mondoo API token in MONDOO_API_TOKEN or in --token-file, or by
            --service-account. Mappings are jwt_claims.NAME = VALUE or aws_claims.NAME = VALUE.
            """,
        options: [
            Option(
                name: "scope",
                value: "MRN",
                help: "the space, organization or platform (create, list)"
            ),
            Option(name: "name", value: "NAME", help: "what people call it (create)"),
            Option(name: "description", value: "TEXT", help: "what it is for (create)"),
            Option(name: "issuer", value: "URI", help: "the tokens' iss (create)"),
            Option(name: "subject", value: "SUBJECT", help: "the tokens' sub, or an ARN (create)"),
            Option(name: "mapping", value: "KEY=VALUE", help: "a claim it must have (create)"),
            Option(name: "audience", value: "AUD", help: "an aud that is allowed (create)"),
            Option(
                name: "role",
                value: "ROLE",
                help: "agent (default), viewer, editor, owner or an MRN (create)",
                choices: MondooProvider.roles
            ),
            Option(
                name: "expiration",
                value: "SECONDS",
                help: "how long credentials live (create)"
            ),
            Option(
                name: "out",
                value: "FILE",
                help: "the account file to make (create: \(AccountFilePlace.standard)); - prints it"
            ),
            Option(name: "order-by", value: "FIELD", help: "FIELD or FIELD:desc (list)"),
            Option(name: "yes", help: "do not ask (remove)"),
            Option(name: "token-file", value: "FILE", help: "a file that holds the API token"),
            Option(name: "service-account", value: "FILE", help: "a service-account file"),
            Option(
                name: "universe-domain",
                value: "URL",
                help: "Mondoo's (default: the service account's, or https://us.api.mondoo.com)"
            ),
            Option(
                name: "endpoint",
                value: "URL",
                help: "the GraphQL API (default: …/query there)"
            ),
            Option(name: "json", help: "as JSON"),
        ] + worker,
        maximalWords: 2,
        choices: ["create", "list", "get", "remove"],
        run: { invocation in try await providerCommand(invocation) }
    )
}

private func providerCommand(_ invocation: Invocation) async throws -> Int32 {
    let names = ["create", "list", "get", "remove"]
    guard let action = invocation.words.first else {
        throw UsageError(
            message: "a subcommand is missing: one of \(names.joined(separator: ", "))"
        )
    }
    let mrn = invocation.words.dropFirst().first
    switch (action, mrn) {
    case ("create", nil): return try await create(invocation)
    case ("list", nil): return try await list(invocation)
    case ("get", let mrn?): return try await get(mrn, invocation)
    case ("remove", let mrn?): return try await remove(mrn, invocation)
    case ("get", nil), ("remove", nil):
        throw UsageError(
            message: "\(action): which? the provider's MRN is missing",
            hint: "list shows them"
        )
    case ("create", let word?), ("list", let word?):
        throw UsageError(message: "unexpected argument \"\(word.printable)\"")
    default:
        let guess = nearest(to: action, among: names)
        throw UsageError(
            message: "provider \(action.printable): one of \(names.joined(separator: ", "))",
            hint: guess.map { "did you mean \($0)?" }
        )
    }
}

private func create(_ invocation: Invocation) async throws -> Int32 {
    let input = try ProviderInput(invocation)
    let place = try AccountFilePlace(invocation.value("out") ?? AccountFilePlace.standard)
    for remark in input.remarks { writeToStandardError("warning: \(remark)\n") }
    let service = try ProviderService(invocation)
    // Sent once: a second one would make a second provider.
    let data = try await service.call(ProviderQuery.create, ["input": input.json])
    guard let created = data["createWIFAuthBinding"], let config = created["config"]?.object
    else { throw CommandFailure(.strangeReply("created")) }
    let mrn = created["binding"]?["mrn"]?.string ?? ""
    try place.write(.object(config.filter { ProviderQuery.configMembers.contains($0.key) }))
    if invocation.isSet("json") {
        try emit(created.serialized(indented: true) + [UInt8(ascii: "\n")])
    } else {
        writeToStandardError("created \(mrn.printable)\n")
    }
    return 0
}

private func list(_ invocation: Invocation) async throws -> Int32 {
    var variables: [String: JSON] = ["scopeMrn": .string(try invocation.required("scope"))]
    if let order = invocation.value("order-by") {
        let parts = order.split(separator: ":", maxSplits: 1).map(String.init)
        let direction = parts.dropFirst().first?.uppercased() ?? "ASC"
        guard let field = parts.first, ["ASC", "DESC"].contains(direction) else {
            throw UsageError(message: "--order-by \(order.printable): FIELD or FIELD:desc")
        }
        variables["orderBy"] = ["field": .string(field), "direction": .string(direction)]
    }
    let service = try ProviderService(invocation)
    let data = try await service.ask(ProviderQuery.list, .object(variables))
    guard let bindings = data["listWIFAuthBindings"]?["bindings"]?.array else {
        throw CommandFailure(.strangeReply("listed"))
    }
    if invocation.isSet("json") {
        try emit(JSON.array(bindings).serialized(indented: true) + [UInt8(ascii: "\n")])
    } else {
        let style = TextStyle(environment: invocation.environment)
        try show(ProviderText.table(bindings, style))
    }
    return 0
}

private func get(_ mrn: String, _ invocation: Invocation) async throws -> Int32 {
    let place = try invocation.value("out").map(AccountFilePlace.init)
    let service = try ProviderService(invocation)
    let data = try await service.ask(ProviderQuery.get, ["mrn": .string(mrn)])
    guard let found = data["getWIFAuthBinding"], let binding = found["binding"] else {
        throw CommandFailure(.strangeReply("shown"))
    }
    if let place {
        guard let config = found["config"]?.object else {
            throw CommandFailure(.strangeReply("shown"))
        }
        try place.write(.object(config.filter { ProviderQuery.configMembers.contains($0.key) }))
        return 0
    }
    if invocation.isSet("json") {
        try emit(found.serialized(indented: true) + [UInt8(ascii: "\n")])
    } else {
        try show(ProviderText.details(binding))
    }
    return 0
}

private func remove(_ mrn: String, _ invocation: Invocation) async throws -> Int32 {
    let service = try ProviderService(invocation)
    if !invocation.isSet("yes") {
        guard isTerminal(0) else {
            throw UsageError(
                message: "remove asks before it removes, and standard input is not a terminal",
                hint: "--yes removes without a question"
            )
        }
        writeToStandardError(
            "Remove \(mrn.printable)? Its service account and all its credentials go with it."
                + " [y/N] "
        )
        guard ["y", "yes"].contains(standardInputLine().trimmed.lowercased()) else {
            writeToStandardError("nothing was removed\n")
            return 0
        }
    }
    let data = try await service.call(ProviderQuery.remove, ["mrn": .string(mrn)])
    guard let removed = data["removeWIFAuthBinding"]?["mrn"]?.string else {
        throw CommandFailure(.strangeReply("removed"))
    }
    writeToStandardError("removed \(removed.printable) and its service account\n")
    return 0
}

extension Invocation {
    /// An option that an action cannot do without.
    func required(_ name: String) throws(UsageError) -> String {
        guard let value = value(name), !value.trimmed.isEmpty else {
            throw UsageError(message: "--\(name) is missing")
        }
        return value
    }
}

extension Failure {
    fileprivate static func strangeReply(_ what: String) -> Failure {
        Failure(
            .transient,
            at: .reply,
            "mondoo's reply does not say what was \(what)",
            hint: "wif-agent provider list shows what there is now"
        )
    }
}
