/// A schedule as crontab(5) writes it, in local time: five fields (minute, hour, day of the month, month, day of the
/// week) with `*`, numbers, names, ranges, lists and steps, or `@hourly`, `@daily`, `@midnight`, `@weekly`,
/// `@monthly`, `@yearly`, `@annually`.
public struct CronSchedule: TextValue {
    /// What it is called, and what may be written.
    public static let kind = ValueKind(
        "cron expression",
        write: "five fields (minute, hour, day of the month, month, day of the week), as in \"0 3 * * *\", or @daily")

    /// The expression as it was written, with single spaces.
    public let text: String
    /// Bit n is set for the minute n, 0 to 59.
    public let minutes: UInt64
    /// Bit n is set for the hour n, 0 to 23.
    public let hours: UInt64
    /// Bit n is set for the day n of the month, 1 to 31.
    public let daysOfMonth: UInt64
    /// Bit n is set for the month n, 1 to 12.
    public let months: UInt64
    /// Bit n is set for the day n of the week, 0 (Sunday) to 6 (Saturday).
    public let daysOfWeek: UInt64
    /// Whether the two fields for days begin with `*`. Where neither does, crontab(5) takes a day that fits either.
    private let anyDayOfMonth: Bool
    private let anyDayOfWeek: Bool

    /// Reads an expression. One that can never come true, such as `0 0 31 2 *`, is refused.
    public init(parsing text: String) throws(InvalidValue) {
        var fields = text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
        self.text = fields.joined(separator: " ")
        if fields.count == 1, text.hasPrefix("@") {
            guard let meaning = Self.abbreviations[self.text] else {
                let why =
                    self.text == "@reboot"
                    ? "a run that was missed while the machine was off happens after boot by itself"
                    : "the abbreviations are \(Self.abbreviations.keys.sorted().joined(separator: ", "))"
                throw InvalidValue(text, Self.kind, why: why)
            }
            fields = meaning.split(separator: " ").map(String.init)
        }
        guard fields.count == 5 else {
            let why =
                "it has \(fields.count) fields, and must have five: minute, hour, day of the month, month, day of the "
                + "week"
            throw InvalidValue(text, Self.kind, why: text.isEmpty ? nil : why)
        }
        do {
            minutes = try Field.minute.parse(fields[0])
            hours = try Field.hour.parse(fields[1])
            daysOfMonth = try Field.dayOfMonth.parse(fields[2])
            months = try Field.month.parse(fields[3])
            let week = try Field.dayOfWeek.parse(fields[4])
            // 7 is Sunday too.
            daysOfWeek = (week & 0x7f) | (week >> 7)
        } catch {
            throw InvalidValue(text, Self.kind, why: error.why)
        }
        anyDayOfMonth = fields[2].hasPrefix("*")
        anyDayOfWeek = fields[4].hasPrefix("*")
        guard canHappen else {
            throw InvalidValue(text, Self.kind, why: "no month that it names has such a day, so it would never happen")
        }
    }

    /// Whether the schedule names this minute.
    ///
    /// - Parameters:
    ///   - weekday: 0 (Sunday) to 6.
    public func contains(month: Int, day: Int, weekday: Int, hour: Int, minute: Int) -> Bool {
        contains(month: month, day: day, weekday: weekday) && hours.has(hour) && minutes.has(minute)
    }

    /// Whether the schedule names any minute of this day.
    public func contains(month: Int, day: Int, weekday: Int) -> Bool {
        guard months.has(month) else { return false }
        let byMonth = daysOfMonth.has(day)
        let byWeek = daysOfWeek.has(weekday)
        return anyDayOfMonth || anyDayOfWeek ? byMonth && byWeek : byMonth || byWeek
    }

    private var canHappen: Bool {
        // A day of the week comes every month.
        if !anyDayOfMonth && !anyDayOfWeek { return true }
        let longest = [1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31]
        return longest.contains { month, days in
            months.has(month) && (1...days).contains { daysOfMonth.has($0) }
        }
    }

    private static let abbreviations = [
        "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
    ]
}

extension UInt64 {
    fileprivate func has(_ bit: Int) -> Bool { (0..<64).contains(bit) && self & (1 << UInt64(bit)) != 0 }
}

/// What is wrong in one field.
private struct InvalidField: Error {
    let why: String
}

/// One of the five fields.
private struct Field {
    let name: String
    let range: ClosedRange<Int>
    /// The names of the numbers, in lower case.
    var names: [String: Int] = [:]

    static let minute = Field(name: "minute", range: 0...59)
    static let hour = Field(name: "hour", range: 0...23)
    static let dayOfMonth = Field(name: "day of the month", range: 1...31)
    static let month = Field(
        name: "month", range: 1...12,
        names: numbered(
            ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], from: 1))
    static let dayOfWeek = Field(
        name: "day of the week", range: 0...7,
        names: numbered(["sun", "mon", "tue", "wed", "thu", "fri", "sat"], from: 0))

    private static func numbered(_ names: [String], from first: Int) -> [String: Int] {
        Dictionary(uniqueKeysWithValues: names.enumerated().map { ($0.element, $0.offset + first) })
    }

    /// A bit for every number that the field's text names.
    func parse(_ text: String) throws(InvalidField) -> UInt64 {
        var bits: UInt64 = 0
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            bits |= try parseItem(item)
        }
        return bits
    }

    /// `*`, `*/5`, `3`, `1-5`, `1-5/2`.
    private func parseItem(_ item: Substring) throws(InvalidField) -> UInt64 {
        let parts = item.split(separator: "/", omittingEmptySubsequences: false)
        guard let span = parts.first, !span.isEmpty, parts.count <= 2 else { throw invalid(item) }
        let ends = span.split(separator: "-", omittingEmptySubsequences: false)
        var low = range.lowerBound
        // 7 is Sunday once more: a step over the whole week must not count it twice.
        var high = name == Self.dayOfWeek.name ? 6 : range.upperBound
        if span != "*" {
            guard let first = ends.first, ends.count <= 2 else { throw invalid(item) }
            low = try number(first)
            high = low
            if ends.count == 2 {
                high = try number(ends[1])
                // fri-sun: Sunday is 0 at the beginning of a week and 7 at its end.
                if high == 0 && low > 0 && name == Self.dayOfWeek.name { high = 7 }
                guard low <= high else { throw InvalidField(why: "the \(name) range \(item) runs backwards") }
            }
        }
        var step = 1
        if parts.count == 2 {
            guard span == "*" || ends.count == 2 else {
                throw InvalidField(why: "a step needs * or a range before it, and the \(name) is \(item)")
            }
            guard let given = parts[1].wholeNumber, given >= 1, given <= range.upperBound else {
                throw InvalidField(why: "the step of the \(name) must be a number from 1 to \(range.upperBound)")
            }
            step = given
        }
        return stride(from: low, through: high, by: step).reduce(0) { $0 | (1 << UInt64($1)) }
    }

    private func number(_ text: Substring) throws(InvalidField) -> Int {
        if let named = names[text.lowercased()] { return named }
        // crontab(5) allows 05.
        let digits = text.utf8.count == 2 && text.hasPrefix("0") ? text.dropFirst() : text
        guard let number = digits.wholeNumber else { throw invalid(text) }
        guard range.contains(number) else {
            throw InvalidField(
                why: "the \(name) must be from \(range.lowerBound) to \(range.upperBound), and is \(number)")
        }
        return number
    }

    private func invalid(_ item: Substring) -> InvalidField {
        let example = names.isEmpty ? "" : ", names (\(names.keys.min { names[$0]! < names[$1]! } ?? ""))"
        return InvalidField(
            why: "the \(name) is \(quoted(String(item))); write *, numbers from \(range.lowerBound) to "
                + "\(range.upperBound)\(example), ranges (1-5), lists (1,5) or steps (*/2)")
    }
}
