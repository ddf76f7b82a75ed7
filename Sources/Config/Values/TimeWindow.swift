/// A part of every day in local time: `01:00-07:00`, or over midnight: `22:00-06:00`.
public struct TimeWindow: TextValue {
    /// What it is called, and what may be written.
    public static let kind = ValueKind(
        "time window", write: "two times of the day from 00:00 to 23:59 with a dash between, as in \"01:00-07:00\"")

    /// The first minute of it, counted from midnight: 0 to 1439.
    public let start: Int
    /// The first minute after it, counted from midnight: 0 to 1439. Less than `start` where it crosses midnight.
    public let end: Int

    /// Reads `01:00-07:00`.
    public init(parsing text: String) throws(InvalidValue) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let start = Self.minute(parts[0]), let end = Self.minute(parts[1]) else {
            throw InvalidValue(text, Self.kind)
        }
        guard start != end else {
            throw InvalidValue(
                text, Self.kind, why: "it begins and ends at the same minute; leave the key out for the whole day")
        }
        self.start = start
        self.end = end
    }

    /// As it is written.
    public var text: String { "\(Self.clock(start))-\(Self.clock(end))" }

    /// Whether it goes on over midnight.
    public var crossesMidnight: Bool { end < start }

    /// Whether a minute of the day (0 to 1439, counted from midnight) is inside.
    public func contains(minuteOfDay minute: Int) -> Bool {
        crossesMidnight ? minute >= start || minute < end : minute >= start && minute < end
    }

    private static func minute(_ clock: Substring) -> Int? {
        let bytes = Array(clock.utf8)
        guard bytes.count == 5, bytes[2] == UInt8(ascii: ":"), let hour = Int(clock.prefix(2)),
            let minute = Int(clock.suffix(2)), (0...23).contains(hour), (0...59).contains(minute),
            bytes[0] != UInt8(ascii: "+"), bytes[3] != UInt8(ascii: "+"), bytes[0] != UInt8(ascii: "-"),
            bytes[3] != UInt8(ascii: "-")
        else { return nil }
        return hour * 60 + minute
    }

    private static func clock(_ minute: Int) -> String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(minute / 60)):\(two(minute % 60))"
    }
}
