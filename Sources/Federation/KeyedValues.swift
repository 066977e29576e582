import Kernel
import Text

/// The members of a JSON object, taken one by one, each with an error that names file, key, what was
/// found and what is expected. What nobody took in the end is unknown.
///
/// The snake_case spelling of a key counts as the key (`token_url` for `tokenUrl`).
struct KeyedValues {
    private let place: String
    private var members: [String: JSON] = [:]
    private var known: [String] = []
    /// The warnings of nested objects that are done with.
    private var nested: [AccountWarning] = []

    /// - Parameter place: what stands before a key in messages (`account file /x.json: outputs[0].`).
    init(_ object: [String: JSON], at place: String) throws(AccountError) {
        self.place = place
        for (spelling, value) in object.sorted(by: { $0.key < $1.key }) {
            let key = Self.camelCase(spelling)
            if members.updateValue(value, forKey: key) != nil {
                throw AccountError(
                    "\(place)\(key): is given twice, also as \(spelling.printable)",
                    hint: "keep one of \(key) and \(spelling.printable), and remove the other"
                )
            }
        }
    }

    /// The key at the top of the file below which one of these stands.
    private func top(_ key: String) -> String {
        String((within.isEmpty ? key : within).prefix { !".[".contains($0) })
    }

    /// Every member, by name.
    var allMembers: [(key: String, value: JSON)] { members.sorted { $0.key < $1.key } }

    /// What stands before a key here, without the file: "outputs[0].", or nothing.
    private var within: String {
        String(place.parts(separatedBy: ": ").last ?? "")
    }

    /// The member, or `nil` where it is absent or null.
    mutating func take(_ key: String) -> JSON? {
        known.append(key)
        guard let value = members.removeValue(forKey: key), value != .null else { return nil }
        return value
    }

    /// The member where it is a string, left for whoever takes it.
    func peek(_ key: String) -> String? { members[key]?.string }

    /// A string, or an array of them; none of them empty.
    mutating func texts(_ key: String) throws(AccountError) -> [String] {
        if members[key]?.string != nil { return try text(key).map { [$0] } ?? [] }
        guard let value = members[key], value == .null || value.array != nil else {
            guard let value = take(key) else { return [] }
            throw mismatch(key, value, .stringOrStrings)
        }
        let texts = try strings(key)
        if texts.contains(where: \.trimmed.isEmpty) { throw error(key, "holds an empty string") }
        return texts
    }

    /// Whether the member is there, left for whoever takes it.
    func has(_ key: String) -> Bool { members[key].map { $0 != .null } ?? false }

    mutating func string(_ key: String) throws(AccountError) -> String? {
        guard let value = take(key) else { return nil }
        guard let string = value.string else { throw mismatch(key, value, .string) }
        return string
    }

    /// A string that is not empty.
    mutating func text(_ key: String) throws(AccountError) -> String? {
        guard let text = try string(key) else { return nil }
        if text.trimmed.isEmpty { throw error(key, "is empty") }
        return text
    }

    mutating func requiredText(_ key: String, _ expected: String) throws(AccountError) -> String {
        guard let text = try text(key) else { throw missing(key, expected) }
        return text
    }

    mutating func bool(_ key: String) throws(AccountError) -> Bool? {
        guard let value = take(key) else { return nil }
        guard let bool = value.bool else { throw mismatch(key, value, .bool) }
        return bool
    }

    /// A number, in seconds or milliseconds as the key says, within the range.
    mutating func number(
        _ key: String,
        in range: ClosedRange<Double>
    ) throws(AccountError) -> Double? {
        guard let value = take(key) else { return nil }
        let number: Double
        switch value {
        case .integer(let integer): number = Double(integer)
        case .number(let double): number = double
        case .string(let text): throw lengthInQuotes(key, text, range)
        case .null, .bool, .array, .object: throw mismatch(key, value, .number)
        }
        guard range.contains(number) else {
            let bounds = "\(Int(range.lowerBound)) to \(Int(range.upperBound))"
            let unit = key.hasSuffix("Millis") ? "milliseconds" : "seconds"
            throw error(
                key,
                "is out of range; \(bounds) is expected, found"
                    + " \(String(decoding: value.serialized(), as: UTF8.self))",
                hint: "write a number of \(unit) from \(bounds)"
            )
        }
        return number
    }

    /// What is said of a length of time in quotes, perhaps with a unit.
    private func lengthInQuotes(
        _ key: String,
        _ text: String,
        _ range: ClosedRange<Double>
    ) -> AccountError {
        let isMillis = key.hasSuffix("Millis")
        let unit = isMillis ? "milliseconds" : "seconds"
        let bare = Double(text)
        let amount = bare ?? seconds(ofLength: text).map { isMillis ? $0 * 1000 : $0 }
        let number = amount.flatMap { range.contains($0) ? String(Int($0)) : nil }
        let shown = text.count < 40 ? " \"\(text.printable)\"" : ""
        return error(
            key,
            "a number of \(unit) is expected, found a string\(shown)",
            hint: "write \(number ?? "a number of \(unit)") without quotes"
                + (bare == nil && number != nil ? ", the number of \(unit)" : "")
        )
    }

    mutating func object(_ key: String) throws(AccountError) -> KeyedValues? {
        guard let value = take(key) else { return nil }
        guard let object = value.object else {
            let failure = mismatch(key, value, .object)
            guard key == "credentialSource", let word = value.string else { throw failure }
            throw AccountError(
                failure.message,
                hint: "write {\"provider\": \"\(word.printable)\"}",
                key: key
            )
        }
        return try KeyedValues(object, at: "\(place)\(key).")
    }

    mutating func objects(_ key: String) throws(AccountError) -> [KeyedValues] {
        guard let value = take(key) else { return [] }
        guard let elements = value.array else { throw mismatch(key, value, .objects) }
        var result: [KeyedValues] = []
        for (index, element) in elements.enumerated() {
            let name = "\(key)[\(index)]"
            guard let object = element.object else { throw mismatch(name, element, .object) }
            result.append(try KeyedValues(object, at: "\(place)\(name)."))
        }
        return result
    }

    mutating func strings(_ key: String) throws(AccountError) -> [String] {
        guard let value = take(key) else { return [] }
        guard let elements = value.array else { throw mismatch(key, value, .strings) }
        var result: [String] = []
        for (index, element) in elements.enumerated() {
            guard let string = element.string else {
                throw mismatch("\(key)[\(index)]", element, .string)
            }
            result.append(string)
        }
        return result
    }

    /// A string that is one of a type's raw values.
    mutating func choice<Value: RawRepresentable<String>>(
        _ key: String,
        _ type: Value.Type,
        among names: [String]
    ) throws(AccountError) -> Value? {
        guard let text = try string(key) else { return nil }
        guard let value = Value(rawValue: text) else { throw unknown(key, text, names) }
        return value
    }

    mutating func absolutePath(_ key: String) throws(AccountError) -> String? {
        guard let path = try text(key) else { return nil }
        guard path.hasPrefix("/") else {
            throw error(
                key,
                "is a relative path (\(path.printable)); an absolute one is expected",
                hint: Self.absoluteHint(path)
            )
        }
        if path.utf8.contains(0) { throw error(key, "holds a zero byte") }
        return path
    }

    /// What to write for a path that does not begin with `/`.
    private static func absoluteHint(
        _ path: String,
        isProgram: Bool = false
    ) -> String {
        if path.hasPrefix("file:/") {
            let rest = String(path.dropFirst("file:".count).drop { $0 == "/" })
            return "a path stands there without file://: write /\(rest.printable)"
        }
        if path.hasPrefix("unix:") {
            let rest = String(path.dropFirst("unix:".count).drop { $0 == "/" })
            return "write the path alone: /\(rest.printable)"
        }
        if path.hasPrefix("%") {
            let names = [
                "%t": "/run", "%S": "/var/lib", "%h": "/root", "%d": "/run/credentials/UNIT",
            ]
            let example = names[String(path.prefix(2))].map { ": \($0)\(path.dropFirst(2))" } ?? ""
            return "systemd's % specifiers are not expanded here: write the absolute path"
                + example.printable
        }
        if path.hasPrefix("http:") || path.hasPrefix("https:") {
            return "that is a URL: write it as credentialSource {\"url\": ...}"
        }
        if path.dropFirst().hasPrefix(":\\") || path.dropFirst().hasPrefix(":/") {
            return "that is a path of Windows: write one of this machine, from / on"
        }
        let isExpanded = path.hasPrefix("~") || path.contains("$")
        return (isExpanded ? "~ and variables are not expanded here: " : "")
            + "write the absolute path, from / on"
            + (isExpanded || isProgram
                ? "" : ", such as /\(String(path.drop { "./".contains($0) }).printable)")
    }

    /// Refuses a program without its absolute path.
    func checkProgram(_ program: String) throws(AccountError) {
        guard program.hasPrefix("/") else {
            let found = program.isEmpty ? "none" : program.printable
            throw error(
                "command",
                "the program's absolute path is expected, found \(found)",
                hint: Self.absoluteHint(program, isProgram: true)
                    + (program.isEmpty ? "" : "; command -v \(program.printable) shows it")
            )
        }
    }

    mutating func endpoint(
        _ key: String,
        plainHTTP: Endpoint.PlainHTTP = .loopback
    ) throws(AccountError) -> Endpoint? {
        guard let text = try text(key) else { return nil }
        return try endpoint(key, text, plainHTTP)
    }

    mutating func endpoint(_ key: String, default text: String) throws(AccountError) -> Endpoint {
        try endpoint(key, self.text(key) ?? text)
    }

    /// The endpoint that a text names, for the key.
    func endpoint(
        _ key: String,
        _ text: String,
        _ plainHTTP: Endpoint.PlainHTTP = .loopback
    ) throws(AccountError) -> Endpoint {
        do throws(EndpointError) {
            return try Endpoint(text, plainHTTP: plainHTTP)
        } catch {
            throw self.error(
                key,
                error.reason,
                hint: error.isOfUserInfo
                    ? "leave USER:PASSWORD@ out of it" : Self.correction(of: text)
            )
        }
    }

    /// The same URL with https, for one with http; never what stands in its query.
    private static func correction(of url: String) -> String? {
        guard url.lowercased().hasPrefix("http://"), !url.contains("@") else { return nil }
        return "write https://\(String(url.dropFirst(7).prefix { $0 != "?" }).printable)"
    }

    /// Nothing more is taken from an object that was a member.
    mutating func finish(_ object: KeyedValues) { nested += object.unknownKeys() }

    /// A warning for each member that nobody took, here and in the objects that are done with.
    func unknownKeys() -> [AccountWarning] {
        nested
            + members.keys.sorted().map { key in
                let guess =
                    KeyGuess.place(of: key, in: within)
                    ?? (within.isEmpty ? KeyGuess.service(of: key) : nil)
                let known = KeyGuess.known(for: key, among: known)
                let end = (guess ?? known.map { "did you mean \($0)?" }).map { "; \($0)" } ?? ""
                return AccountWarning(
                    "\(place)\(key.printable): unknown key, ignored\(end)",
                    hint: guess
                        ?? known.map { "write \"\($0)\" in place of \"\(key.printable)\"" }
                )
            }
    }

    /// An error for a member that nobody took and that is one of these keys misspelt.
    func misspelling(of keys: [String]) -> AccountError? {
        for key in members.keys.sorted() {
            if let meant = KeyGuess.known(for: key, among: known), keys.contains(meant) {
                return error(key.printable, "is no key of an output", hint: "write \(meant)")
            }
        }
        return nil
    }

    /// Leaves a member out that means nothing here; a warning says why.
    mutating func ignore(_ key: String, because reason: String) {
        guard members.removeValue(forKey: key) != nil else { return }
        nested.append(AccountWarning("\(place)\(key): \(reason)"))
    }

    /// The key with what stands before it in messages.
    func name(of key: String) -> String { place + key }

    func error(_ key: String, _ problem: String, hint: String? = nil) -> AccountError {
        AccountError(
            "\(place)\(key): \(problem)",
            hint: hint ?? KeyGuess.example(of: key),
            key: top(key)
        )
    }

    /// A required key that is not there, perhaps because it is there misspelt.
    /// - Parameter expected: what its value would be, `an absolute path`.
    func missing(_ key: String, _ expected: String) -> AccountError {
        missing(key, because: "\(expected) is expected", ", \(expected)")
    }

    /// The same where only one value is possible.
    func missing(_ key: String, value: String) -> AccountError {
        missing(key, because: "\"\(value)\" is expected", ": \"\(value)\"")
    }

    /// The same with the reason why it is required.
    func missing(_ key: String, because reason: String) -> AccountError {
        missing(key, because: reason, ", \(reason)")
    }

    private func missing(
        _ key: String,
        because reason: String,
        _ value: String
    ) -> AccountError {
        let guess =
            members.keys.sorted().first { KeyGuess.known(for: $0, among: [key]) == key }
        return AccountError(
            "\(place)\(key): is missing; \(reason)",
            hint: guess.map { "rename \($0.printable), which is there, to \(key)" }
                ?? "add \"\(key)\"\(value)",
            isOfAbsentKey: guess == nil,
            key: top(key)
        )
    }

    func unknown(_ key: String, _ found: String, _ names: [String]) -> AccountError {
        let guess =
            ValueSynonyms.meant(by: found, of: key, among: names)
            ?? nearest(to: found, among: names)
        return error(
            key,
            "\"\(found.printable)\" is not known; one of \(names.joined(separator: ", "))",
            hint: guess.map { "did you mean \($0)? write \"\(key)\": \"\($0)\"" }
                ?? (names.count < 6
                    ? "write one of them: \(names.joined(separator: ", "))"
                    : "write one of these; wif-agent.json(5) explains each")
        )
    }

    /// What is said of a value of the wrong kind, with how to write it.
    func mismatch(_ key: String, _ found: JSON, _ expected: ExpectedValue) -> AccountError {
        error(key, expected.objection(to: found), hint: expected.correction(of: found))
    }

    static func camelCase(_ key: String) -> String {
        let parts = key.split(separator: "_")
        guard let first = parts.first, parts.count > 1 else { return key }
        return parts.dropFirst().reduce(String(first)) { result, part in
            result + part.prefix(1).uppercased() + part.dropFirst()
        }
    }
}
