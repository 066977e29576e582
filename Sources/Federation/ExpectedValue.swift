package import Text

/// A kind of value that a key must have, in a reader's words.
package enum ExpectedValue: String, Sendable {
    case number = "a number"
    case bool = "true or false"
    case string = "a string", strings = "an array of strings"
    case stringOrStrings = "a string or an array of strings"
    case object = "an object", objects = "an array of objects"

    /// What is said of a value of another kind.
    package func objection(to found: JSON) -> String {
        "\(rawValue) is expected, found \(found.kind)"
    }

    /// How to write what was found so that it is of this kind, strings not quoted; `nil` where nobody can
    /// tell what was meant.
    package func correction(of found: JSON) -> String? {
        switch self {
        case .number:
            guard let text = found.string, Double(text) != nil else {
                return "write a number without quotes"
            }
            return "write \(text) without quotes"
        case .bool: return "write true or false, without quotes"
        case .string:
            return found.array == nil
                ? "write it in quotes" : "write one string, without the brackets around it"
        case .stringOrStrings: return nil
        case .strings:
            return found.string == nil
                ? nil : "write an array: put the string in brackets, [\"...\"]"
        case .object:
            if found.array != nil {
                return "write an object, {\"NAME\": \"VALUE\"}, in place of the array"
            }
            return found.string == nil ? nil : "write an object, in { and }"
        case .objects:
            return found.object == nil
                ? nil : "write an array: put [ before the object, ] behind it"
        }
    }
}

/// A length of time as people write it, with its unit: `1h`, `30 min`, `PT1H`; `nil` for any other text.
func seconds(ofLength text: String) -> Double? {
    var rest = text.lowercased()[...]
    if rest.hasPrefix("pt") { rest = rest.dropFirst(2) }
    var total = 0.0
    var hasUnit = false
    while !rest.isEmpty {
        rest = rest.drop { $0 == " " }
        let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let amount = Double(digits) else { return nil }
        rest = rest.dropFirst(digits.count).drop { $0 == " " }
        let word = rest.prefix { $0.isASCII && $0.isLetter }
        guard let unit = unitsOfTime[String(word)] else { return nil }
        rest = rest.dropFirst(word.count)
        total += amount * unit
        hasUnit = true
    }
    return hasUnit ? total : nil
}

private let unitsOfTime: [String: Double] = [
    "ms": 0.001, "s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1, "m": 60, "min": 60,
    "mins": 60, "minute": 60, "minutes": 60, "h": 3600, "hr": 3600, "hour": 3600, "hours": 3600,
    "d": 86_400, "day": 86_400, "days": 86_400,
]
