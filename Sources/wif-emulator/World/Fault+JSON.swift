import Federation
import Text

extension Fault {
    /// Reads the form that the man page shows; a key it does not know is an error.
    init(_ json: JSON) throws(UsageError) {
        guard let object = json.object else { throw UsageError("a fault must be a JSON object") }
        self.init()
        for (key, value) in object {
            try set(key, value)
        }
    }

    /// One fault, or an array of them.
    static func list(_ json: JSON) throws(UsageError) -> [Fault] {
        var faults: [Fault] = []
        for element in json.array ?? [json] { faults.append(try Fault(element)) }
        return faults
    }

    private mutating func set(_ key: String, _ value: JSON) throws(UsageError) {
        switch key {
        case "match": try setMatch(value)
        case "status": status = Int(try number(key, value, 200...599))
        case "body": body = value.string.map { Array($0.utf8) } ?? value.serialized()
        case "headers": try setHeaders(value)
        case "delay": delay = try number(key, value, 0...86_400)
        case "drip": drip = try number(key, value, 0...3600)
        case "size": size = Int(try number(key, value, 0...1_073_741_824))
        case "times": times = Int(try number(key, value, 0...1e9))
        case "skip": skip = Int(try number(key, value, 0...1e9))
        case "grpc": grpc = Int(try number(key, value, 1...16))
        case "redirect": redirect = try string(key, value)
        case "endless":
            guard let flag = value.bool else { throw wrong(key, "a boolean", value) }
            isEndless = flag
        case "drop":
            guard let drop = Drop(rawValue: try string(key, value)) else {
                throw wrong(key, "before-headers, after-headers or mid-body", value)
            }
            self.drop = drop
        default: throw UsageError("a fault has no key '\(key)'")
        }
    }

    private mutating func setMatch(_ value: JSON) throws(UsageError) {
        guard let object = value.object else { throw wrong("match", "an object", value) }
        for (key, value) in object {
            let text = try string("match.\(key)", value)
            switch key {
            case "path": match.path = text
            case "method": match.method = text
            case "host": match.host = text
            case "role": match.role = text
            default: throw UsageError("a fault's match has no key '\(key)'")
            }
        }
    }

    private mutating func setHeaders(_ value: JSON) throws(UsageError) {
        guard let object = value.object else { throw wrong("headers", "an object", value) }
        for (name, value) in object {
            if case .null = value {
                headers.updateValue(nil, forKey: name)
            } else {
                headers[name] = try string("headers.\(name)", value)
            }
        }
    }

    private func number(
        _ key: String,
        _ value: JSON,
        _ range: ClosedRange<Double>
    ) throws(UsageError) -> Double {
        guard let number = value.lenientNumber, range.contains(number) else {
            throw wrong(key, "a number from \(range.lowerBound) to \(range.upperBound)", value)
        }
        return number
    }

    private func string(_ key: String, _ value: JSON) throws(UsageError) -> String {
        guard let text = value.string else { throw wrong(key, "a string", value) }
        return text
    }

    private func wrong(_ key: String, _ expected: String, _ found: JSON) -> UsageError {
        UsageError("a fault's '\(key)' must be \(expected), not \(found.kind)")
    }
}
