import Federation
import Kernel
import Policy
import Text

/// What an identity provider is to be, checked before anything is sent.
struct ProviderInput {
    /// `CreateWIFAuthBindingInput`.
    let json: JSON

    /// What Mondoo's page does not name, to be told beside what is done.
    let remarks: [String]

    init(_ invocation: Invocation) throws(UsageError) {
        var mappings: [(key: String, value: String)] = []
        for mapping in invocation.all("mapping") {
            guard let pair = mapping.keyAndValue, !pair.value.isEmpty else {
                throw UsageError(message: "--mapping \(mapping.printable): KEY = VALUE is expected")
            }
            mappings.append(pair)
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
        var remarks: [String] = []
        let roles = try Self.roles(invocation.all("role"), &remarks)
        members["roles"] = roles.isEmpty ? nil : .array(roles)
        if let text = invocation.value("expiration") {
            guard let seconds = Int64(text), (1...86_400).contains(seconds) else {
                throw UsageError(message: "--expiration \(text.printable): 1 to 86400 seconds")
            }
            members["expiration"] = .integer(seconds)
        }
        if !mappings.isEmpty {
            members["mappings"] = .array(
                mappings.map { ["key": .string($0.key), "value": .string($0.value)] }
            )
        }
        self.remarks = remarks
        json = .object(members)
        try Self.check(json, mappings)
    }

    private static func roles(
        _ given: [String],
        _ remarks: inout [String]
    ) throws(UsageError) -> [JSON] {
        let known = MondooProvider.roles
        var mrns: [JSON] = []
        for role in given {
            if role.hasPrefix("//") {
                let isKnown = known.contains { role == MondooProvider.rolePrefix + $0 }
                if !isKnown {
                    remarks.append(
                        "Mondoo's page names the roles \(known.joined(separator: ", ")); whether"
                            + " it takes \(role.printable) cannot be told here"
                    )
                }
                mrns.append(.string(role))
                continue
            }
            guard known.contains(role) else {
                throw UsageError(
                    message:
                        "--role \(role.printable): one of \(known.joined(separator: ", ")), or an"
                        + " MRN",
                    hint: nearest(to: role, among: known).map { "did you mean \($0)?" }
                )
            }
            mrns.append(.string(MondooProvider.rolePrefix + role))
        }
        return mrns
    }

    /// What Mondoo would refuse, or would never find to hold.
    private static func check(
        _ input: JSON,
        _ mappings: [(key: String, value: String)]
    ) throws(UsageError) {
        let pairs = mappings.map { ($0.key, JSON.string($0.value)) }
        if let twice = Dictionary(grouping: mappings, by: \.key).first(where: { $1.count > 1 }) {
            throw UsageError(message: "--mapping \(twice.key.printable) is given twice")
        }
        var trust: [String: JSON] = [
            "service": "mondoo", "mappings": .object(Dictionary(pairs) { first, _ in first }),
        ]
        trust["issuer"] = input["issuerUri"]
        trust["subject"] = input["subject"]
        trust["allowedAudiences"] = input["allowedAudiences"]
        do throws(PolicyError) {
            try MondooProvider.check(input)
            _ = try Trust(.object(trust), at: .options)
        } catch {
            let rule = error.rule.map { " (\($0))" } ?? ""
            throw UsageError(message: error.problem + rule, hint: error.hint)
        }
    }
}
