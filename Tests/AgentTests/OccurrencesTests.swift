import Config
import Glibc
import Journal
import TestSupport
import Testing

@testable import Agent

@Suite("When a schedule comes true")
struct OccurrencesTests {
    /// Every time of a schedule from one moment up to another.
    private func times(_ schedule: CronSchedule, _ zone: Zone, _ from: UnixTime, _ to: UnixTime) -> [UnixTime] {
        var found: [UnixTime] = []
        var moment = from
        while let next = schedule.next(after: moment, in: zone.local), next <= to {
            found.append(next)
            moment = next
        }
        return found
    }

    @Test func `a night's schedule comes once a night`() {
        let zone = Zone.berlin
        #expect(
            times("0 3 * * *", zone, zone.clock(1, 10, 3), zone.clock(1, 13, 3))
                == [zone.clock(1, 11, 3), zone.clock(1, 12, 3), zone.clock(1, 13, 3)])
        // Strictly after, to the microsecond.
        let three = zone.clock(1, 10, 3)
        let schedule: CronSchedule = "0 3 * * *"
        #expect(schedule.next(after: UnixTime(microseconds: three.microseconds - 1), in: zone.local) == three)
        #expect(schedule.last(before: three, in: zone.local) == zone.clock(1, 9, 3))
        #expect(schedule.last(before: UnixTime(microseconds: three.microseconds + 1), in: zone.local) == three)
    }

    @Test func `what falls into the gap of spring happens once, right after it`() {
        let gaps: [(Zone, UnixTime, CronSchedule)] = [
            (.berlin, utc(3, 29, 1), "30 2 * * *"), (.berlin, utc(3, 29, 1), "*/20 2 * * *"),
            (.berlin, utc(3, 29, 1), "0,30 2 29 3 *"), (.newYork, utc(3, 8, 7), "0 2 * * *"),
            (.newYork, utc(3, 8, 7), "59 2 * * sun"), (.lordHowe, utc(10, 3, 15, 30), "5,10 2 * * *"),
        ]
        for (zone, gap, schedule) in gaps {
            let around = times(schedule, zone, gap.advanced(by: .seconds(-43200)), gap.advanced(by: .seconds(43200)))
            #expect(around == [gap], "\(zone.name) \(schedule)")
        }
        // The hour before and the hour after are as on any other day.
        let zone = Zone.berlin
        #expect(
            times("30 1,3 * * *", zone, zone.clock(3, 29, 0), zone.clock(3, 29, 12))
                == [zone.clock(3, 29, 1, 30), zone.clock(3, 29, 3, 30)])
        // One that names the first minute after the gap as well does not happen twice.
        #expect(times("0 2,3 * * *", zone, zone.clock(3, 29, 0), zone.clock(3, 29, 12)) == [utc(3, 29, 1)])
    }

    @Test func `what falls into the doubled hour of autumn happens once, in the first`() {
        let doubled: [(Zone, UnixTime, CronSchedule, UnixTime)] = [
            (.berlin, utc(10, 25, 1), "30 2 * * *", utc(10, 25, 0, 30)),
            (.berlin, utc(10, 25, 1), "0 2 * * *", utc(10, 25, 0)),
            (.newYork, utc(11, 1, 6), "15 1 * * *", utc(11, 1, 5, 15)),
            (.lordHowe, utc(4, 4, 15), "45 1 * * *", utc(4, 4, 14, 45)),
        ]
        for (zone, change, schedule, first) in doubled {
            let around = times(
                schedule, zone, change.advanced(by: .seconds(-36000)), change.advanced(by: .seconds(36000)))
            #expect(around == [first], "\(zone.name) \(schedule)")
            // Asked in the middle of the second of the two hours, too.
            let later = change.advanced(by: .seconds(600))
            #expect(schedule.next(after: later, in: zone.local)! > change.advanced(by: .seconds(43200)))
        }
        #expect(times("0 3 * * *", .berlin, utc(10, 24, 12), utc(10, 25, 12)) == [utc(10, 25, 2)])
    }

    @Test func `a schedule of every hour follows the real time`() {
        for zone in Zone.all {
            for change in zone.changes.map(\.at) {
                let from = change.advanced(by: .seconds(-3 * 3600))
                let to = change.advanced(by: .seconds(3 * 3600))
                #expect(times("* * * * *", zone, from, to).count == 360, "\(zone.name)")
                #expect(times("*/10 * * * *", zone, from, to).count == 36, "\(zone.name)")
            }
        }
        #expect(times("0 * * * *", .berlin, utc(10, 24, 12), utc(10, 25, 12)).count == 24)
        #expect(times("0 * * * *", .berlin, utc(3, 28, 12), utc(3, 29, 12)).count == 24)
    }

    @Test func `leap years`() {
        let zone = Zone.tokyo
        let leapDay: CronSchedule = "0 0 29 2 *"
        #expect(leapDay.next(after: zone.clock(3, 1, 0), in: zone.local) == zone.clock(2, 29, 0, year: 2028))
        #expect(leapDay.last(before: zone.clock(3, 1, 0), in: zone.local) == zone.clock(2, 29, 0, year: 2024))
        // 2100 is no leap year.
        #expect(
            leapDay.next(after: zone.clock(3, 1, 0, year: 2096), in: zone.local) == zone.clock(2, 29, 0, year: 2104))
        #expect(times("0 0 31 * *", zone, zone.clock(1, 1, 1), zone.clock(12, 31, 1)).count == 7)
        // Both days' fields: either, as crontab(5) says. Fridays in February 2026: 6, 13, 20, 27.
        #expect(times("0 0 13 2 fri", zone, zone.clock(1, 31, 1), zone.clock(3, 1, 0)).count == 4)
    }

    /// Over every schedule and moment: next and last belong together, and the clocks show what the schedule names.
    @Test(arguments: 0..<24 as Range<UInt64>)
    func `next and last are each other's counterpart`(seed: UInt64) throws {
        var random = Seeded(state: seed)
        let zone = Zone.all.randomElement(using: &random)!
        func field(_ range: ClosedRange<Int>) -> String {
            Bool.random(using: &random) ? "*" : "\(Int.random(in: range, using: &random))"
        }
        let schedule = try CronSchedule(
            parsing: "\(field(0...59)) \(field(0...23)) \(field(1...28)) \(field(1...12)) \(field(0...6))")
        for _ in 0..<8 {
            let moment = UnixTime(
                seconds: Int64.random(in: utc(1, 1, 0).wholeSeconds...utc(12, 31, 0).wholeSeconds, using: &random))
            let next = try #require(schedule.next(after: moment, in: zone.local))
            let last = try #require(schedule.last(before: moment.advanced(by: .seconds(1)), in: zone.local))
            #expect(next > moment && last <= moment)
            #expect(schedule.next(after: last, in: zone.local) == next, "\(zone.name) \(schedule) \(moment)")
            #expect(schedule.last(before: next, in: zone.local) == last, "\(zone.name) \(schedule) \(moment)")
            let isAfterGap = zone.changes.contains { $0.at == next }
            let shown = UnixTime(seconds: next.wholeSeconds + zone.offset(next.wholeSeconds))
            let minute = Int(shown.wholeSeconds / 60 % 1440)
            #expect(
                isAfterGap
                    || (schedule.hours & (1 << UInt64(minute / 60)) != 0
                        && schedule.minutes & (1 << UInt64(minute % 60)) != 0)
            )
        }
    }

    /// In a process of its own, for the zone is the whole process's.
    @Test func `the C library agrees, and a change of TZ is noticed`() async {
        await #expect(processExitsWith: .success) {
            for zone in Zone.all {
                guard unsafe setenv("TZ", zone.name, 1) == 0 else { exit(2) }
                let local = LocalTime.current()
                for change in zone.changes + [(utc(6, 1, 0), zone.offset(utc(6, 1, 0).wholeSeconds))] {
                    for seconds in [-86400, -1, 0, 1, 86400] as [Int64] {
                        let moment = change.at.wholeSeconds + seconds
                        if local.offset(at: moment) != zone.offset(moment) { exit(3) }
                    }
                }
            }
            exit(0)
        }
    }
}
