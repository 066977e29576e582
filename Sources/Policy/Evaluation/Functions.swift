import RegularExpressions

extension Evaluator {
    mutating func apply(
        _ operation: Node.Operator,
        _ left: Value,
        _ right: Value
    ) throws(Fault) -> Value {
        switch operation {
        case .equal: return .bool(try Value.areEqual(left, right, &meter))
        case .unequal: return .bool(!(try Value.areEqual(left, right, &meter)))
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            guard let order = Value.compare(left, right) else {
                throw .noOverload(operation.rawValue, left, right)
            }
            return .bool(Self.holds(operation, order))
        case .isIn: return .bool(try isMember(left, of: right))
        default: return try Arithmetic.apply(operation, left, right, &meter)
        }
    }

    private static func holds(_ operation: Node.Operator, _ order: Value.Order) -> Bool {
        switch operation {
        case .less: order == .before
        case .lessOrEqual: order == .before || order == .same
        case .greater: order == .after
        default: order == .after || order == .same
        }
    }

    private mutating func isMember(_ value: Value, of container: Value) throws(Fault) -> Bool {
        switch container {
        case .list(let elements):
            for element in elements where try Value.areEqual(value, element, &meter) { return true }
            return false
        case .map(let map): return map[value] != nil
        default: throw .noOverload("in", value, container)
        }
    }

    /// A function, or a method with its receiver as the first argument.
    mutating func call(_ name: String, _ arguments: [Value]) throws(Fault) -> Value {
        guard let first = arguments.first else { throw Fault("\(name)() has no argument") }
        if name == "size" { return .int(Int64(try size(of: first))) }
        if arguments.count == 2, let result = try textCall(name, first, arguments[1]) {
            return result
        }
        if name.hasPrefix("get") { return try TimeParts.value(name, arguments) }
        return try Conversion.apply(name, first, &meter)
    }

    private mutating func size(of value: Value) throws(Fault) -> Int {
        switch value {
        case .string(let text):
            try meter.charge(bytes: text.utf8.count)
            return text.unicodeScalars.count
        case .bytes(let bytes): return bytes.count
        case .list(let elements): return elements.count
        case .map(let map): return map.count
        default: throw .noOverload("size()", value)
        }
    }

    /// `nil` if the name is no function of texts.
    private mutating func textCall(
        _ name: String,
        _ receiver: Value,
        _ argument: Value
    ) throws(Fault) -> Value? {
        guard ["contains", "startsWith", "endsWith", "matches"].contains(name) else { return nil }
        guard case .string(let text) = receiver, case .string(let part) = argument else {
            throw .noOverload("\(name)()", receiver, argument)
        }
        try meter.charge(bytes: text.utf8.count + part.utf8.count)
        return switch name {
        case "contains": .bool(occurs(Array(part.utf8), in: Array(text.utf8)))
        case "startsWith": .bool(text.utf8.starts(with: part.utf8))
        case "endsWith": .bool(text.utf8.reversed().starts(with: part.utf8.reversed()))
        default: .bool(try matches(part, in: text))
        }
    }

    private mutating func matches(_ pattern: String, in text: String) throws(Fault) -> Bool {
        let expression = try expression(for: pattern)
        try meter.charge(bytes: text.utf8.count)
        return try expression.occurs(in: text) { work throws(Fault) in try meter.charge(work) }
    }

    private mutating func expression(for pattern: String) throws(Fault) -> RegularExpression {
        if let known = patterns[pattern] { return known }
        let expression: RegularExpression
        do throws(RegexError) {
            expression = try RegularExpression(pattern)
        } catch {
            throw Fault("the regular expression \(error.reason)")
        }
        try meter.charge(1 + expression.size / 8)
        patterns[pattern] = expression
        return expression
    }
}

/// Whether a byte sequence occurs in another, in time linear in both (Knuth, Morris, Pratt).
func occurs(_ part: [UInt8], in text: [UInt8]) -> Bool {
    if part.isEmpty { return true }
    var borders = [0]
    var length = 0
    for byte in part.dropFirst() {
        while length > 0 && part[length] != byte { length = borders[length - 1] }
        if part[length] == byte { length += 1 }
        borders.append(length)
    }
    length = 0
    for byte in text {
        while length > 0 && part[length] != byte { length = borders[length - 1] }
        if part[length] == byte { length += 1 }
        if length == part.count { return true }
    }
    return false
}

/// `getHours()` and the like.
enum TimeParts {
    static func value(_ name: String, _ arguments: [Value]) throws(Fault) -> Value {
        switch arguments[0] {
        case .duration(let nanoseconds) where arguments.count == 1:
            return .int(try part(name, of: nanoseconds))
        case .timestamp(let time):
            var zone: Int64 = 0
            if arguments.count > 1 {
                guard case .string(let name) = arguments[1] else { break }
                zone = try TimeText.zone(name)
            }
            return .int(part(name, of: time, zone: zone))
        default: break
        }
        throw Fault(
            "\(name)() does not apply to \(arguments.map(\.typeName).joined(separator: ", "))"
        )
    }

    private static func part(_ name: String, of time: Timestamp, zone: Int64) -> Int64 {
        let civil = CivilTime(seconds: time.seconds + zone)
        return switch name {
        case "getFullYear": civil.year
        case "getMonth": civil.month - 1
        case "getDate": civil.day
        case "getDayOfMonth": civil.day - 1
        case "getDayOfWeek": civil.dayOfWeek
        case "getDayOfYear": civil.dayOfYear
        case "getHours": civil.hour
        case "getMinutes": civil.minute
        case "getSeconds": civil.second
        default: time.nanoseconds / 1_000_000
        }
    }

    /// The whole duration in that unit, but milliseconds within the second.
    private static func part(_ name: String, of nanoseconds: Int64) throws(Fault) -> Int64 {
        switch name {
        case "getHours": nanoseconds / 3_600_000_000_000
        case "getMinutes": nanoseconds / 60_000_000_000
        case "getSeconds": nanoseconds / 1_000_000_000
        case "getMilliseconds": nanoseconds / 1_000_000 % 1000
        default: throw Fault("\(name)() does not apply to a duration")
        }
    }
}
