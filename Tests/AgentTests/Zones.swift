import Agent
import Journal
import Testing

/// Places with the changes of their clocks in 2026, as the time zone database has them. A test of its own compares them
/// with this machine's C library.
struct Zone: Sendable, CustomTestStringConvertible {
    let name: String
    /// Seconds ahead of UTC before the first change.
    let winter: Int64
    /// When the clocks change, in UTC, and how far they are ahead from then on.
    let changes: [(at: UnixTime, offset: Int64)]
    var testDescription: String { name }

    static let berlin = Zone(
        name: "Europe/Berlin", winter: 3600,
        changes: [(utc(3, 29, 1), 7200), (utc(10, 25, 1), 3600)])
    static let newYork = Zone(
        name: "America/New_York", winter: -18000,
        changes: [(utc(3, 8, 7), -14400), (utc(11, 1, 6), -18000)])
    static let lordHowe = Zone(
        name: "Australia/Lord_Howe", winter: 39600,
        changes: [(utc(4, 4, 15), 37800), (utc(10, 3, 15, 30), 39600)])
    static let tokyo = Zone(name: "Asia/Tokyo", winter: 32400, changes: [])
    static let all = [berlin, newYork, lordHowe, tokyo]

    func offset(_ seconds: Int64) -> Int64 {
        changes.last { $0.at.microseconds / 1_000_000 <= seconds }?.offset ?? winter
    }

    var local: LocalTime { LocalTime { offset($0) } }

    /// The first moment at which the clocks show this, in 2026 or another year without changes before March.
    func clock(_ month: Int, _ day: Int, _ hour: Int, _ minute: Int = 0, year: Int = 2026) -> UnixTime {
        let naive = utc(month, day, hour, minute, year: year).microseconds / 1_000_000
        let candidates = ([winter] + changes.map(\.offset)).map { naive - $0 }.filter { $0 + offset($0) == naive }
        return UnixTime(seconds: candidates.min()!)
    }
}

/// A moment in UTC.
func utc(_ month: Int, _ day: Int, _ hour: Int, _ minute: Int = 0, _ second: Int = 0, year: Int = 2026) -> UnixTime {
    let lengths = [
        31, year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
    ]
    var days = lengths.prefix(month - 1).reduce(day - 1, +)
    for one in 1970..<year { days += one % 4 == 0 && (one % 100 != 0 || one % 400 == 0) ? 366 : 365 }
    return UnixTime(seconds: Int64(((days * 24 + hour) * 60 + minute) * 60 + second))
}
