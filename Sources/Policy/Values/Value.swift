import Federation
import Text

/// A value of CEL.
indirect enum Value: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case list([Value])
    case map(MapValue)
    case timestamp(Timestamp)
    /// Nanoseconds, as CEL's most used implementation counts them.
    case duration(Int64)
    case type(String)

    /// CEL's name of the value's type.
    var typeName: String {
        switch self {
        case .null: "null_type"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .list: "list"
        case .map: "map"
        case .timestamp: "google.protobuf.Timestamp"
        case .duration: "google.protobuf.Duration"
        case .type: "type"
        }
    }

    /// A claim as a value.
    ///
    /// A whole number that fits is an int. Services that decode claims to generic JSON hold every
    /// number as a double instead; `==`, `<` and `in` compare numbers by value across types, so they
    /// give the same either way, arithmetic may not.
    init(_ json: JSON) {
        switch json {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .int(value)
        case .number(let value): self = .double(value)
        case .string(let text): self = .string(text)
        case .array(let elements): self = .list(elements.map(Value.init))
        case .object(let members):
            var map = MapValue()
            for (key, member) in members.sorted(by: { $0.key < $1.key }) {
                map.insert(.string(key), Value(member))
            }
            self = .map(map)
        }
    }
}

/// A map of CEL: keys are strings, integers or booleans, in the order they came.
struct MapValue: Sendable {
    /// A key, equal across number types if equal by value. Text is compared byte by byte: Swift's own
    /// equality of strings takes canonically equivalent ones for the same.
    private enum Key: Hashable {
        case bool(Bool)
        case negative(Int64)
        case natural(UInt64)
        case text([UInt8])

        init?(_ value: Value) {
            switch value {
            case .bool(let bool): self = .bool(bool)
            case .string(let text): self = .text(Array(text.utf8))
            case .uint(let number): self = .natural(number)
            case .int(let number): self = number < 0 ? .negative(number) : .natural(UInt64(number))
            case .double(let number):
                if let natural = UInt64(exactly: number) {
                    self = .natural(natural)
                } else if let negative = Int64(exactly: number) {
                    self = .negative(negative)
                } else {
                    return nil
                }
            default: return nil
            }
        }
    }

    private(set) var keys: [Value] = []
    private(set) var values: [Value] = []
    private var places: [Key: Int] = [:]

    var count: Int { keys.count }

    /// Adds an entry; `false` if the key is there already or can be none.
    @discardableResult
    mutating func insert(_ key: Value, _ value: Value) -> Bool {
        guard let place = Key(key), places[place] == nil else { return false }
        places[place] = keys.count
        keys.append(key)
        values.append(value)
        return true
    }

    subscript(key: Value) -> Value? {
        guard let key = Key(key), let place = places[key] else { return nil }
        return values[place]
    }

    /// Whether a value of this type can be a key at all.
    static func canBeKey(_ value: Value) -> Bool {
        switch value {
        case .bool, .int, .uint, .string: true
        default: false
        }
    }
}

/// Why an evaluation gives no value, for a reader.
struct Fault: Error, Equatable {
    let message: String
    /// The byte of the condition it concerns, once known.
    var offset: Int?
    /// Whether `&&` and `||` must not absorb it: the evaluation has to end.
    var isFatal = false
    /// The name that an object does not have, where that is the reason.
    private(set) var absentKey: String?

    init(_ message: String, isFatal: Bool = false) {
        self.message = message
        self.isFatal = isFatal
    }

    /// - Parameter shown: the name as the message has it.
    static func noKey(_ name: String, shown: String) -> Fault {
        var fault = Fault("no such key: \(shown)")
        fault.absentKey = name
        return fault
    }

    static func noOverload(_ operation: String, _ values: Value...) -> Fault {
        Fault("\(operation) does not apply to \(values.map(\.typeName).joined(separator: ", "))")
    }
}

/// Counts what an evaluation spends, and ends one that spends too much.
struct Meter {
    private(set) var spent = 0

    mutating func charge(_ units: Int = 1) throws(Fault) {
        spent += max(units, 0)
        if spent > Limits.steps {
            throw Fault("the evaluation takes more than \(Limits.steps) steps", isFatal: true)
        }
    }

    /// Charges for reading or making that many bytes.
    mutating func charge(bytes: Int) throws(Fault) {
        try charge(1 + bytes / 64)
        if bytes > Limits.textLength {
            throw Fault("a text of more than \(Limits.textLength) bytes", isFatal: true)
        }
    }

    mutating func charge(elements: Int) throws(Fault) {
        try charge(1 + elements / 4)
        if elements > Limits.elements {
            throw Fault("a list of more than \(Limits.elements) elements", isFatal: true)
        }
    }
}
