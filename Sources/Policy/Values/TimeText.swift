import Text

/// Reads the texts of times: RFC 3339 dates, offsets, and durations such as `1h30m`.
struct TimeText {
    private var text: Substring.UTF8View

    init(_ text: String) { self.text = text[...].utf8 }

    static func timestamp(_ text: String) throws(Fault) -> Timestamp {
        var reader = TimeText(text)
        guard let result = try reader.timestamp(), reader.text.isEmpty else {
            throw Fault("a string is not an RFC 3339 timestamp")
        }
        return result
    }

    private mutating func timestamp() throws(Fault) -> Timestamp? {
        guard let year = digits(4), take("-"), let month = digits(2), take("-"),
            let day = digits(2), take("T") || take("t"), let hour = digits(2), take(":"),
            let minute = digits(2), take(":"), let second = digits(2)
        else { return nil }
        var time = CivilTime(year: year, month: month, day: day)
        (time.hour, time.minute, time.second) = (hour, minute, second)
        // A date that does not exist (30 February) comes back as another one.
        guard CivilTime(seconds: time.seconds) == time else { return nil }
        var nanoseconds: Int64 = 0
        if take(".") {
            guard let fraction = fraction() else { return nil }
            nanoseconds = fraction
        }
        guard let offset = take("Z") || take("z") ? 0 : offset() else { return nil }
        return try Timestamp(seconds: time.seconds - offset, nanoseconds: nanoseconds)
    }

    /// Up to nine digits as nanoseconds.
    private mutating func fraction() -> Int64? {
        let digits = text.prefix { $0.isDigit }
        guard (1...9).contains(digits.count) else { return nil }
        text = text.dropFirst(digits.count)
        let padded = String(digits) ?? ""
        return Int64(padded + String(repeating: "0", count: 9 - digits.count))
    }

    /// `+02:00` in seconds.
    private mutating func offset() -> Int64? {
        let isNegative = text.first == UInt8(ascii: "-")
        guard take("+") || take("-"), let hours = digits(2), take(":"), let minutes = digits(2),
            hours < 24, minutes < 60
        else { return nil }
        return (hours * 3600 + minutes * 60) * (isNegative ? -1 : 1)
    }

    /// The seconds that a time zone's name adds to UTC. Only fixed offsets are known here.
    static func zone(_ name: String) throws(Fault) -> Int64 {
        if name == "UTC" || name.isEmpty { return 0 }
        let isSigned = name.hasPrefix("+") || name.hasPrefix("-")
        var reader = TimeText(isSigned ? name : "+" + name)
        guard let offset = reader.offset(), reader.text.isEmpty else {
            throw Fault("a time zone by name is not known here; UTC and offsets are (+02:00)")
        }
        return offset
    }

    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("ns", 1), ("us", 1000), ("µs", 1000), ("μs", 1000), ("ms", 1_000_000),
        ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]

    /// A duration as Go writes it, in nanoseconds.
    static func duration(_ text: String) throws(Fault) -> Int64 {
        var reader = TimeText(text)
        let isNegative = text.hasPrefix("-")
        _ = reader.take("-") || reader.take("+")
        if reader.text.elementsEqual("0".utf8) { return 0 }
        var total: Int64 = 0
        repeat {
            guard let part = reader.durationPart() else {
                throw Fault("a string is not a duration, such as 1h30m or 2.5s")
            }
            let sum = total.addingReportingOverflow(part)
            if sum.overflow { throw Fault("a duration is out of range") }
            total = sum.partialValue
        } while !reader.text.isEmpty
        return isNegative ? -total : total
    }

    private mutating func durationPart() -> Int64? {
        let number = text.prefix { $0.isDigit || $0 == UInt8(ascii: ".") }
        text = text.dropFirst(number.count)
        guard let written = String(number), let unit = takeUnit() else { return nil }
        let parts = written.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, written != "", written != "." else { return nil }
        let whole = (Int64(parts[0].isEmpty ? "0" : String(parts[0])))?
            .multipliedReportingOverflow(by: unit)
        guard let whole, !whole.overflow else { return nil }
        guard parts.count == 2, !parts[1].isEmpty else { return whole.partialValue }
        // As Go reckons, of eighteen digits at most: 0.009h are 32.4 s and not a nanosecond less.
        let digits = parts[1].prefix(18)
        guard let fraction = Double(String(digits)), let scale = Double("1e\(digits.count)") else {
            return nil
        }
        let part = Int64(fraction * (Double(unit) / scale))
        let sum = whole.partialValue.addingReportingOverflow(part)
        return sum.overflow ? nil : sum.partialValue
    }

    private mutating func takeUnit() -> Int64? {
        // Longer names first: "m" is the start of "ms".
        for unit in Self.units.sorted(by: { $0.name.utf8.count > $1.name.utf8.count })
        where text.starts(with: unit.name.utf8) {
            text = text.dropFirst(unit.name.utf8.count)
            return unit.nanoseconds
        }
        return nil
    }

    private mutating func digits(_ count: Int) -> Int64? {
        let digits = text.prefix(count)
        guard digits.count == count, digits.allSatisfy(\.isDigit), let value = String(digits)
        else { return nil }
        text = text.dropFirst(count)
        return Int64(value)
    }

    private mutating func take(_ mark: String) -> Bool {
        guard text.starts(with: mark.utf8) else { return false }
        text = text.dropFirst(mark.utf8.count)
        return true
    }
}
