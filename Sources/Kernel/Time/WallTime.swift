import CLinux
import Glibc

/// A moment of the wall clock, for display and for what documents state; schedules are kept on
/// ``BootInstant`` instead, which nobody can set.
package struct WallTime: Comparable, Hashable, Sendable {
    /// Since 1970-01-01 00:00:00 UTC, without leap seconds; negative before. POSIX.1-2017 4.16
    package let secondsSinceEpoch: Double

    package init(secondsSinceEpoch: Double) {
        self.secondsSinceEpoch = secondsSinceEpoch
    }

    /// The local wall clock. `clock_gettime(2)`, `CLOCK_REALTIME`
    package static var now: WallTime {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(secondsSinceEpoch: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)
    }

    /// The moment so many seconds later; earlier for a negative number.
    package func advanced(bySeconds seconds: Double) -> WallTime {
        WallTime(secondsSinceEpoch: secondsSinceEpoch + seconds)
    }

    /// How many seconds later than the other it is; negative where it is earlier.
    package func seconds(since other: WallTime) -> Double {
        secondsSinceEpoch - other.secondsSinceEpoch
    }

    package static func < (first: WallTime, second: WallTime) -> Bool {
        first.secondsSinceEpoch < second.secondsSinceEpoch
    }
}

/// The fields of a calendar date in UTC, Gregorian also before 1582.
package struct CalendarTime: Equatable, Sendable {
    package var year: Int
    /// 1 to 12.
    package var month: Int
    /// 1 to 31.
    package var day: Int
    package var hour: Int
    package var minute: Int
    package var second: Int

    package init(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
        (self.year, self.month, self.day) = (year, month, day)
        (self.hour, self.minute, self.second) = (hour, minute, second)
    }
}

extension WallTime {
    /// What the calendar shows, fractions of a second cut off, and the day of the week, 0 for Sunday.
    /// Beyond the year 9999 and before the year 0 it stays at those. `gmtime_r(3)`
    package var calendar: (time: CalendarTime, weekday: Int) {
        let bounds = -62_167_219_200.0...253_402_300_799
        var seconds = time_t(secondsSinceEpoch.clamped(to: bounds).rounded(.down))
        var fields = unsafe tm()
        unsafe gmtime_r(&seconds, &fields)
        let time = unsafe CalendarTime(
            year: Int(fields.tm_year) + 1900,
            month: Int(fields.tm_mon) + 1,
            day: Int(fields.tm_mday),
            hour: Int(fields.tm_hour),
            minute: Int(fields.tm_min),
            second: Int(fields.tm_sec)
        )
        return (time, unsafe Int(fields.tm_wday))
    }

    /// The moment that the fields name; a day or second beyond its month or minute counts into the next,
    /// as leap seconds need it. `timegm(3)`
    package init(_ time: CalendarTime) {
        var fields = unsafe tm()
        unsafe fields.tm_year = Int32(clamping: time.year - 1900)
        unsafe fields.tm_mon = Int32(clamping: time.month - 1)
        unsafe fields.tm_mday = Int32(clamping: time.day)
        unsafe fields.tm_hour = Int32(clamping: time.hour)
        unsafe fields.tm_min = Int32(clamping: time.minute)
        unsafe fields.tm_sec = Int32(clamping: time.second)
        self.init(secondsSinceEpoch: unsafe Double(timegm(&fields)))
    }
}
