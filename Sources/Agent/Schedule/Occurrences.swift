public import Config
public import Journal

/// When a schedule comes true.
///
/// Around a change of the clocks the rules are those of Debian's cron(8), as far as a scan needs them:
///
/// - A schedule of certain hours keeps its promise of so many times a day. What falls into the hour that is left out in
///   spring happens once, in the first second after the gap. What falls into the hour that comes twice in autumn
///   happens in the first of the two.
/// - A schedule of every hour, such as `0 * * * *` or `*/5 * * * *`, follows the clocks: it happens whenever they show a
///   minute that it names, in both of the doubled hours, and not in the one that is left out.
extension CronSchedule {
    /// The first time after a moment. Nil only where the calendar ends before it.
    public func next(after moment: UnixTime, in local: LocalTime = .current()) -> UnixTime? {
        let first = moment.wholeSeconds + 1
        // From a day before: whether `first` lies in the second of two doubled hours shows only from before them.
        var from = first - 86400
        // After 400 years days of the week and leap years are the same again.
        let end = first + 400 * 366 * 86400
        while from < end {
            let offset = local.offset(at: from)
            var until = from + 86400
            let isChange = local.offset(at: until) != offset
            if isChange { until = local.change(after: from, through: until) }
            if let found = firstMinute(from: max(from, first) + offset, before: until + offset) {
                return UnixTime(seconds: found - offset)
            }
            let later = isChange ? local.offset(at: until) : offset
            if later > offset, !isEveryHour, until >= first,
                firstMinute(from: until + offset, before: until + later) != nil
            {
                return UnixTime(seconds: until)
            }
            from = later < offset && !isEveryHour ? until + offset - later : until
        }
        return nil
    }

    /// The last time before a moment. Nil only where there was none in 400 years.
    public func last(before moment: UnixTime, in local: LocalTime = .current()) -> UnixTime? {
        var span = Int64(120)
        while span < 400 * 366 * 86400 {
            var found: UnixTime?
            var candidate = next(after: UnixTime(seconds: moment.wholeSeconds - span), in: local)
            while let occurrence = candidate, occurrence < moment {
                found = occurrence
                candidate = next(after: occurrence, in: local)
            }
            if let found { return found }
            span *= 4
        }
        return nil
    }

    private var isEveryHour: Bool { hours == (1 << 24) - 1 }

    /// The first minute that the schedule names, in seconds as the clocks count them; both ends likewise.
    private func firstMinute(from start: Int64, before end: Int64) -> Int64? {
        var minute = floorDivide(start + 59, 60).quotient
        while minute * 60 < end {
            let (day, minuteOfDay) = floorDivide(minute, 1440)
            let date = CivilDate(day: day)
            if contains(month: date.month, day: date.day, weekday: date.weekday) {
                for candidate in minuteOfDay..<1440 {
                    guard hours & (1 << UInt64(candidate / 60)) != 0, minutes & (1 << UInt64(candidate % 60)) != 0
                    else { continue }
                    let seconds = (day * 1440 + candidate) * 60
                    return seconds < end ? seconds : nil
                }
            }
            minute = (day + 1) * 1440
        }
        return nil
    }
}

/// A date of the Gregorian calendar.
private struct CivilDate {
    /// 1 to 12.
    let month: Int
    /// 1 to 31.
    let day: Int
    /// 0 (Sunday) to 6.
    let weekday: Int

    /// By the number of days since 1970-01-01: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
    /// civil_from_days. Years begin in March and are counted in eras of 400 years.
    init(day number: Int64) {
        let dayOfEra = floorDivide(number + 719468, 146097).rest
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
        month = Int(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
        // 1970-01-01 was a Thursday.
        weekday = Int(floorDivide(number + 4, 7).rest)
    }
}
