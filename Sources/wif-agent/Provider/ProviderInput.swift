import Federation
import Platform
import Policy

/// What an identity provider is to be, checked before anything is sent.
struct ProviderInput {
    /// `CreateWIFAuthBindingInput`.
    let json: JSON

    /// Those that Mondoo documents.
    static let roles = ["agent", "viewer", "editor", "owner"]
    private static let rolePrefix = "//iam.api.mondoo.app/roles/"

    init(_ invocation: Invocation) throws(UsageError) {
        var mappings: [(key: String, value: String)] = []
        for mapping in invocation.all("mapping") {
            let parts = mapping.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw UsageError(message: "--mapping \(mapping.printable): KEY=VALUE is expected")
            }
            mappings.append((parts[0], parts[1]))
        }
        var members: [String: JSON] = [
            "scopeMrn": .string(try invocation.required("scope")),
            "name": .string(try invocation.required("name")),
            "issuerUri": .string(try invocation.required("issuer")),
            "subject": .string(try invocation.required("subject")),
        ]
        members["description"] = invocation.value("description").map(JSON.string)
        let audiences = invocation.all("audience").map(JSON.string)
        members["allowedAudiences"] = audiences.isEmpty ? nil : .array(audiences)
        let roles = try Self.roles(invocation.all("role"))
        members["roles"] = roles.isEmpty ? nil : .array(roles)
        if let text = invocation.value("expiration") {
            guard let seconds = Int64(text), (1...86_400).contains(seconds) else {
                throw UsageError(message: "--expiration \(text.printable): 1 to 86400 seconds")
            }
            members["expiration"] = .integer(seconds)
        }
        try Self.check(members, mappings)
        if !mappings.isEmpty {
            members["mappings"] = .array(
                mappings.map { ["key": .string($0.key), "value": .string($0.value)] }
            )
        }
        json = .object(members)
    }

    private static func roles(_ given: [String]) throws(UsageError) -> [JSON] {
        var mrns: [JSON] = []
        for role in given {
            let name = role.hasPrefix(rolePrefix) ? String(role.dropFirst(rolePrefix.count)) : role
            guard roles.contains(name) else {
                throw UsageError(
                    message: "--role \(role.printable): one of \(roles.joined(separator: ", "))",
                    hint: nearest(to: name, among: roles).map { "did you mean \($0)?" }
                )
            }
            mrns.append(.string(rolePrefix + name))
        }
        return mrns
    }

    /// What Mondoo would refuse, or would never find to hold.
    private static func check(
        _ input: [String: JSON],
        _ mappings: [(key: String, value: String)]
    ) throws(UsageError) {
        let pairs = mappings.map { ($0.key, JSON.string($0.value)) }
        if let twice = Dictionary(grouping: mappings, by: \.key).first(where: { $1.count > 1 }) {
            throw UsageError(message: "--mapping \(twice.key.printable) is there twice")
        }
        var trust: [String: JSON] = [
            "service": "mondoo", "mappings": .object(Dictionary(pairs) { first, _ in first }),
        ]
        trust["issuer"] = input["issuerUri"]
        trust["subject"] = input["subject"]
        trust["allowedAudiences"] = input["allowedAudiences"]
        do throws(PolicyError) {
            _ = try Trust(.object(trust), place: "")
        } catch {
            let rule = error.rule.map { " (\($0))" } ?? ""
            throw UsageError(message: error.problem + rule, hint: error.hint)
        }
    }
}
