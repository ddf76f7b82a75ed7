import Config
import FoundationEssentials
import Journal
import TestSupport
import Testing

@testable import Agent

/// A machine with targets, a clock that can be set, and an agent that can be started anew.
private final class Machine {
    var schedule = ScanSchedule()
    var targets: [ScanSchedule.Target]
    var now: UnixTime
    var age = Duration.seconds(3600)
    var window: TimeWindow?
    var running: [ScanSchedule.Running] = []
    let zone: Zone

    init(_ targets: [ScanSchedule.Target], at now: UnixTime, zone: Zone = .berlin, window: TimeWindow? = nil) {
        self.targets = targets
        self.now = now
        self.zone = zone
        self.window = window
        schedule.configure(targets, at: now)
    }

    var circumstances: ScanSchedule.Circumstances {
        ScanSchedule.Circumstances(
            now: now, agentAge: age, window: window, running: running, machineID: "0123456789abcdef",
            local: zone.local)
    }

    func plan() -> [ScanSchedule.Planned] { schedule.plan(circumstances) }

    func verdict(_ target: String = "system") -> ScanSchedule.Verdict? {
        plan().first { $0.target == target }?.verdict
    }

    func next(_ target: String = "system") -> UnixTime? { plan().first { $0.target == target }?.next }

    func pass(_ duration: Duration) {
        now = now.advanced(by: duration)
        age += duration
    }

    func begin(_ target: String = "system") {
        schedule.began(target, at: now)
        running.append(ScanSchedule.Running(target: target, disks: targets.first { $0.name == target }?.disks))
    }

    func end(_ ending: SessionEnding, _ target: String = "system") {
        schedule.ended(target, ending, at: now)
        running.removeAll { $0.target == target }
    }

    /// The agent starts anew, with what it kept.
    func restart(after off: Duration = .zero) throws {
        pass(off)
        age = .zero
        running = []
        schedule = try JSONDecoder().decode(ScanSchedule.self, from: JSONEncoder().encode(schedule))
        schedule.configure(targets, at: now)
        schedule.agentStarted(at: now)
    }
}

private func target(_ name: String = "system", _ schedule: CronSchedule = "0 3 * * *", disk: UInt64? = 1)
    -> ScanSchedule.Target
{
    ScanSchedule.Target(name: name, schedule: schedule, disks: disk.map { [$0] })
}

private let zone = Zone.berlin

@Suite("Which target is scanned when")
struct ScanScheduleTests {
    @Test func `a new target waits for its first time, and keeps it also when the machine is off every night`() throws {
        let machine = Machine([target()], at: zone.clock(1, 10, 12))
        #expect(machine.verdict() == .idle)
        let due = try #require(machine.next())
        #expect(due >= zone.clock(1, 11, 3) && due < zone.clock(1, 11, 3, 15))
        // Off over night, before it was ever scanned.
        machine.now = zone.clock(1, 10, 18)
        try machine.restart(after: .seconds(15 * 3600))
        #expect(machine.verdict() == .wait(.scheduled(zone.clock(1, 11, 3)), .agentJustStarted))
        #expect(machine.next() == machine.now.advanced(by: .seconds(300)))
        machine.pass(.seconds(300))
        #expect(machine.verdict() == .start(.scheduled(zone.clock(1, 11, 3))))
    }

    @Test func `it begins a little later than the schedule says, on each machine at another time`() throws {
        let machine = Machine([target()], at: zone.clock(1, 10, 12))
        let due = try #require(machine.next())
        machine.now = UnixTime(microseconds: due.microseconds - 1)
        #expect(machine.verdict() == .idle)
        machine.now = due
        #expect(machine.verdict() == .start(.scheduled(zone.clock(1, 11, 3))))
        var other = machine.circumstances
        let delays = (0..<50).map { number in
            other.machineID = "machine \(number)"
            return ScanSchedule.delay(target(), after: zone.clock(1, 11, 3), other)
        }
        #expect(Set(delays).count >= 45)
        #expect(delays.allSatisfy { $0 >= .zero && $0 < .seconds(900) })
        #expect(delays.contains { $0 > .seconds(600) })
        // Small against the schedule, and never out of the window.
        #expect(ScanSchedule.delay(target("a", "* * * * *"), after: zone.clock(1, 11, 3), other) <= .seconds(3))
        other.window = "01:00-03:01"
        for number in 0..<50 {
            other.machineID = "machine \(number)"
            #expect(ScanSchedule.delay(target(), after: zone.clock(1, 11, 3), other) < .seconds(60))
        }
    }

    @Test func `however many times were missed, it happens once`() throws {
        let machine = Machine([target()], at: zone.clock(1, 10, 12))
        try machine.restart(after: .seconds(20 * 86400))
        machine.pass(.seconds(400))
        #expect(machine.verdict() == .start(.scheduled(zone.clock(1, 30, 3))))
        machine.begin()
        machine.pass(.seconds(600))
        #expect(machine.verdict() == .running)
        machine.end(.completed)
        #expect(machine.verdict() == .idle)
        #expect(try #require(machine.next()) >= zone.clock(1, 31, 3))
    }

    @Test func `a time is never kept twice, not after a restart and not when the clock goes back a day`() throws {
        let machine = Machine([target()], at: zone.clock(1, 10, 12))
        machine.now = zone.clock(1, 11, 3, 15)
        #expect(machine.verdict() == .start(.scheduled(zone.clock(1, 11, 3))))
        machine.begin()
        machine.pass(.seconds(600))
        machine.end(.completed)
        try machine.restart()
        machine.pass(.seconds(900))
        #expect(machine.verdict() == .idle)
        machine.now = zone.clock(1, 10, 3, 20)
        #expect(machine.verdict() == .idle)
        machine.now = zone.clock(1, 11, 3, 20)
        #expect(machine.verdict() == .idle)
        machine.now = zone.clock(1, 12, 3, 20)
        #expect(machine.verdict() == .start(.scheduled(zone.clock(1, 12, 3))))
    }

    @Test func `a clock a day ahead for a moment costs no more than the day, one a year ahead not a night`() throws {
        let machine = Machine([target()], at: zone.clock(1, 10, 12))
        machine.now = zone.clock(1, 11, 12)
        #expect(machine.verdict() == .start(.scheduled(zone.clock(1, 11, 3))))
        machine.begin()
        machine.end(.completed)
        machine.now = zone.clock(1, 10, 12, 5)
        #expect(machine.verdict() == .idle)
        #expect(try #require(machine.next()) < zone.clock(1, 12, 3, 15))
        machine.now = zone.clock(1, 10, 12, year: 2027)
        machine.begin()
        machine.end(.completed)
        machine.now = zone.clock(1, 12, 12)
        #expect(machine.verdict() == .idle)
        machine.now = zone.clock(1, 13, 3, 15)
        #expect(machine.verdict() == .start(.scheduled(zone.clock(1, 13, 3))))
    }

    @Test func `a machine that boots in the past and learns the time later scans nothing for it`() throws {
        let machine = Machine([target()], at: zone.clock(1, 10, 12))
        machine.now = zone.clock(1, 11, 3, 15)
        machine.begin()
        machine.end(.completed)
        try machine.restart()
        machine.now = UnixTime(seconds: 0)
        #expect(machine.verdict() == .idle)
        machine.now = zone.clock(1, 11, 4)
        machine.pass(.seconds(400))
        #expect(machine.verdict() == .idle)
    }

    @Test func `one that was stopped by the window goes on when it opens`() throws {
        let machine = Machine([target()], at: zone.clock(1, 10, 12), window: "01:00-07:00")
        machine.now = zone.clock(1, 11, 3, 15)
        machine.begin()
        machine.now = zone.clock(1, 11, 7)
        machine.end(.interrupted)
        #expect(machine.verdict() == .wait(.unfinished, .windowClosed))
        #expect(machine.next() == zone.clock(1, 12, 1))
        machine.now = zone.clock(1, 12, 1)
        #expect(machine.verdict() == .start(.unfinished))
        // It is still the same scan when the next time of the schedule comes.
        machine.begin()
        machine.now = zone.clock(1, 12, 2)
        machine.end(.completed)
        machine.now = zone.clock(1, 12, 3, 15)
        #expect(machine.verdict() == .start(.scheduled(zone.clock(1, 12, 3))))
    }

    @Test func `a window in the hour that spring leaves out opens the day after`() throws {
        let machine = Machine([target("system", "0 12 * * *")], at: zone.clock(3, 28, 0), window: "02:10-02:50")
        machine.now = zone.clock(3, 28, 13)
        #expect(machine.verdict() == .wait(.scheduled(zone.clock(3, 28, 12)), .windowClosed))
        #expect(machine.next() == zone.clock(3, 30, 2, 10))
    }

    @Test func `one that ends with the agent goes on at once, one that kills the agent not at once again`() throws {
        let machine = Machine([target()], at: zone.clock(1, 10, 12))
        machine.now = zone.clock(1, 11, 3, 15)
        machine.begin()
        try machine.restart()
        machine.pass(.seconds(300))
        #expect(machine.verdict() == .start(.retry))
        machine.begin()
        try machine.restart()
        machine.pass(.seconds(299))
        #expect(machine.verdict() == .wait(.retry, .backOff))
        machine.pass(.seconds(1))
        #expect(machine.verdict() == .start(.retry))
        machine.begin()
        try machine.restart()
        machine.pass(.seconds(301))
        #expect(machine.verdict() == .wait(.retry, .backOff))
        machine.pass(.seconds(299))
        #expect(machine.verdict() == .start(.retry))
        machine.begin()
        machine.end(.completed)
        #expect(machine.verdict() == .idle)
    }

    @Test func `a session that fails is tried again later each time, and at the times of its schedule`() throws {
        let machine = Machine([target()], at: zone.clock(1, 10, 12))
        machine.now = zone.clock(1, 11, 3, 15)
        var tries: [Duration] = []
        let began = machine.now
        while began.duration(to: machine.now) < .seconds(3 * 86400) {
            if case .start = machine.verdict() {
                tries.append(began.duration(to: machine.now))
                machine.begin()
                machine.pass(.seconds(1))
                machine.end(.failed)
            }
            machine.pass(.seconds(119))
        }
        #expect(tries.count < 25)
        #expect(tries.count > 10)
        #expect(tries[1] <= .seconds(480))
        for day in 1...2 {
            let time = Duration.seconds(day * 86400)
            #expect(tries.contains { $0 > time - .seconds(960) && $0 < time + .seconds(180) }, "\(tries)")
        }
        // A wrong clock does not put the next try off for long.
        machine.now = began
        #expect(try #require(machine.next()) <= began.advanced(by: .seconds(6 * 3600)))
    }

    @Test func `what a person stops waits for its next time`() throws {
        let machine = Machine([target()], at: zone.clock(1, 10, 12))
        machine.begin()
        machine.pass(.seconds(60))
        machine.end(.cancelled)
        #expect(machine.verdict() == .idle)
    }

    @Test func `one session a disk, who waited longest first`() throws {
        let targets = [
            target("late", "30 3 * * *", disk: 1), target("early", "0 3 * * *", disk: 1), target("other", disk: 2),
            target("unknown", disk: nil),
        ]
        let machine = Machine(targets, at: zone.clock(1, 10, 12))
        machine.now = zone.clock(1, 11, 4)
        func starts(_ plan: [ScanSchedule.Planned]) -> Set<String> {
            Set(plan.filter { if case .start = $0.verdict { true } else { false } }.map(\.target))
        }
        var begun: [String] = []
        for _ in 0..<10 {
            let now = starts(machine.plan())
            if now.contains("early") { #expect(!now.contains("late")) }
            if now.contains("unknown") { #expect(now == ["unknown"]) }
            guard let name = now.sorted().first else {
                let last = machine.running.first?.target ?? ""
                machine.end(.completed, last)
                continue
            }
            machine.begin(name)
            begun.append(name)
        }
        #expect(Set(begun) == ["late", "early", "other", "unknown"])
        #expect(begun.count == 4)
        #expect(begun.firstIndex(of: "early")! < begun.firstIndex(of: "late")!)
        // Paths given by hand keep a disk busy too.
        machine.now = zone.clock(1, 12, 4)
        machine.running = [ScanSchedule.Running(target: nil, disks: [1])]
        #expect(machine.verdict("early") == .wait(.scheduled(zone.clock(1, 12, 3)), .diskBusy(with: nil)))
        #expect(machine.next("early") == machine.now)
    }

    @Test func `another schedule counts from when it was configured`() throws {
        let machine = Machine([target()], at: zone.clock(1, 10, 12))
        machine.now = zone.clock(1, 11, 10)
        machine.targets = [target("system", "0 9 * * *")]
        machine.schedule.configure(machine.targets, at: machine.now)
        #expect(machine.verdict() == .idle)
        #expect(try #require(machine.next()) >= zone.clock(1, 12, 9))
        // The same one again changes nothing.
        machine.now = zone.clock(1, 12, 10)
        machine.schedule.configure(machine.targets, at: machine.now)
        #expect(machine.verdict() == .start(.scheduled(zone.clock(1, 12, 9))))
    }

    /// Whatever happens: between two sessions that begin for the schedule's sake lies a time of the schedule that no
    /// session before was for; and as long as the agent may work, no time stays without a session for long.
    @Test(arguments: 0..<24 as Range<UInt64>)
    func `no time is lost, none is kept twice`(seed: UInt64) throws {
        var random = Seeded(state: seed)
        let zone = Zone.all.randomElement(using: &random)!
        let schedules: [CronSchedule] = ["0 3 * * *", "30 2 * * *", "*/20 * * * *", "0 1,13 * * *", "30 1 * * sun"]
        let targets = ["a", "b", "c"].map {
            target($0, schedules.randomElement(using: &random)!, disk: UInt64.random(in: 1...2, using: &random))
        }
        let begin = zone.changes.randomElement(using: &random)?.at ?? utc(5, 1, 0)
        let machine = Machine(
            targets, at: begin.advanced(by: .seconds(-5 * 86400)), zone: zone,
            window: Bool.random(using: &random) ? nil : "22:00-07:00")
        /// Up to where the times of each target's schedule are kept, and since when one waits.
        var kept = Dictionary(uniqueKeysWithValues: targets.map { ($0.name, machine.now) })
        var scheduled: [String: Int] = [:]
        let jumps = seed % 3 == 0
        var isAhead = false
        for _ in 0..<300 {
            switch Int.random(in: 0..<40, using: &random) {
            case 0: try machine.restart(after: .seconds(Int.random(in: 0...200_000, using: &random)))
            case 1...2 where jumps:
                // A day ahead, and back again later.
                machine.now = machine.now.advanced(by: .seconds(isAhead ? -86400 : 86400))
                isAhead.toggle()
            default: machine.pass(.seconds(Int.random(in: 1...3600, using: &random)))
            }
            for session in machine.running where Int.random(in: 0..<3, using: &random) == 0 {
                let ending: SessionEnding = [.completed, .completed, .interrupted, .failed].randomElement(
                    using: &random)!
                machine.end(ending, session.target!)
            }
            for planned in machine.plan() {
                guard case .start(let reason) = planned.verdict else { continue }
                let target = targets.first { $0.name == planned.target }!
                #expect(!machine.running.contains { $0.disks == target.disks }, "seed \(seed)")
                if let window = machine.window {
                    #expect(window.contains(minuteOfDay: zone.local.minuteOfDay(machine.now)))
                }
                if case .scheduled(let occurrence) = reason {
                    #expect(occurrence > kept[target.name]! && occurrence <= machine.now, "seed \(seed)")
                    scheduled[target.name, default: 0] += 1
                }
                kept[target.name] = max(kept[target.name]!, machine.now)
                machine.begin(target.name)
            }
        }
        // Left in peace, everything that was due is done.
        if !jumps {
            for _ in 0..<480 {
                machine.pass(.seconds(1800))
                for session in machine.running { machine.end(.completed, session.target!) }
                for planned in machine.plan() {
                    if case .start = planned.verdict {
                        kept[planned.target] = machine.now
                        machine.begin(planned.target)
                    }
                }
            }
            for target in targets {
                // The last time is kept, or its delay and the window are still ahead.
                let last = target.schedule.last(before: machine.now.advanced(by: .seconds(-86400)), in: zone.local)!
                #expect(kept[target.name]! >= last, "seed \(seed) \(target.schedule)")
            }
            #expect(scheduled.values.reduce(0, +) > 0)
        }
    }
}
