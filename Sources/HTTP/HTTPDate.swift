import FoundationEssentials

/// A date as HTTP writes it, in any of the three forms a reader must know; `nil` for what is none.
/// A two-digit year is the one within 50 years ahead of `now`. RFC 9110 section 5.6.7
func httpDate(_ text: String, now: Date = .now) -> Date? {
    let fields = text.split { $0 == " " || $0 == "," || $0 == "-" || $0 == "\t" }.map(String.init)
    let isTwoDigits = fields.count > 3 && fields[3].utf8.count == 2
    switch fields.count {
    // Sun, 06 Nov 1994 08:49:37 GMT; Sunday, 06-Nov-94 08:49:37 GMT
    case 6:
        guard fields[5] == "GMT", var year = number(fields[3], digits: isTwoDigits ? 2 : 4)
        else { return nil }
        if isTwoDigits { year = fullYear(year, now: now) }
        return date(year: year, month: fields[2], day: fields[1], time: fields[4])
    // Sun Nov  6 08:49:37 1994
    case 5:
        guard let year = number(fields[4], digits: 4) else { return nil }
        return date(year: year, month: fields[1], day: fields[2], time: fields[3])
    default: return nil
    }
}

private let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
]

private func date(year: Int, month: String, day: String, time: String) -> Date? {
    let parts = time.split(separator: ":", omittingEmptySubsequences: false)
    guard let month = months.firstIndex(of: month), parts.count == 3,
        let day = number(day, digits: 1...2), (1...31).contains(day),
        let hour = number(String(parts[0]), digits: 2), hour < 24,
        let minute = number(String(parts[1]), digits: 2), minute < 60,
        // 60 is a leap second.
        let second = number(String(parts[2]), digits: 2), second <= 60
    else { return nil }
    let days = daysSinceEpoch(year: year, month: month + 1, day: day)
    return Date(timeIntervalSince1970: Double(((days * 24 + hour) * 60 + minute) * 60 + second))
}

private func number(_ text: String, digits: Int) -> Int? {
    number(text, digits: digits...digits)
}

private func number(_ text: String, digits: ClosedRange<Int>) -> Int? {
    guard digits.contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
    else { return nil }
    return Int(text)
}

private func fullYear(_ twoDigits: Int, now: Date) -> Int {
    let present = 1970 + Int(now.timeIntervalSince1970 / 31_556_952)
    let candidate = present / 100 * 100 + twoDigits
    if candidate > present + 50 { return candidate - 100 }
    return candidate <= present - 50 ? candidate + 100 : candidate
}

/// Days of the proleptic Gregorian calendar since 1970-01-01. Years begin in March here, so that the
/// leap day is the last of its year.
private func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
    let marchYear = month <= 2 ? year - 1 : year
    let marchMonth = (month + 9) % 12
    let dayOfYear = (153 * marchMonth + 2) / 5 + day - 1
    let leapDays = marchYear / 4 - marchYear / 100 + marchYear / 400
    return marchYear * 365 + leapDays + dayOfYear - 719_468
}
