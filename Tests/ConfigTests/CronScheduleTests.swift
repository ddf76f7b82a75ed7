import Config
import Testing

/// Cron expressions, as crontab(5) describes them.
@Suite struct CronScheduleTests {
    private static func bits(_ numbers: some Sequence<Int>) -> UInt64 { numbers.reduce(0) { $0 | 1 << UInt64($1) } }

    @Test func starsAreEverything() throws {
        let cron = try CronSchedule(parsing: "* * * * *")
        #expect(cron.minutes == Self.bits(0...59))
        #expect(cron.hours == Self.bits(0...23))
        #expect(cron.daysOfMonth == Self.bits(1...31))
        #expect(cron.months == Self.bits(1...12))
        #expect(cron.daysOfWeek == Self.bits(0...6))
    }

    @Test func rangesListsStepsAndNames() throws {
        let cron = try CronSchedule(parsing: "5,10-12,40-59/10 */6 1,15 JAN,mar-May fri-sun")
        #expect(cron.minutes == Self.bits([5, 10, 11, 12, 40, 50]))
        #expect(cron.hours == Self.bits([0, 6, 12, 18]))
        #expect(cron.daysOfMonth == Self.bits([1, 15]))
        #expect(cron.months == Self.bits([1, 3, 4, 5]))
        #expect(cron.daysOfWeek == Self.bits([0, 5, 6]))
    }

    @Test(arguments: ["0 0 * * 0", "0 0 * * 7", "0 0 * * SUN"])
    func sundayHasThreeNames(_ text: String) throws {
        #expect(try CronSchedule(parsing: text).daysOfWeek == 1)
    }

    @Test(arguments: [
        ("@hourly", "0 * * * *"), ("@daily", "0 0 * * *"), ("@midnight", "0 0 * * *"), ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"), ("@yearly", "0 0 1 1 *"), ("@annually", "0 0 1 1 *"),
    ])
    func abbreviationsMeanTheirFields(_ short: String, _ long: String) throws {
        let (short, long) = (try CronSchedule(parsing: short), try CronSchedule(parsing: long))
        #expect(
            [short.minutes, short.hours, short.daysOfMonth, short.months, short.daysOfWeek]
                == [long.minutes, long.hours, long.daysOfMonth, long.months, long.daysOfWeek])
    }

    /// "If both fields are restricted (don't contain the * character), the command will be run when either field
    /// matches the current time."
    @Test func aDayFitsEitherFieldWhereBothAreRestricted() throws {
        let either = try CronSchedule(parsing: "0 3 13 * fri")
        #expect(either.contains(month: 1, day: 13, weekday: 1) && either.contains(month: 1, day: 2, weekday: 5))
        #expect(!either.contains(month: 1, day: 2, weekday: 1))
        let friday = try CronSchedule(parsing: "0 3 * * fri")
        #expect(friday.contains(month: 1, day: 13, weekday: 5) && !friday.contains(month: 1, day: 13, weekday: 1))
        let minute = try CronSchedule(parsing: "30 3 * feb *")
        #expect(minute.contains(month: 2, day: 1, weekday: 0, hour: 3, minute: 30))
        #expect(!minute.contains(month: 2, day: 1, weekday: 0, hour: 3, minute: 31))
        #expect(!minute.contains(month: 3, day: 1, weekday: 0, hour: 3, minute: 30))
    }

    @Test(arguments: ["0 0 29 2 *", "0 0 31 2 mon", "0 0 30 feb,mar *"])
    func rareDaysCanHappen(_ text: String) {
        #expect(throws: Never.self) { try CronSchedule(parsing: text) }
    }

    @Test(arguments: [
        ("0 0 30 2 *", "no month that it names has such a day, so it would never happen"),
        ("0 0 31 4,6 *", "no month that it names has such a day, so it would never happen"),
        ("60 * * * *", "the minute must be from 0 to 59, and is 60"),
        ("* * 0 * *", "the day of the month must be from 1 to 31, and is 0"),
        ("* * * 13 *", "the month must be from 1 to 12, and is 13"),
        ("* * * * 8", "the day of the week must be from 0 to 7, and is 8"),
        ("5-1 * * * *", "the minute range 5-1 runs backwards"),
        ("*/0 * * * *", "the step of the minute must be a number from 1 to 59"),
        ("*/90 * * * *", "the step of the minute must be a number from 1 to 59"),
        ("5/2 * * * *", "a step needs * or a range before it, and the minute is 5/2"),
        ("0 3 * *", "it has 4 fields, and must have five: minute, hour, day of the month, month, day of the week"),
        ("0 0 3 * * *", "it has 6 fields, and must have five: minute, hour, day of the month, month, day of the week"),
        ("@reboot", "a run that was missed while the machine was off happens after boot by itself"),
        ("@dayly", "the abbreviations are @annually, @daily, @hourly, @midnight, @monthly, @weekly, @yearly"),
    ])
    func anImpossibleOneIsRefusedWithTheReason(_ text: String, _ why: String) {
        #expect(throws: InvalidValue.self) { try CronSchedule(parsing: text) }
        do throws(InvalidValue) { _ = try CronSchedule(parsing: text) } catch {
            #expect(error.description == "\"\(text)\" is not a cron expression: \(why)")
        }
    }

    @Test(arguments: [
        "", " ", "@", "a * * * *", ", * * * *", "1, * * * *", "1-2-3 * * * *", "1//2 * * * *", "-1 * * * *",
        "* * * foo *", "jan * * * *", "+1 * * * *",
    ])
    func nonsenseIsRefused(_ text: String) {
        #expect(throws: InvalidValue.self) { try CronSchedule(parsing: text) }
    }
}
