internal import Glibc
public import Journal

/// The local time of some place: how far its clocks are ahead of UTC at every moment.
///
/// A value rather than calls to the C library everywhere, so that every zone can be tested in one process.
public struct LocalTime: Sendable {
    /// Seconds that the place's clocks are ahead of UTC, by seconds since 1970-01-01 UTC.
    private let offsets: @Sendable (Int64) -> Int64

    /// The local time of a place, by its offsets.
    public init(offset: @escaping @Sendable (Int64) -> Int64) {
        offsets = offset
    }

    /// This machine's, by `TZ` or `/etc/localtime`.
    ///
    /// tzset(3) looks whether either has changed, which localtime_r(3) alone does only once: ask for it anew whenever
    /// a time is planned, and a change of the zone needs no restart.
    public static func current() -> LocalTime {
        tzset()
        return LocalTime { seconds in
            var moment = time_t(seconds)
            var local = unsafe tm()
            // Fails only for years that no tm can hold; UTC will do for those.
            guard unsafe localtime_r(&moment, &local) != nil else { return 0 }
            return Int64(unsafe local.tm_gmtoff)
        }
    }

    func offset(at seconds: Int64) -> Int64 { offsets(seconds) }

    /// The minute of the day that the clocks show, 0 to 1439.
    public func minuteOfDay(_ moment: UnixTime) -> Int {
        let seconds = moment.wholeSeconds
        return Int(floorDivide(seconds + offset(at: seconds), 86400).rest / 60)
    }

    /// The first second in `(start, end]` at which the offset is another than at `start`.
    func change(after start: Int64, through end: Int64) -> Int64 {
        let before = offset(at: start)
        var (same, other) = (start, end)
        while other - same > 1 {
            let middle = same + (other - same) / 2
            if offset(at: middle) == before { same = middle } else { other = middle }
        }
        return other
    }
}

extension UnixTime {
    /// Seconds since the epoch, rounded towards the past.
    var wholeSeconds: Int64 { floorDivide(microseconds, 1_000_000).quotient }

    /// This moment and so much time after it; the last possible one where that is out of range.
    func advanced(by duration: Duration) -> UnixTime {
        let (seconds, attoseconds) = duration.components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, tooFar) = microseconds.addingReportingOverflow(overflow ? .max : whole)
        guard !overflow, !tooFar else { return UnixTime(microseconds: seconds < 0 ? .min : .max) }
        return UnixTime(microseconds: sum + attoseconds / 1_000_000_000_000)
    }

    /// How long it is from this moment to another.
    func duration(to other: UnixTime) -> Duration {
        let (difference, overflow) = other.microseconds.subtractingReportingOverflow(microseconds)
        return .microseconds(overflow ? (other < self ? .min : .max) : difference)
    }
}

/// Division that rounds down, and its rest, which is never negative.
func floorDivide(_ number: Int64, _ by: Int64) -> (quotient: Int64, rest: Int64) {
    let rest = (number % by + by) % by
    return ((number - rest) / by, rest)
}
