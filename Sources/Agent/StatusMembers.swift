import Kernel
package import Text

/// A part of the status: an object of JSON whose members one list names, for whoever writes it and for
/// whoever reads it.
package protocol StatusRecord: Sendable {
    init()

    /// Names each member once, in whichever direction.
    mutating func visit(_ members: inout StatusMembers)
}

extension StatusRecord {
    /// The record as an object.
    package var json: JSON {
        var (copy, members) = (self, StatusMembers())
        copy.visit(&members)
        return .object(members.values)
    }

    /// Reads an object; a member that is missing or of another kind keeps its usual value, so that agents of
    /// other versions are understood. `nil` for what is no object.
    package init?(json: JSON) {
        guard let values = json.object else { return nil }
        self.init()
        var members = StatusMembers(reading: values)
        visit(&members)
    }
}

/// The members of a ``StatusRecord``, which are written or read one after the other.
package struct StatusMembers {
    fileprivate private(set) var values: [String: JSON]
    private let isReading: Bool

    fileprivate init() { (values, isReading) = ([:], false) }

    fileprivate init(reading values: [String: JSON]) { (self.values, isReading) = (values, true) }

    private mutating func member<Value>(
        _ name: String,
        _ value: inout Value,
        _ write: (Value) -> JSON?,
        _ read: (JSON) -> Value?
    ) {
        if !isReading {
            values[name] = write(value)
        } else if let found = values[name].flatMap(read) {
            value = found
        }
    }

    mutating func text(_ name: String, _ value: inout String) {
        member(name, &value, JSON.string, \.string)
    }

    /// - Parameter isAlwaysThere: whether an absent one is written as `null`.
    mutating func text(_ name: String, _ value: inout String?, isAlwaysThere: Bool = false) {
        let absent = isAlwaysThere ? JSON.null : nil
        member(name, &value, { $0.map(JSON.string) ?? absent }, { $0.string })
    }

    mutating func texts(_ name: String, _ value: inout [String]) {
        member(name, &value, { .array($0.map(JSON.string)) }, { $0.array?.compactMap(\.string) })
    }

    mutating func word<Word: RawRepresentable<String>>(_ name: String, _ value: inout Word?) {
        member(name, &value, { $0.map { .string($0.rawValue) } }, { $0.string.flatMap(Word.init) })
    }

    mutating func flag(_ name: String, _ value: inout Bool) {
        member(name, &value, JSON.bool, \.bool)
    }

    mutating func flag(_ name: String, _ value: inout Bool?) {
        member(name, &value, { $0.map(JSON.bool) }, { $0.bool })
    }

    mutating func count(_ name: String, _ value: inout Int) {
        member(
            name,
            &value,
            { .integer(Int64($0)) },
            { $0.lenientNumber.map { Int($0.clamped(to: -1e15...1e15)) } }
        )
    }

    /// Whole ones, the rest cut off.
    mutating func seconds(_ name: String, _ value: inout Double?) {
        member(
            name,
            &value,
            { $0.map { .integer(Int64($0.clamped(to: -1e15...1e15))) } },
            { $0.lenientNumber }
        )
    }

    mutating func number(_ name: String, _ value: inout Double?) {
        member(name, &value, { $0.map(JSON.number) }, { $0.lenientNumber })
    }

    /// In RFC 3339.
    mutating func date(_ name: String, _ value: inout WallTime?) {
        member(
            name,
            &value,
            { $0.map { .string(rfc3339($0)) } },
            { $0.string.flatMap { Text.date(rfc3339: $0) } }
        )
    }

    mutating func record<Record: StatusRecord>(_ name: String, _ value: inout Record?) {
        member(name, &value, { $0?.json }, { Record(json: $0) })
    }

    mutating func records<Record: StatusRecord>(_ name: String, _ value: inout [Record]) {
        member(
            name,
            &value,
            { .array($0.map(\.json)) },
            { $0.array?.compactMap(Record.init(json:)) }
        )
    }
}
