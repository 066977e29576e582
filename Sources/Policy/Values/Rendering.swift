import Federation
import Text

extension Value {
    /// The value as CEL would write it, cut to a length fit for a line.
    var rendered: String {
        var renderer = Renderer()
        renderer.write(self)
        return renderer.result
    }
}

extension JSON {
    /// The value as a condition would write it, cut to a length fit for a line.
    var rendered: String {
        // Wide objects would be converted for nothing: only their start is shown.
        var renderer = Renderer()
        renderer.write(self)
        return renderer.result
    }
}

/// Writes values until there is enough to show.
private struct Renderer {
    private var text = ""
    private var length = 0

    private var isFull: Bool { length > Limits.rendered }

    var result: String { isFull ? String(text.prefix(Limits.rendered)) + "…" : text }

    mutating func write(_ value: Value) {
        switch value {
        case .null: put("null")
        case .bool(let value): put(value ? "true" : "false")
        case .int(let value): put(String(value))
        case .uint(let value): put("\(value)u")
        case .double(let value): put(String(value))
        case .string(let text): put(quoted(text, limit: Limits.rendered))
        case .bytes(let bytes): write(bytes)
        case .list(let elements): write(elements, "[", "]") { $0.write($1) }
        case .map(let map):
            write(zip(map.keys, map.values), "{", "}") { renderer, entry in
                renderer.write(entry.0)
                renderer.put(": ")
                renderer.write(entry.1)
            }
        case .timestamp(let time): put("timestamp(\"\(time.text)\")")
        case .duration(let nanoseconds): put("duration(\"\(durationText(nanoseconds))\")")
        case .type(let name): put(name)
        }
    }

    mutating func write(_ value: JSON) {
        switch value {
        case .array(let elements): write(elements, "[", "]") { $0.write($1) }
        case .object(let members):
            write(members.sorted { $0.key < $1.key }, "{", "}") { renderer, member in
                renderer.put(quoted(member.key, limit: Limits.rendered) + ": ")
                renderer.write(member.value)
            }
        default: write(Value(value))
        }
    }

    private mutating func write<Elements: Sequence>(
        _ elements: Elements,
        _ open: String,
        _ close: String,
        each: (inout Renderer, Elements.Element) -> Void
    ) {
        put(open)
        for (index, element) in elements.enumerated() {
            if isFull { return }
            if index > 0 { put(", ") }
            each(&self, element)
        }
        put(close)
    }

    private mutating func write(_ bytes: [UInt8]) {
        put("b\"")
        for byte in bytes.prefix(Limits.rendered) {
            let digits = String(byte, radix: 16)
            put("\\x" + (digits.count < 2 ? "0" : "") + digits)
        }
        put("\"")
    }

    private mutating func put(_ piece: String) {
        text += piece
        length += piece.count
    }
}

/// A string literal of CEL with that content, its content cut at a number of characters.
func quoted(_ text: String, limit: Int = .max) -> String {
    var result = "\""
    for (index, scalar) in text.unicodeScalars.enumerated() {
        if index >= limit { return result + "…" }
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        default: result += isPlain(scalar) ? String(Character(scalar)) : escaped(scalar)
        }
    }
    return result + "\""
}

private func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
        .paragraphSeparator:
        false
    default: true
    }
}

private func escaped(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16)
    let width = scalar.value > 0xFFFF ? 8 : 4
    return (width == 8 ? "\\U" : "\\u") + String(repeating: "0", count: width - digits.count)
        + digits
}

extension Timestamp {
    /// RFC 3339 in UTC.
    var text: String {
        let time = CivilTime(seconds: seconds)
        func pad(_ number: Int64, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let date = "\(pad(time.year, 4))-\(pad(time.month, 2))-\(pad(time.day, 2))"
        let clock = "\(pad(time.hour, 2)):\(pad(time.minute, 2)):\(pad(time.second, 2))"
        return "\(date)T\(clock)\(fractionText(nanoseconds))Z"
    }
}

/// `.5` for half a second's nanoseconds, nothing for none.
private func fractionText(_ nanoseconds: Int64) -> String {
    if nanoseconds == 0 { return "" }
    var digits = String(nanoseconds)
    digits = String(repeating: "0", count: 9 - digits.count) + digits
    while digits.hasSuffix("0") { digits.removeLast() }
    return "." + digits
}

/// A duration in seconds, `-1.5s`.
func durationText(_ nanoseconds: Int64) -> String {
    let magnitude = nanoseconds.magnitude
    let whole = magnitude / 1_000_000_000
    let part = Int64(magnitude % 1_000_000_000)
    return (nanoseconds < 0 ? "-" : "") + "\(whole)\(fractionText(part))s"
}

/// A double as CEL's `string()` writes it: shortest digits, an exponent from 1e+06 on and below 1e-04.
func shortest(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    let sign = value.sign == .minus ? "-" : ""
    let parts = String(value.magnitude).split(separator: "e")
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let fraction = mantissa.count > 1 ? mantissa[1] : ""
    var digits = String(mantissa[0] + fraction)
    let point = mantissa[0].count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
    while digits.hasSuffix("0"), digits.count > 1 { digits.removeLast() }
    if digits == "0" { return sign + "0" }
    // Below 1e-4 the exponent is Swift's own; above, leading zeros stand for it.
    let exponent = point - 1
    if exponent < 0 || exponent >= 6 { return sign + scientific(digits, exponent) }
    return sign + positional(digits, point)
}

private func scientific(_ digits: String, _ exponent: Int) -> String {
    let rest = digits.dropFirst()
    let fraction = rest.isEmpty ? "" : ".\(rest)"
    let power = String(exponent.magnitude)
    let padding = power.count < 2 ? "0" : ""
    return "\(digits.prefix(1))\(fraction)e\(exponent < 0 ? "-" : "+")\(padding)\(power)"
}

private func positional(_ digits: String, _ point: Int) -> String {
    if point >= digits.count {
        return digits + String(repeating: "0", count: point - digits.count)
    }
    return "\(digits.prefix(point)).\(digits.dropFirst(point))"
}
