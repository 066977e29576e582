extension Value {
    /// CEL's `==`: numbers by value across types, otherwise values of different types are unequal.
    static func areEqual(
        _ left: Value,
        _ right: Value,
        _ meter: inout Meter
    ) throws(Fault) -> Bool {
        try meter.charge()
        switch (left, right) {
        case (.null, .null): return true
        case (.bool(let left), .bool(let right)): return left == right
        case (.string(let left), .string(let right)):
            try meter.charge(bytes: min(left.utf8.count, right.utf8.count))
            return left.utf8.elementsEqual(right.utf8)
        case (.bytes(let left), .bytes(let right)):
            try meter.charge(bytes: min(left.count, right.count))
            return left == right
        case (.list(let left), .list(let right)):
            guard left.count == right.count else { return false }
            for (left, right) in zip(left, right)
            where try !areEqual(left, right, &meter) { return false }
            return true
        case (.map(let left), .map(let right)): return try areEqual(left, right, &meter)
        case (.timestamp(let left), .timestamp(let right)): return left == right
        case (.duration(let left), .duration(let right)): return left == right
        case (.type(let left), .type(let right)): return left == right
        default: return compareNumbers(left, right) == .same
        }
    }

    private static func areEqual(
        _ left: MapValue,
        _ right: MapValue,
        _ meter: inout Meter
    ) throws(Fault) -> Bool {
        guard left.count == right.count else { return false }
        for (key, value) in zip(left.keys, left.values) {
            guard let other = right[key], try areEqual(value, other, &meter) else { return false }
        }
        return true
    }

    enum Order {
        case before
        case same
        case after
        /// One of them is not a number.
        case none

        init<T: Comparable>(_ left: T, _ right: T) {
            self = left < right ? .before : left > right ? .after : left == right ? .same : .none
        }

        var reversed: Order {
            switch self {
            case .before: .after
            case .after: .before
            default: self
            }
        }
    }

    /// CEL's `<` and its siblings; `nil` where the types have no order.
    static func compare(_ left: Value, _ right: Value) -> Order? {
        switch (left, right) {
        case (.bool(let left), .bool(let right)): Order(left ? 1 : 0, right ? 1 : 0)
        case (.string(let left), .string(let right)): lexical(left.utf8, right.utf8)
        case (.bytes(let left), .bytes(let right)): lexical(left, right)
        case (.timestamp(let left), .timestamp(let right)): Order(left, right)
        case (.duration(let left), .duration(let right)): Order(left, right)
        default: compareNumbers(left, right)
        }
    }

    /// The order of UTF-8 bytes is that of code points.
    private static func lexical(
        _ left: some Collection<UInt8>,
        _ right: some Collection<UInt8>
    ) -> Order {
        if left.lexicographicallyPrecedes(right) { return .before }
        return right.lexicographicallyPrecedes(left) ? .after : .same
    }

    /// Compares int, uint and double as points on one line; `nil` if one is no number.
    private static func compareNumbers(_ left: Value, _ right: Value) -> Order? {
        switch (left, right) {
        case (.int(let left), .int(let right)): Order(left, right)
        case (.uint(let left), .uint(let right)): Order(left, right)
        case (.double(let left), .double(let right)): Order(left, right)
        case (.int(let left), .uint(let right)): left < 0 ? .before : Order(UInt64(left), right)
        case (.uint(let left), .int(let right)): right < 0 ? .after : Order(left, UInt64(right))
        case (.int(let left), .double(let right)): order(left, right)
        case (.double(let left), .int(let right)): order(right, left).reversed
        case (.uint(let left), .double(let right)): order(left, right)
        case (.double(let left), .uint(let right)): order(right, left).reversed
        default: nil
        }
    }

    /// As doubles, even where that rounds the integer: so do CEL's conformance cases.
    private static func order<Integer: FixedWidthInteger>(
        _ integer: Integer,
        _ double: Double
    ) -> Order {
        Order(Double(integer), double)
    }
}
