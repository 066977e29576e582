/// CEL's `int()`, `string()` and the other conversions.
enum Conversion {
    static func apply(_ name: String, _ value: Value, _ meter: inout Meter) throws(Fault) -> Value {
        let result: Value?
        switch name {
        case "dyn": result = value
        case "type": result = .type(value.typeName)
        case "int": result = try int(value)
        case "uint": result = try uint(value)
        case "double": result = try double(value)
        case "string": result = try string(value, &meter)
        case "bytes": result = bytes(value)
        case "bool": result = try bool(value)
        case "timestamp": result = try timestamp(value)
        case "duration": result = try duration(value)
        default: result = nil
        }
        guard let result else { throw .noOverload("\(name)()", value) }
        return result
    }

    private static func int(_ value: Value) throws(Fault) -> Value? {
        switch value {
        case .int: return value
        case .uint(let number): return .int(try inRange(Int64(exactly: number), "int"))
        case .double(let number):
            // The least integer is left out too: as a double it stands for its neighbours as well.
            let whole = number.rounded(.towardZero)
            return .int(try inRange(whole > -0x1p63 ? Int64(exactly: whole) : nil, "int"))
        case .string(let text): return .int(try number(Int64(text), text, "int"))
        case .timestamp(let time): return .int(time.seconds)
        default: return nil
        }
    }

    private static func uint(_ value: Value) throws(Fault) -> Value? {
        switch value {
        case .uint: return value
        case .int(let number): return .uint(try inRange(UInt64(exactly: number), "uint"))
        case .double(let number):
            let whole = number < 0 ? nil : UInt64(exactly: number.rounded(.towardZero))
            return .uint(try inRange(whole, "uint"))
        case .string(let text): return .uint(try number(UInt64(text), text, "uint"))
        default: return nil
        }
    }

    private static func double(_ value: Value) throws(Fault) -> Value? {
        switch value {
        case .double: value
        case .int(let number): .double(Double(number))
        case .uint(let number): .double(Double(number))
        case .string(let text): .double(try number(Double(text), text, "double"))
        default: nil
        }
    }

    private static func string(_ value: Value, _ meter: inout Meter) throws(Fault) -> Value? {
        switch value {
        case .string: return value
        case .int(let number): return .string(String(number))
        case .uint(let number): return .string(String(number))
        case .double(let number): return .string(shortest(number))
        case .bool(let bool): return .string(bool ? "true" : "false")
        case .timestamp(let time): return .string(time.text)
        case .duration(let nanoseconds): return .string(durationText(nanoseconds))
        case .bytes(let bytes):
            try meter.charge(bytes: bytes.count)
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw Fault("bytes are not UTF-8")
            }
            return .string(text)
        default: return nil
        }
    }

    private static func bytes(_ value: Value) -> Value? {
        switch value {
        case .bytes: value
        case .string(let text): .bytes(Array(text.utf8))
        default: nil
        }
    }

    private static func bool(_ value: Value) throws(Fault) -> Value? {
        switch value {
        case .bool: return value
        case .string("1"), .string("t"), .string("true"), .string("TRUE"), .string("True"):
            return .bool(true)
        case .string("0"), .string("f"), .string("false"), .string("FALSE"), .string("False"):
            return .bool(false)
        case .string(let text): throw noNumber(text, "bool")
        default: return nil
        }
    }

    private static func timestamp(_ value: Value) throws(Fault) -> Value? {
        switch value {
        case .timestamp: value
        case .int(let seconds): .timestamp(try Timestamp(seconds: seconds))
        case .string(let text): .timestamp(try TimeText.timestamp(text))
        default: nil
        }
    }

    private static func duration(_ value: Value) throws(Fault) -> Value? {
        switch value {
        case .duration: value
        case .string(let text): .duration(try TimeText.duration(text))
        default: nil
        }
    }

    private static func inRange<Number>(
        _ number: Number?,
        _ type: String
    ) throws(Fault) -> Number {
        guard let number else { throw Fault("a number is out of range for \(type)") }
        return number
    }

    private static func number<Number>(
        _ number: Number?,
        _ text: String,
        _ type: String
    ) throws(Fault) -> Number {
        guard let number else { throw noNumber(text, type) }
        return number
    }

    private static func noNumber(_ text: String, _ type: String) -> Fault {
        Fault("\(Value.string(text).rendered) is no \(type)")
    }
}
