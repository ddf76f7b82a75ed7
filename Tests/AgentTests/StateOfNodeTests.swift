import Config
import Journal
import Policy
import SystemPackage
import TestSupport
import Testing

@testable import Agent

/// A state folder and a signature folder, and the configuration that names them.
private struct House {
    let folder: TemporaryFolder
    var settings = Configuration()
    var state: FilePath { folder.path.appending("state") }

    init() throws {
        folder = try TemporaryFolder()
        try folder.write("state/x", "")
        try folder.write("signatures/x", "")
        settings.paths.state = try AbsolutePath(parsing: state.string)
        settings.scan.signatures = try AbsolutePath(parsing: folder.path.appending("signatures").string)
    }

    func facts(_ now: UnixTime = .now()) -> StateFacts {
        StateFacts(reading: settings, now: now, local: LocalTime { _ in 0 })
    }

    func verdicts(_ facts: StateFacts) -> [CheckName: Verdict.Kind] {
        facts.checks.reduce(into: [:]) { $0[$1.name] = $1.evaluate(deadline: .now).verdict.kind }
    }

    func complete(_ target: String, at time: UnixTime?, exposed: Set<String> = []) {
        let store = MetricsStore(state: state, textfile: nil, version: "1")
        store.update { snapshot in
            snapshot.targets[MetricLabel(target)!, default: MetricsSnapshot.Target()].lastCompletion = time
            snapshot.targets[MetricLabel(target)!]?.exposedKeyFiles = exposed
        }
    }
}

@Suite("What the checks of the node's state are told")
struct StateOfNodeTests {
    @Test func `nothing was ever scanned: nothing is known, and nothing is made by asking`() throws {
        let house = try House()
        let facts = house.facts()
        let verdicts = house.verdicts(facts)
        #expect(verdicts[.keysPermissions] == .unknown)
        #expect(verdicts[.scanAge] == .unknown)
        #expect(verdicts[.findingsOpen] == .unknown)
        #expect(verdicts[.signaturesAge] == .fail)
        #expect(try runProgram(["ls", "-A", house.state.string]).output == "x\n")
        let nowhere = try House()
        try #require(runProgram(["rm", "-r", nowhere.state.string]).status == 0)
        #expect(nowhere.verdicts(nowhere.facts())[.findingsOpen] == .unknown)
    }

    @Test func `scanned in time, without findings and exposed keys`() throws {
        let house = try House()
        let now = UnixTime.now()
        for target in ["system", "validators"] { house.complete(target, at: now) }
        _ = try FindingsStore(state: house.state)
        var verdicts = house.verdicts(house.facts())
        #expect(verdicts[.keysPermissions] == .pass)
        #expect(verdicts[.scanAge] == .pass)
        #expect(verdicts[.findingsOpen] == .pass)
        house.complete("validators", at: now, exposed: ["/keys/a.json"])
        verdicts = house.verdicts(house.facts())
        #expect(verdicts[.keysPermissions] == .fail)
        house.complete("system", at: now.advanced(by: .seconds(-4 * 86400)))
        #expect(house.verdicts(house.facts())[.scanAge] == .fail)
    }

    @Test func `a target that was never scanned is late only after its schedule has had its time`() throws {
        let house = try House()
        house.complete("system", at: UnixTime.now())
        #expect(house.verdicts(house.facts())[.scanAge] == .unknown)
        var schedule = ScanSchedule()
        schedule.configure(
            [ScanSchedule.Target(name: "validators", schedule: "30 3 * * *", disks: nil)],
            at: UnixTime.now().advanced(by: .seconds(-3600)))
        try schedule.keep(in: house.state)
        #expect(house.verdicts(house.facts())[.scanAge] == .unknown)
        schedule = ScanSchedule()
        schedule.configure(
            [ScanSchedule.Target(name: "validators", schedule: "30 3 * * *", disks: nil)],
            at: UnixTime.now().advanced(by: .seconds(-4 * 86400)))
        try schedule.keep(in: house.state)
        #expect(house.verdicts(house.facts())[.scanAge] == .fail)
    }

    @Test func `late is after two times of the schedule, and not while the second is still kept`() throws {
        let utcTime = LocalTime { _ in 0 }
        let nightly: CronSchedule = "0 3 * * *"
        #expect(nightly.lateAfter(utc(1, 10, 5), utcTime) == utc(1, 12, 5))
        #expect(nightly.lateAfter(utc(1, 10, 2), utcTime) == utc(1, 12, 2))
        let workdays: CronSchedule = "0 3 * * mon-fri"
        // Friday, 9 January 2026.
        #expect(workdays.lateAfter(utc(1, 9, 5), utcTime) == utc(1, 13, 3))
    }

    @Test func `open findings are told with an example, damaged ones are not forgotten`() throws {
        let house = try House()
        let store = try FindingsStore(state: house.state)
        let scan = ScanID.random()
        try store.met(
            FileReport(
                path: "/srv/evil\n", outcome: .infected(first: "Eicar"), size: 68, target: "system",
                scanID: scan),
            signatures: ["Eicar"], at: .now())
        guard case .known(let findings) = house.facts().findings else {
            Issue.record("\(house.facts().findings)")
            return
        }
        #expect(findings.open == 1)
        #expect(findings.example == "/srv/evil\\n (Eicar)")
        let damaged = try House()
        _ = try FindingsStore(state: damaged.state)
        try damaged.folder.write("state/findings.db.damaged-2026", "")
        #expect(damaged.verdicts(damaged.facts())[.findingsOpen] == .unknown)
    }

    @Test func `damaged metrics are unknown, not never`() throws {
        let house = try House()
        try house.folder.write("state/metrics.json", "{")
        guard case .unknown(let why, _) = house.facts().targets else {
            Issue.record("\(house.facts().targets)")
            return
        }
        #expect(why.contains("cannot be read"))
    }

    @Test func `the configuration names every check there is, and the gate requires those`() throws {
        #expect(Configuration.Gate.Check.allCases.map(\.rawValue) == CheckName.allCases.map(\.rawValue))
        for check in Configuration.Gate.Check.allCases {
            #expect(CheckName(check).rawValue == check.rawValue)
            let plan = try plan("policy: { gate: { require: [\(check.rawValue)] } }")
            #expect(plan.settings.required == [CheckName(check)])
        }
        #expect(try plan("").settings.required == GateSettings.usuallyRequired)
    }

    private func plan(_ yaml: String) throws -> GatePlan {
        GatePlan(try loadConfiguration(main: ConfigurationFile(path: "nodeguard.yaml", bytes: Array(yaml.utf8))))
    }
}
