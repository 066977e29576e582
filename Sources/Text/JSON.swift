/// A JSON value (RFC 8259), for documents whose keys are looked at one by one.
package enum JSON: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// Parses one JSON text in UTF-8; nothing may follow it but white space.
    /// - Throws: ``JSONError``.
    package init(parsing bytes: some Collection<UInt8>) throws(JSONError) {
        var parser = JSONParser(bytes: [UInt8](bytes))
        self = try parser.document()
    }

    /// The value as JSON, keys sorted, `/` as it is; on one line, or indented for people.
    package func serialized(indented: Bool = false) -> [UInt8] {
        var writer = JSONWriter(isIndented: indented)
        writer.write(self)
        return writer.bytes
    }

    /// The member of an object; `nil` for anything else.
    package subscript(key: String) -> JSON? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    package var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    package var array: [JSON]? {
        if case .array(let value) = self { value } else { nil }
    }

    package var object: [String: JSON]? {
        if case .object(let value) = self { value } else { nil }
    }

    /// A number, or a string that holds one, as services send `expires_in`; `nil` for anything else.
    package var lenientNumber: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .string(let text): Double(text).flatMap { $0.isFinite ? $0 : nil }
        case .null, .bool, .array, .object: nil
        }
    }

    /// A number of seconds or a date that can be counted in whole seconds and shown; `nil` for one
    /// that is thousands of years off.
    package var time: Double? {
        guard let number = lenientNumber, abs(number) <= 1e11 else { return nil }
        return number
    }

    /// What kind of value this is, in a reader's words ("a string", "an object").
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// A text that is no JSON; `reason` says what rule is broken and where, and quotes nothing but keys.
package struct JSONError: Error, Equatable, Sendable {
    package let reason: String
    /// The rule of JSON that is broken; `nil` where the text is JSON, and not what its reader expects.
    package let fault: JSONFault?
    /// How many bytes stand before the place; `nil` where none is meant.
    package let offset: Int?

    package init(reason: String, fault: JSONFault? = nil, offset: Int? = nil) {
        (self.reason, self.fault, self.offset) = (reason, fault, offset)
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
}

/// Writes JSON text, RFC 8259 section 7's escapes and no others.
private struct JSONWriter {
    let isIndented: Bool
    var bytes: [UInt8] = []
    private var depth = 0

    init(isIndented: Bool) {
        self.isIndented = isIndented
    }

    mutating func write(_ value: JSON) {
        switch value {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .integer(let value): bytes += String(value).utf8
        case .number(let value): bytes += (value.isFinite ? String(value) : "null").utf8
        case .string(let text): write(text)
        case .array(let elements):
            list("[", elements, "]") { writer, element in writer.write(element) }
        case .object(let members):
            let sorted = members.sorted { $0.key < $1.key }
            list("{", sorted, "}") { writer, member in
                writer.write(member.key)
                writer.bytes += (writer.isIndented ? ": " : ":").utf8
                writer.write(member.value)
            }
        }
    }

    private mutating func list<Item>(
        _ opening: String,
        _ items: [Item],
        _ closing: String,
        _ write: (inout JSONWriter, Item) -> Void
    ) {
        bytes += opening.utf8
        depth += 1
        for (index, item) in items.enumerated() {
            if index > 0 { bytes += ",".utf8 }
            startLine()
            write(&self, item)
        }
        depth -= 1
        if !items.isEmpty { startLine() }
        bytes += closing.utf8
    }

    private mutating func startLine() {
        if isIndented { bytes += "\n\(String(repeating: "  ", count: depth))".utf8 }
    }

    mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": bytes += "\\\"".utf8
            case "\\": bytes += "\\\\".utf8
            case "\n": bytes += "\\n".utf8
            case " "..."~": bytes.append(UInt8(scalar.value))
            // A terminal or a log may show this text: no control characters, of Unicode's either.
            case _ where scalar.properties.generalCategory.isUnprintable:
                for unit in String(scalar).utf16 { writeEscape(unit) }
            default: bytes += String(scalar).utf8
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func writeEscape(_ unit: UInt16) {
        let digits = Array("0123456789abcdef".utf8)
        bytes += "\\u".utf8
        for shift in [12, 8, 4, 0] { bytes.append(digits[Int(unit >> shift & 15)]) }
    }
}
