import Kernel
import Text

extension Account {
    /// The outputs that the file lists.
    static func outputs(
        _ values: inout KeyedValues,
        _ service: Service,
        _ variable: String,
        _ warnings: inout [AccountWarning]
    ) throws(AccountError) -> [Output] {
        var outputs: [Output] = []
        for var entry in try values.objects("outputs") {
            let output = try Output(&entry, for: service, variable: variable)
            // Ignored, it would leave the socket open to more readers than were meant.
            if let error = entry.misspelling(of: SocketAccess.keys) { throw error }
            warnings += entry.unknownKeys()
            if outputs.contains(where: { $0.path == output.path }) {
                throw entry.error(
                    output.secret == nil ? "path" : "key",
                    "\(output.path.printable) is given twice",
                    hint: "give each output a path of its own"
                )
            }
            outputs.append(output)
        }
        return outputs
    }
}

extension Output {
    /// What an output's `format` may be.
    package static let words = Format.words + Destination.allCases.map(\.rawValue)

    /// Parses `FORMAT:PATH[,mode=0640][,owner=U][,group=G][,content=F]`, the value of `--output`.
    ///
    /// - Parameter variable: the variable that env formats set.
    /// - Throws: ``AccountError``.
    package init(
        parsing text: String,
        for service: Service,
        variable: String
    ) throws(AccountError) {
        let place = "--output \(text.printable): "
        guard let colon = text.firstIndex(of: ":") else {
            throw AccountError("\(place)FORMAT:PATH is expected")
        }
        var parts = text[text.index(after: colon)...].split(
            separator: ",",
            omittingEmptySubsequences: false
        )
        var members: [String: JSON] = ["format": .string(String(text[..<colon]))]
        let path = String(parts.removeFirst())
        if text.hasPrefix("\(Destination.kubernetesSecret.rawValue):") {
            members.merge(KubernetesSecret.members(of: path)) { $1 }
        } else {
            members["path"] = .string(path)
        }
        for part in parts {
            guard let equals = part.firstIndex(of: "=") else {
                throw AccountError("\(place)\"\(String(part).printable)\": key=value is expected")
            }
            let value = String(part[part.index(after: equals)...])
            members[String(part[..<equals])] = .string(value)
        }
        var entry = try KeyedValues(members, at: place)
        try self.init(&entry, for: service, variable: variable)
        if let unknown = entry.unknownKeys().first { throw AccountError(unknown.text) }
    }

    fileprivate init(
        _ entry: inout KeyedValues,
        for service: Service,
        variable: String
    ) throws(AccountError) {
        let word = try entry.requiredText(
            "format",
            "one of \(Self.words.joined(separator: ", "))"
        )
        let isSecret = Destination(rawValue: word) == .kubernetesSecret
        let path = isSecret ? nil : try Self.path(&entry)
        let kind = try Self.kind(word, &entry, for: service)
        let template = try Self.template(kind, &entry, service.templateNames(variable: variable))
        var place = path ?? ""
        if case .kubernetesSecret(_, let secret) = kind { place = secret.place }
        self.init(kind: kind, path: place, template: template)
    }

    private static func path(_ entry: inout KeyedValues) throws(AccountError) -> String {
        guard let path = try entry.absolutePath("path") else {
            throw entry.missing("path", "an absolute path")
        }
        guard !path.hasSuffix("/"),
            path.split(separator: "/").allSatisfy({ $0 != ".." && $0 != "." })
        else {
            throw entry.error(
                "path",
                "names a directory or goes through '.' or '..'",
                hint: path.hasSuffix("/")
                    ? "write the path of a file in it, as \(plain(path).printable)/credential.json; for a folder"
                        + " of files write \"format\": \"directory\" and \(plain(path).printable)"
                    : "write the path of a file, as \(plain(path).printable)"
            )
        }
        if let name = path.split(separator: "/").first(where: { $0.utf8.count > 255 }) {
            throw entry.error(
                "path",
                "has a name that is too long, \(name.utf8.count) bytes",
                hint: "a name on a path has at most 255 bytes"
            )
        }
        return path
    }

    /// A path without `.`, `..` and a slash at its end.
    private static func plain(_ path: String) -> String {
        var names: [Substring] = []
        for name in path.split(separator: "/") {
            if name == ".." { _ = names.popLast() } else if name != "." { names.append(name) }
        }
        return "/" + names.joined(separator: "/")
    }

    /// The text of an output whose format needs one.
    private static func template(
        _ kind: Kind,
        _ entry: inout KeyedValues,
        _ names: Template.Names
    ) throws(AccountError) -> Template? {
        guard kind.format.facts.wantsTemplate else { return nil }
        let text = try entry.requiredText(
            "template",
            "text with {{credential}} in it"
        )
        do throws(FormatError) {
            return try Template(parsing: text, names: names)
        } catch {
            throw entry.error("template", error.problem.printable, hint: error.hint?.printable)
        }
    }

    private static func kind(
        _ word: String,
        _ entry: inout KeyedValues,
        for service: Service
    ) throws(AccountError) -> Kind {
        switch Destination(rawValue: word) {
        case .socket:
            let access = try SocketAccess(&entry)
            return .socket(try content(&entry, for: service), access)
        case .directory: return .directory(try FileOptions(&entry))
        case .kubernetesSecret:
            let secret = try KubernetesSecret(parsing: &entry)
            return .kubernetesSecret(try content(&entry, for: service), secret)
        case nil:
            for key in SocketAccess.keys {
                entry.ignore(
                    key,
                    because: "is for sockets, whose readers are checked, and ignored for a file;"
                        + " did you mean \"format\": \"socket\"?"
                )
            }
            let options = try FileOptions(&entry)
            return .file(try format(word, "format", entry, among: words, for: service), options)
        }
    }

    /// What is delivered where `format` says the way.
    private static func content(
        _ entry: inout KeyedValues,
        for service: Service
    ) throws(AccountError) -> Format {
        let word = try entry.text("content") ?? Format.raw.rawValue
        return try format(word, "content", entry, among: Format.words, for: service)
    }

    private static func format(
        _ word: String,
        _ key: String,
        _ entry: KeyedValues,
        among words: [String],
        for service: Service
    ) throws(AccountError) -> Format {
        guard let format = Format(word: word) else {
            guard TokenPlatform(rawValue: word) != nil else {
                throw entry.unknown(key, word, words)
            }
            throw entry.error(
                key,
                "\(word) is a platform, and not a format of outputs",
                hint:
                    "in a job's step use wif-agent get --format \(word); a file takes raw, env"
                    + " or json"
            )
        }
        if let objection = format.objection(for: service) {
            throw entry.error(
                key,
                objection,
                hint: "write one of "
                    + words.filter { Format(word: $0)?.objection(for: service) == nil }
                    .joined(separator: ", ")
            )
        }
        return format
    }
}

extension SocketAccess {
    /// The keys that say who may read.
    fileprivate static let keys = ["allowUnits", "allowUsers", "allowGroups"]

    fileprivate init(_ entry: inout KeyedValues) throws(AccountError) {
        self.init()
        mode = try entry.mode()
        owner = try entry.text("owner")
        group = try entry.text("group")
        users = try entry.strings("allowUsers")
        groups = try entry.strings("allowGroups")
        units = try Self.units(&entry)
    }

    /// Names of systemd's units, which have a suffix. `systemd.unit(5)`
    private static func units(_ entry: inout KeyedValues) throws(AccountError) -> [String] {
        let units = try entry.strings("allowUnits")
        for unit in units { try entry.checkUnit(unit, "allowUnits") }
        return units
    }
}

extension FileOptions {
    fileprivate init(_ entry: inout KeyedValues) throws(AccountError) {
        self.init()
        if let mode = try entry.mode() {
            if mode & 0o002 != 0 {
                throw entry.error(
                    "mode",
                    "0\(String(mode, radix: 8)) lets everyone write the file",
                    hint: "write \"0640\" for the owner and a group, \"0644\" for all to read"
                )
            }
            self.mode = mode
        }
        owner = try entry.text("owner")
        group = try entry.text("group")
        let expiry = try entry.choice("onExpiry", Expiry.self, among: ["keep", "remove"])
        onExpiry = expiry ?? .keep
        isDirectoryShared = try entry.isTrue("sharedDirectory")
    }
}

extension KeyedValues {
    /// A flag, which a command line can only give as text.
    mutating func isTrue(_ key: String) throws(AccountError) -> Bool {
        if peek(key) == "true" { return try text(key) != nil }
        return try bool(key) ?? false
    }

    /// Permission bits within 0777, in octal.
    fileprivate mutating func mode() throws(AccountError) -> UInt32? {
        guard let value = take("mode") else { return nil }
        guard let text = value.string else {
            throw error(
                "mode",
                "an octal number in quotes is expected, found \(value.kind)",
                hint: "write \"0640\"; without quotes 640 is another number"
            )
        }
        let digits = text.hasPrefix("0o") ? String(text.dropFirst(2)) : text
        guard let mode = UInt32(digits, radix: 8), mode <= 0o777, !digits.hasPrefix("+") else {
            throw error(
                "mode",
                "an octal number within 0777 is expected, found \"\(text.printable)\"",
                hint: "write \"0600\" for the owner alone, \"0640\" for the owner and a group"
            )
        }
        return mode
    }
}
