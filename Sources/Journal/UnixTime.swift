internal import Glibc

/// A moment of the real-time clock, in microseconds since 1970-01-01 00:00:00 UTC.
///
/// Whole microseconds rather than a floating-point number: always finite, and the same after a restart.
public struct UnixTime: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// Microseconds since the epoch.
    public let microseconds: Int64

    /// A moment by its microseconds since the epoch.
    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// A moment by its whole seconds since the epoch; a moment out of range becomes the nearest one in it.
    public init(seconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        microseconds = overflow ? (seconds < 0 ? .min : .max) : product
    }

    /// The present moment, clock_gettime(2) with CLOCK_REALTIME.
    public static func now() -> UnixTime {
        var time = timespec()
        // Cannot fail: the clock exists on every kernel and the pointer is ours.
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return UnixTime(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    /// Date and time of day in UTC, to the second, as RFC 3339 has it: `2026-07-27T03:00:00Z`.
    public var description: String {
        let (days, second) = floorDivide(microseconds / 1_000_000 - (microseconds % 1_000_000 < 0 ? 1 : 0), 86400)
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: years begin in March and are
        // counted in eras of 400 years.
        let (era, dayOfEra) = floorDivide(days + 719468, 146097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let two = { (number: Int64) in number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(month))-\(two(day))T\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))Z"
    }

    /// The earlier moment first.
    public static func < (left: UnixTime, right: UnixTime) -> Bool {
        left.microseconds < right.microseconds
    }

    /// Reads the microseconds.
    public init(from decoder: any Decoder) throws {
        microseconds = try decoder.singleValueContainer().decode(Int64.self)
    }

    /// Writes the microseconds as one number.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(microseconds)
    }
}

private func floorDivide(_ number: Int64, _ by: Int64) -> (quotient: Int64, rest: Int64) {
    let rest = (number % by + by) % by
    return ((number - rest) / by, rest)
}
