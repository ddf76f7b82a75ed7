public import Journal

/// The header of a container of signatures (`.cvd`, `.cld`, `.cud`), read without libclamav: 512 bytes of text with
/// colons between, as in
/// `ClamAV-VDB:17 Sep 2024 04-54 -0400:27401:2067000:90:MD5:SIGNATURE:raynman:1726563240`, filled up with blanks.
public struct DatabaseHeader: Equatable, Sendable {
    /// The version of the database.
    public let version: UInt32
    /// How many signatures it has; nil where it does not say.
    public let signatures: UInt64?
    /// When it was made.
    public let built: UnixTime

    /// How long a header is.
    static let length = 512

    /// Reads a header; nil for one that is damaged or none at all.
    init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count >= Self.length, let text = String(validating: bytes.prefix(Self.length), as: UTF8.self)
        else { return nil }
        let fields = text.split(separator: ":", omittingEmptySubsequences: false)
        guard fields.count >= 8, fields[0] == "ClamAV-VDB", let version = UInt32(fields[2]) else { return nil }
        self.version = version
        signatures = UInt64(fields[3])
        // The seconds since 1970, where there are any, are exact. libclamav reads them first, too.
        let seconds = fields.count > 8 ? Int64(fields[8].prefix { $0 != " " && $0 != "\0" }) : nil
        if let seconds, seconds > 0 {
            built = UnixTime(seconds: seconds)
        } else if let date = Self.date(fields[1]) {
            built = date
        } else {
            return nil
        }
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// `17 Sep 2024 04-54 -0400`, `17 Sep 2024 04-54 +0000`, and `17 Sep 2024` of other makers. A zone that is not a
    /// number is taken for UTC: it is less than a day off.
    private static func date(_ text: Substring) -> UnixTime? {
        let words = text.split(separator: " ")
        guard words.count >= 3, let day = Int64(words[0]), (1...31).contains(day),
            let month = months.firstIndex(where: { $0 == words[1] }), let year = Int64(words[2]),
            (1990...9999).contains(year)
        else { return nil }
        var seconds = daysSince1970(year: year, month: Int64(month + 1), day: day) * 86400
        guard words.count > 3 else { return UnixTime(seconds: seconds) }
        let clock = words[3].split { $0 == "-" || $0 == ":" }
        guard clock.count >= 2, let hour = Int64(clock[0]), let minute = Int64(clock[1]), (0...23).contains(hour),
            (0...59).contains(minute)
        else { return nil }
        seconds += hour * 3600 + minute * 60
        if words.count > 4, let zone = Int64(words[4]), (-1400...1400).contains(zone) {
            seconds -= (zone / 100 * 60 + zone % 100) * 60
        }
        return UnixTime(seconds: seconds)
    }
}

/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
    let (era, yearOfEra) = floorDivide(month <= 2 ? year - 1 : year, 400)
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719468
}
