import Federation
package import Text

extension Trust {
    /// Parses a trust file: one trust, an array of them, or `{"trusts": […]}`.
    /// - Throws: ``PolicyError``, which names the trust, the key, what is wrong and what is expected.
    package static func list(parsing bytes: some Collection<UInt8>) throws(PolicyError) -> [Trust] {
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: bytes)
        } catch {
            let mistake = JSONMistake(in: Array(bytes), error)
            throw PolicyError(
                "the trust file is not JSON: \(error.reason)\(mistake.likeness)",
                rule: nil,
                hint: mistake.hint
            )
        }
        return try list(json)
    }

    /// The same from JSON that has been read already.
    package static func list(_ json: JSON) throws(PolicyError) -> [Trust] {
        let isSingle = json.object != nil && json["trusts"] == nil
        var trusts: [Trust] = []
        for (index, document) in try documents(json).enumerated() {
            trusts.append(
                try Trust(document, at: isSingle ? .alone : .element(index))
            )
        }
        return trusts
    }

    /// The trusts of a file, each as it is written there.
    /// - Throws: ``PolicyError`` where the file holds no trusts.
    package static func documents(_ json: JSON) throws(PolicyError) -> [JSON] {
        let isWrapped = json.object.map { Set($0.keys) == ["trusts"] } ?? false
        if let elements = (isWrapped ? json["trusts"] : json)?.array { return elements }
        return [json]
    }

    /// Parses one trust.
    /// - Throws: ``PolicyError``.
    package init(_ json: JSON, at place: TrustPlace = .alone) throws(PolicyError) {
        guard let members = json.object else {
            let problem = ExpectedValue.object.objection(to: json)
            throw PolicyError("\(place.ofWhole)\(problem)", rule: nil)
        }
        let reader = TrustReader(members: members, place: place.ofKeys)
        let service = try reader.service()
        try reader.checkKeys(for: service)
        issuer = try reader.issuer()
        name = try reader.string("name")
        switch service {
        case .mondoo: terms = .mondoo(try reader.mondoo(issuer: issuer))
        case .conductorone: terms = .conductorone(try reader.conductorOne())
        case .bright: terms = .bright(try reader.bright())
        }
    }
}

/// Where a trust stands, for messages.
package enum TrustPlace: Sendable {
    /// In its file alone.
    case alone
    /// In a list.
    case element(Int)
    /// In no file: keys are named as they are.
    case options

    /// What comes before a key.
    var ofKeys: String {
        switch self {
        case .alone: "trust: "
        case .element(let index): "trusts[\(index)]."
        case .options: ""
        }
    }

    /// What comes before what is said of the whole.
    var ofWhole: String {
        switch self {
        case .alone: "trust: "
        case .element(let index): "trusts[\(index)]: "
        case .options: ""
        }
    }
}

/// Takes a trust's members, each with an error that names its place.
private struct TrustReader {
    let members: [String: JSON]
    let place: String

    private static let common = ["service", "issuer", "name", "description"]
    private static let keys: [TrustingService: [String]] = [
        .mondoo: ["subject", "allowedAudiences", "mappings", "audience", "roles", "expiration"],
        .conductorone: ["clientId", "condition", "roles"],
        .bright: ["allowedAudiences", "condition", "provider", "fields", "projectId"],
    ]
    /// Where to write what another service has a key for.
    private static let advice: [TrustingService: [String: String]] = [
        .mondoo: ["condition": "Mondoo has no conditions; write mappings"],
        .conductorone: [
            "subject": "write it in the condition: claims.sub == \"…\"",
            "mappings": "write them in the condition: claims.name == \"…\"",
            "allowedAudiences": "ConductorOne wants the tenant's domain, which clientId tells",
        ],
        .bright: [
            "subject": "write it in the condition: sub == \"…\"",
            "mappings": "write them in the condition: claims.name == \"…\"",
        ],
    ]

    func service() throws(PolicyError) -> TrustingService {
        guard let text = try string("service") else {
            let isConductorOne = try string("clientId")?.hasSuffix("/wfe") ?? false
            return isConductorOne ? .conductorone : .mondoo
        }
        let names = TrustingService.allCases.map(\.rawValue)
        guard let service = TrustingService(rawValue: text) else {
            let guess = nearest(to: text, among: names)
            throw error(
                "service",
                "\"\(text.printable)\" is not known; one of \(names.joined(separator: ", "))",
                hint: guess.map { "did you mean \($0)?" }
            )
        }
        return service
    }

    func checkKeys(for service: TrustingService) throws(PolicyError) {
        let known = Self.common + (Self.keys[service] ?? [])
        for key in members.keys.sorted() where !known.contains(key) {
            let guess = nearest(to: key, among: known).map { "did you mean \($0)?" }
            throw error(
                key.printable,
                "a trust of \(service.rawValue) has no such key",
                hint: Self.advice[service]?[key] ?? guess
            )
        }
    }

    func issuer() throws(PolicyError) -> String {
        let issuer = try text("issuer", "the iss that tokens must have")
        guard issuer.hasPrefix("https://") || issuer.hasPrefix("http://") else {
            throw error("issuer", "is no URL; it is the token's iss, character by character")
        }
        return issuer
    }

    func mondoo(issuer: String) throws(PolicyError) -> MondooTerms {
        let subject = try text("subject", "the sub, or the ARN, that tokens must have")
        let mappings = try mappings()
        let origin: ClaimMapping.Origin = issuer == Trust.awsIssuer ? .aws : .jwt
        if let other = mappings.first(where: { $0.origin != origin }) {
            throw error(
                "mappings",
                "\(other.key.printable) does not go with the issuer \(issuer.printable)",
                hint: "this issuer's mappings start with \(origin.rawValue)."
            )
        }
        let audiences = try strings("allowedAudiences")
        if origin == .aws && !audiences.isEmpty {
            throw error("allowedAudiences", "AWS's signed requests have no audience")
        }
        return MondooTerms(
            subject: subject,
            allowedAudiences: audiences,
            mappings: mappings,
            scope: try string("audience"),
            roles: try strings("roles"),
            expiration: try expiration()
        )
    }

    func conductorOne() throws(PolicyError) -> ConductorOneTerms {
        let clientID = try text("clientId", "the trust's client ID, NAME@TENANT/wfe")
        guard let tenant = Self.tenant(of: clientID) else {
            throw error("clientId", "is not of the form NAME@TENANT/wfe")
        }
        return ConductorOneTerms(
            clientID: clientID,
            tenant: tenant,
            condition: try condition(.conductorone)
        )
    }

    func bright() throws(PolicyError) -> BrightTerms {
        let audiences = try strings("allowedAudiences")
        if audiences.isEmpty {
            throw error("allowedAudiences", "is missing; Bright accepts no token without one")
        }
        return BrightTerms(
            allowedAudiences: audiences,
            policy: try brightPolicy(),
            projectID: try string("projectId")
        )
    }

    private func brightPolicy() throws(PolicyError) -> BrightTerms.Policy {
        guard let name = try string("provider") else {
            if members["fields"] != nil {
                throw error(
                    "provider",
                    "is missing; fields are those of one of Bright's CI providers"
                )
            }
            return .condition(try condition(.bright))
        }
        if members["condition"] != nil {
            throw error("condition", "does not go with provider: Bright has either, not both")
        }
        guard let provider = BrightPreset.Provider(rawValue: name) else {
            let names = BrightPreset.Provider.allCases.map(\.rawValue)
            throw error(
                "provider",
                "\"\(name.printable)\" is not known; one of \(names.joined(separator: ", "))",
                hint: nearest(to: name, among: names).map { "did you mean \($0)?" }
            )
        }
        guard let fields = members["fields"]?.object else {
            throw error(
                "fields",
                "is missing; it is an object of the form's fields, by their titles"
            )
        }
        var texts: [String: String] = [:]
        for (title, value) in fields {
            guard let text = value.string else {
                throw error("fields", "the value of \(title.printable) is not a string")
            }
            texts[title] = text
        }
        return .preset(try BrightPreset(provider, texts))
    }

    /// The host that follows the `@` of a client ID, with `.conductor.one` if it is a bare name, and
    /// without a port, as the service's own clients read it.
    private static func tenant(of clientID: String) -> String? {
        let halves = clientID.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2, !halves[0].isEmpty else { return nil }
        let parts = halves[1].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty else { return nil }
        let host = parts[0].prefix { $0 != ":" }.lowercased()
        if host.isEmpty { return nil }
        return host.contains(".") ? host : host + ".conductor.one"
    }

    private func condition(_ dialect: Dialect) throws(PolicyError) -> Expression {
        let source = try text("condition", "the CEL expression that claims must satisfy")
        do throws(PolicyError) {
            return try Expression(parsing: source, dialect: dialect)
        } catch {
            throw PolicyError(
                "\(place)condition: \(error.problem)",
                at: error.position,
                rule: error.rule,
                hint: error.hint
            )
        }
    }

    /// An object of keys and values, or GraphQL's array of `{"key", "value"}`.
    private func mappings() throws(PolicyError) -> [ClaimMapping] {
        var pairs: [(key: String, value: JSON?)] = []
        switch members["mappings"] {
        case nil, .null: break
        case .object(let object): pairs = object.sorted { $0.key < $1.key }.map { ($0, $1) }
        case .array(let elements):
            for element in elements {
                guard let key = element["key"]?.string, element.object?.count == 2 else {
                    throw error("mappings", "an element is not {\"key\": …, \"value\": …}")
                }
                pairs.append((key, element["value"]))
            }
        case .some(let other): throw mismatch("mappings", other, .object)
        }
        var mappings: [ClaimMapping] = []
        for (key, value) in pairs {
            guard let value = value?.string else {
                throw error("mappings", "the value of \(key.printable) is not a string")
            }
            mappings.append(try ClaimMapping(key: key, value: value))
        }
        return mappings
    }

    private func expiration() throws(PolicyError) -> Int? {
        guard let value = members["expiration"], value != .null else { return nil }
        guard case .integer(let seconds) = value, (1...86_400).contains(seconds) else {
            throw error(
                "expiration",
                "1 to 86400 seconds are expected",
                hint: "write at most 86400, a day: Mondoo's credentials live no longer"
            )
        }
        return Int(seconds)
    }

    func string(_ key: String) throws(PolicyError) -> String? {
        guard let value = members[key], value != .null else { return nil }
        guard let string = value.string else { throw mismatch(key, value, .string) }
        return string
    }

    private func text(_ key: String, _ meaning: String) throws(PolicyError) -> String {
        guard let text = try string(key), !text.trimmed.isEmpty else {
            throw error(key, "is missing; it is \(meaning)")
        }
        return text
    }

    private func strings(_ key: String) throws(PolicyError) -> [String] {
        guard let value = members[key], value != .null else { return [] }
        guard let elements = value.array else { throw mismatch(key, value, .strings) }
        var strings: [String] = []
        for element in elements {
            guard let string = element.string, !string.isEmpty else {
                throw error(key, "an element is not a string with something in it")
            }
            strings.append(string)
        }
        return strings
    }

    private func mismatch(_ key: String, _ found: JSON, _ expected: ExpectedValue) -> PolicyError {
        error(key, expected.objection(to: found), hint: expected.correction(of: found))
    }

    private func error(_ key: String, _ problem: String, hint: String? = nil) -> PolicyError {
        PolicyError("\(place)\(key): \(problem)", rule: nil, hint: hint)
    }
}
