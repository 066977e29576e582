internal import Platform

extension Account {
    /// The outputs that the file lists.
    static func outputs(
        _ values: inout KeyedValues,
        for service: Service,
        warnings: inout [String]
    ) throws(AccountError) -> [Output] {
        var outputs: [Output] = []
        for var entry in try values.objects("outputs") {
            let output = try Output(&entry, for: service)
            warnings += entry.unknownKeys()
            if outputs.contains(where: { $0.path == output.path }) {
                throw entry.error(
                    "path",
                    "\(output.path.printable) is there twice",
                    hint: "give each output a path of its own"
                )
            }
            outputs.append(output)
        }
        return outputs
    }
}

extension Output {
    private static let words = [
        "raw", "base64", "json", "env", "envfile", "header", "directory", "socket",
    ]

    /// Parses `FORMAT:PATH[,mode=0640][,owner=U][,group=G][,content=F]`, the value of `--output`.
    /// - Throws: ``AccountError``.
    package init(parsing text: String, for service: Service) throws(AccountError) {
        let place = "--output \(text.printable): "
        guard let colon = text.firstIndex(of: ":") else {
            throw AccountError("\(place)FORMAT:PATH is expected")
        }
        var parts = text[text.index(after: colon)...].split(
            separator: ",",
            omittingEmptySubsequences: false
        )
        var members: [String: JSON] = ["format": .string(String(text[..<colon]))]
        members["path"] = .string(String(parts.removeFirst()))
        for part in parts {
            guard let equals = part.firstIndex(of: "=") else {
                throw AccountError("\(place)\"\(String(part).printable)\": key=value is expected")
            }
            let value = String(part[part.index(after: equals)...])
            members[String(part[..<equals])] = .string(value)
        }
        var entry = try KeyedValues(members, at: place)
        try self.init(&entry, for: service)
        if let unknown = entry.unknownKeys().first { throw AccountError(unknown) }
    }

    fileprivate init(_ entry: inout KeyedValues, for service: Service) throws(AccountError) {
        let word = try entry.requiredText(
            "format",
            why: "one of \(Self.words.joined(separator: ", ")) is expected"
        )
        guard let path = try entry.absolutePath("path") else {
            throw entry.missing("path", "an absolute path is expected")
        }
        guard !path.hasSuffix("/"),
            path.split(separator: "/").allSatisfy({ $0 != ".." && $0 != "." })
        else { throw entry.error("path", "names a directory or goes through '.' or '..'") }
        let mode = try Self.mode(&entry)
        let owner = try entry.text("owner")
        let group = try entry.text("group")
        if word == "socket" {
            var access = SocketAccess()
            (access.mode, access.owner, access.group) = (mode, owner, group)
            access.users = try entry.strings("allowUsers")
            access.groups = try entry.strings("allowGroups")
            access.units = try Self.units(&entry)
            let content = try entry.text("content") ?? "raw"
            let format = try Self.format(content, "content", entry, for: service)
            self.init(kind: .socket(format, access), path: path)
        } else {
            var options = FileOptions()
            if let mode, mode & 0o002 != 0 {
                throw entry.error("mode", "lets everyone write the file")
            }
            options.mode = mode ?? options.mode
            (options.owner, options.group) = (owner, group)
            let expiry = try entry.choice(
                "onExpiry",
                FileOptions.Expiry.self,
                among: ["keep", "remove"]
            )
            options.onExpiry = expiry ?? .keep
            options.isDirectoryShared = try Self.isTrue("sharedDirectory", &entry)
            if word == "directory" {
                self.init(kind: .directory(options), path: path)
                return
            }
            let format = try Self.format(word, "format", entry, for: service)
            self.init(kind: .file(format, options), path: path)
        }
    }

    /// Names of systemd's units, which have a suffix. `systemd.unit(5)`
    private static func units(_ entry: inout KeyedValues) throws(AccountError) -> [String] {
        let units = try entry.strings("allowUnits")
        let suffixes = [
            ".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path",
            ".timer", ".slice", ".scope",
        ]
        for unit in units where !suffixes.contains(where: unit.hasSuffix) {
            throw entry.error(
                "allowUnits",
                "\"\(unit.printable)\" is no unit's name: it has no suffix",
                hint: "write \(unit.printable).service"
            )
        }
        return units
    }

    private static func format(
        _ word: String,
        _ key: String,
        _ entry: KeyedValues,
        for service: Service
    ) throws(AccountError) -> Format {
        let known = key == "content" ? words.filter { $0 != "socket" && $0 != "directory" } : words
        guard let format = word == "base64" ? .raw : Format(rawValue: word) else {
            throw entry.unknown(key, word, known)
        }
        let facts = service.kind.facts
        if format == .header, !facts.givesTokens {
            throw entry.error(
                key,
                "header is not for \(facts.title), whose credential is no token"
            )
        }
        return format
    }

    /// A flag, which a command line can only give as text.
    private static func isTrue(
        _ key: String,
        _ entry: inout KeyedValues
    ) throws(AccountError) -> Bool {
        if entry.peek(key) == "true" { return try entry.text(key) != nil }
        return try entry.bool(key) ?? false
    }

    private static func mode(_ entry: inout KeyedValues) throws(AccountError) -> UInt32? {
        guard let value = entry.take("mode") else { return nil }
        guard let text = value.string else {
            throw entry.error(
                "mode",
                "an octal number in quotes is expected, found \(value.kind)",
                hint: "write \"0640\"; a bare 640 would not be 0640"
            )
        }
        let digits = text.hasPrefix("0o") ? String(text.dropFirst(2)) : text
        guard let mode = UInt32(digits, radix: 8), mode <= 0o777, !digits.hasPrefix("+") else {
            throw entry.error("mode", "an octal number within 0777 is expected")
        }
        return mode
    }
}
