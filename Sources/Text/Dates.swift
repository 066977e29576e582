package import Kernel

// MARK: RFC 3339

/// A date as RFC 3339 writes it, in UTC and whole seconds, fractions cut off: `2026-01-02T03:04:05Z`.
package func rfc3339(_ date: WallTime) -> String {
    let time = date.calendar.time
    return "\(padded(time.year, 4))-\(padded(time.month))-\(padded(time.day))T\(clock(time))Z"
}

/// The date that an RFC 3339 text names, in any zone, fractions cut off; `nil` for what is none.
/// RFC 3339 section 5.6
package func date(rfc3339 text: String) -> WallTime? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
        [UInt8(ascii: "T"), UInt8(ascii: "t"), UInt8(ascii: " ")].contains(bytes[10]),
        let year = number(bytes[..<4]), let month = number(bytes[5..<7]),
        let day = number(bytes[8..<10]), let time = clockFields(bytes[11..<19])
    else { return nil }
    let isLeap = year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
    let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard (1...12).contains(month), (1...lengths[month - 1]).contains(day) else { return nil }
    var zone = bytes[19...]
    if zone.first == UInt8(ascii: ".") {
        let fraction = zone.dropFirst().prefix(while: \.isDigit)
        if fraction.isEmpty { return nil }
        zone = zone[fraction.endIndex...]
    }
    guard let offset = secondsEast(zone) else { return nil }
    return moment(year, month, day, time).advanced(bySeconds: -Double(offset))
}

/// `Z`, or hours and minutes ahead of UTC.
private func secondsEast(_ zone: ArraySlice<UInt8>) -> Int? {
    if zone.count == 1 { return zone.first.map { $0 | 0x20 } == UInt8(ascii: "z") ? 0 : nil }
    let digits = zone.dropFirst()
    guard zone.count == 6, let sign = zone.first, "+-".utf8.contains(sign),
        digits[digits.startIndex + 2] == UInt8(ascii: ":"),
        let hours = number(digits.prefix(2)), let minutes = number(digits.suffix(2)),
        hours < 24, minutes < 60
    else { return nil }
    return (hours * 60 + minutes) * (sign == UInt8(ascii: "-") ? -60 : 60)
}

// MARK: HTTP

/// The date as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`. RFC 9110 section 5.6.7
package func httpDate(of date: WallTime) -> String {
    let (time, weekday) = date.calendar
    let day = "\(padded(time.day)) \(months[time.month - 1]) \(padded(time.year, 4))"
    return "\(weekdays[weekday]), \(day) \(clock(time)) GMT"
}

/// A date as HTTP writes it, in any of the three forms a reader must know; `nil` for what is none.
/// A two-digit year is the one within 50 years ahead of `now`. RFC 9110 section 5.6.7
package func httpDate(_ text: String, now: WallTime = .now) -> WallTime? {
    let fields = text.split { $0 == " " || $0 == "," || $0 == "-" || $0 == "\t" }.map(String.init)
    let isTwoDigits = fields.count > 3 && fields[3].utf8.count == 2
    switch fields.count {
    // Sun, 06 Nov 1994 08:49:37 GMT; Sunday, 06-Nov-94 08:49:37 GMT
    case 6:
        guard fields[5] == "GMT", fields[3].utf8.count == (isTwoDigits ? 2 : 4),
            var year = number(fields[3].utf8)
        else { return nil }
        if isTwoDigits { year = fullYear(year, now: now) }
        return moment(year, fields[2], fields[1], fields[4])
    // Sun Nov  6 08:49:37 1994
    case 5:
        guard fields[4].utf8.count == 4, let year = number(fields[4].utf8) else { return nil }
        return moment(year, fields[1], fields[2], fields[3])
    default: return nil
    }
}

private let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
private let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
]

private func moment(_ year: Int, _ month: String, _ day: String, _ time: String) -> WallTime? {
    guard let month = months.firstIndex(of: month), (1...2).contains(day.utf8.count),
        let day = number(day.utf8), (1...31).contains(day),
        let time = clockFields(Array(time.utf8)[...])
    else { return nil }
    return moment(year, month + 1, day, time)
}

private func fullYear(_ twoDigits: Int, now: WallTime) -> Int {
    let present = now.calendar.time.year
    let candidate = present / 100 * 100 + twoDigits
    if candidate > present + 50 { return candidate - 100 }
    return candidate <= present - 50 ? candidate + 100 : candidate
}

// MARK: Fields

private func clock(_ time: CalendarTime) -> String {
    "\(padded(time.hour)):\(padded(time.minute)):\(padded(time.second))"
}

private func padded(_ number: Int, _ width: Int = 2) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

/// `08:49:37`; 60 is a leap second.
private func clockFields(_ text: ArraySlice<UInt8>) -> (hour: Int, minute: Int, second: Int)? {
    let start = text.startIndex
    guard text.count == 8, text[start + 2] == UInt8(ascii: ":"),
        text[start + 5] == UInt8(ascii: ":"),
        let hour = number(text[start..<start + 2]), hour < 24,
        let minute = number(text[start + 3..<start + 5]), minute < 60,
        let second = number(text[(start + 6)...]), second <= 60
    else { return nil }
    return (hour, minute, second)
}

/// Of digits alone, few enough not to overflow.
private func number(_ digits: some Collection<UInt8>) -> Int? {
    guard (1...9).contains(digits.count), digits.allSatisfy(\.isDigit) else { return nil }
    return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
}

private func moment(
    _ year: Int,
    _ month: Int,
    _ day: Int,
    _ time: (hour: Int, minute: Int, second: Int)
) -> WallTime {
    WallTime(
        CalendarTime(
            year: year,
            month: month,
            day: day,
            hour: time.hour,
            minute: time.minute,
            second: time.second
        )
    )
}
