/// A point in time of CEL, years 1 to 9999.
struct Timestamp: Equatable, Comparable, Sendable {
    /// Since 1970, rounded down.
    let seconds: Int64
    /// 0 to 999,999,999 more.
    let nanoseconds: Int64

    private static let range: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    init(seconds: Int64, nanoseconds: Int64 = 0) throws(Fault) {
        guard Self.range.contains(seconds) else {
            throw Fault("a timestamp is outside the years 1 to 9999")
        }
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    static func < (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// Later by a duration in nanoseconds.
    func advanced(by duration: Int64) throws(Fault) -> Timestamp {
        let (whole, part) = duration.floorDivided(by: 1_000_000_000)
        let (carry, rest) = (nanoseconds + part).floorDivided(by: 1_000_000_000)
        return try Timestamp(seconds: seconds + whole + carry, nanoseconds: rest)
    }

    /// From the other to this one, in nanoseconds.
    func since(_ other: Timestamp) throws(Fault) -> Int64 {
        let seconds = (self.seconds - other.seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let total = seconds.partialValue.addingReportingOverflow(nanoseconds - other.nanoseconds)
        if seconds.overflow || total.overflow { throw Fault("a duration is out of range") }
        return total.partialValue
    }
}

/// A date and time of day in UTC or at a fixed offset. Gregorian calendar, proleptic
struct CivilTime: Equatable {
    var year: Int64
    var month: Int64
    var day: Int64
    var hour: Int64 = 0
    var minute: Int64 = 0
    var second: Int64 = 0

    /// - Parameter seconds: since 1970.
    init(seconds: Int64) {
        let (days, rest) = seconds.floorDivided(by: 86_400)
        (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
        // Years start in March here, so that the leap day is a year's last.
        let (era, dayOfEra) = (days + 719_468).floorDivided(by: 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shifted + 2) / 5 + 1
        month = shifted < 10 ? shifted + 3 : shifted - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    init(year: Int64, month: Int64, day: Int64) {
        (self.year, self.month, self.day) = (year, month, day)
    }

    /// Since 1970.
    var seconds: Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = shifted.floorDivided(by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        return days * 86_400 + hour * 3600 + minute * 60 + second
    }

    /// 0 is the first of January.
    var dayOfYear: Int64 {
        (seconds - CivilTime(year: year, month: 1, day: 1).seconds) / 86_400
    }

    /// 0 is Sunday.
    var dayOfWeek: Int64 {
        (seconds.floorDivided(by: 86_400).quotient + 4).floorDivided(by: 7).rest
    }
}

extension Int64 {
    /// Division that rounds down, for dates before 1970.
    func floorDivided(by divisor: Int64) -> (quotient: Int64, rest: Int64) {
        let (quotient, rest) = quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? (quotient - 1, rest + divisor) : (quotient, rest)
    }
}
