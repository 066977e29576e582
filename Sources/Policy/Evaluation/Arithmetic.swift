/// CEL's `+ - * / %` and unary `-`: 64 bits, overflow and division by zero are errors, and the number
/// types do not mix. CEL language definition, "Standard Definitions"
enum Arithmetic {
    static func apply(
        _ operation: Node.Operator,
        _ left: Value,
        _ right: Value,
        _ meter: inout Meter
    ) throws(Fault) -> Value {
        switch (left, right) {
        case (.int(let left), .int(let right)): return .int(try integer(operation, left, right))
        case (.uint(let left), .uint(let right)): return .uint(try integer(operation, left, right))
        case (.double(let left), .double(let right)):
            if let result = double(operation, left, right) { return .double(result) }
        default:
            if operation == .add, let sum = try joined(left, right, &meter) { return sum }
            if let result = try time(operation, left, right) { return result }
        }
        throw .noOverload(operation.rawValue, left, right)
    }

    static func negated(_ value: Value) throws(Fault) -> Value {
        switch value {
        case .int(let number):
            if number == .min { throw overflow }
            return .int(-number)
        case .double(let number): return .double(-number)
        default: throw .noOverload("-", value)
        }
    }

    private static let overflow = Fault("an integer overflows")

    private static func integer<Integer: FixedWidthInteger>(
        _ operation: Node.Operator,
        _ left: Integer,
        _ right: Integer
    ) throws(Fault) -> Integer {
        let result: (partialValue: Integer, overflow: Bool)
        switch operation {
        case .add: result = left.addingReportingOverflow(right)
        case .subtract: result = left.subtractingReportingOverflow(right)
        case .multiply: result = left.multipliedReportingOverflow(by: right)
        case .divide:
            if right == 0 { throw Fault("a division by zero") }
            result = left.dividedReportingOverflow(by: right)
        default:
            if right == 0 { throw Fault("a modulus of zero") }
            result = left.remainderReportingOverflow(dividingBy: right)
        }
        if result.overflow { throw overflow }
        return result.partialValue
    }

    private static func double(
        _ operation: Node.Operator,
        _ left: Double,
        _ right: Double
    ) -> Double? {
        switch operation {
        case .add: left + right
        case .subtract: left - right
        case .multiply: left * right
        case .divide: left / right
        default: nil
        }
    }

    private static func joined(
        _ left: Value,
        _ right: Value,
        _ meter: inout Meter
    ) throws(Fault) -> Value? {
        switch (left, right) {
        case (.string(let left), .string(let right)):
            try meter.charge(bytes: left.utf8.count + right.utf8.count)
            return .string(left + right)
        case (.bytes(let left), .bytes(let right)):
            try meter.charge(bytes: left.count + right.count)
            return .bytes(left + right)
        case (.list(let left), .list(let right)):
            try meter.charge(elements: left.count + right.count)
            return .list(left + right)
        default: return nil
        }
    }

    private static func time(
        _ operation: Node.Operator,
        _ left: Value,
        _ right: Value
    ) throws(Fault) -> Value? {
        switch (operation, left, right) {
        case (.add, .timestamp(let time), .duration(let span)),
            (.add, .duration(let span), .timestamp(let time)):
            return .timestamp(try time.advanced(by: span))
        case (.subtract, .timestamp(let time), .duration(let span)):
            if span == .min { throw overflow }
            return .timestamp(try time.advanced(by: -span))
        case (.subtract, .timestamp(let left), .timestamp(let right)):
            return .duration(try left.since(right))
        case (.add, .duration(let left), .duration(let right)),
            (.subtract, .duration(let left), .duration(let right)):
            return .duration(try integer(operation, left, right))
        default: return nil
        }
    }
}
