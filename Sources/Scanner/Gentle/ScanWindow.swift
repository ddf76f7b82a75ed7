internal import Glibc
public import Journal

/// The part of every day in which a session may run, in local time.
public struct ScanWindow: Codable, Equatable, Sendable {
    /// The first minute of it, counted from midnight: 0 to 1439.
    public let start: Int
    /// The first minute after it. Less than `start` where it crosses midnight.
    public let end: Int

    /// A window by its minutes, counted from midnight.
    public init(start: Int, end: Int) {
        self.start = start
        self.end = end
    }

    /// Whether a moment is inside, by this machine's time zone at that moment.
    public func contains(_ moment: UnixTime) -> Bool {
        var seconds = time_t(moment.microseconds / 1_000_000)
        var local = unsafe tm()
        // Fails only for years that no tm can hold.
        guard unsafe localtime_r(&seconds, &local) != nil else { return false }
        return unsafe contains(minuteOfDay: Int(local.tm_hour) * 60 + Int(local.tm_min))
    }

    /// Whether a minute of the day is inside.
    public func contains(minuteOfDay minute: Int) -> Bool {
        end < start ? minute >= start || minute < end : minute >= start && minute < end
    }

    /// As a person writes it: `01:00-07:00`.
    var inWords: String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(start / 60)):\(two(start % 60))-\(two(end / 60)):\(two(end % 60))"
    }
}
