import Federation

extension MondooTrust {
    /// One trust, an array of them, or `{"trusts": […]}`.
    static func list(_ json: JSON) throws(UsageError) -> [MondooTrust] {
        var trusts: [MondooTrust] = []
        for element in json["trusts"]?.array ?? json.array ?? [json] {
            trusts.append(try MondooTrust(element))
        }
        return trusts
    }

    private init(_ json: JSON) throws(UsageError) {
        guard let object = json.object else { throw UsageError("a trust must be a JSON object") }
        let known = [
            "service", "issuer", "subject", "audience", "allowedAudiences", "mappings",
            "expiration", "roles",
        ]
        if let unknown = object.keys.first(where: { !known.contains($0) }) {
            throw UsageError("a trust has no key '\(unknown.printable)'")
        }
        func text(_ key: String) throws(UsageError) -> String {
            guard let text = object[key]?.string, !text.isEmpty else {
                throw UsageError("a trust needs a string '\(key)'")
            }
            return text
        }
        self.init(
            issuer: try text("issuer"),
            subject: try text("subject"),
            scope: try text("audience")
        )
        allowedAudiences = object["allowedAudiences"]?.array?.compactMap(\.string) ?? []
        mappings = object["mappings"]?.object?.compactMapValues(\.string) ?? [:]
        if let value = object["expiration"] {
            guard let seconds = value.lenientNumber, 1...86_400 ~= seconds else {
                throw UsageError("a trust's 'expiration' is 1 to 86400 seconds")
            }
            expiration = Int64(seconds)
        }
    }
}
