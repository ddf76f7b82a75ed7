import Journal
import Testing

@testable import Policy

private let now = UnixTime(seconds: 1_800_000_000)
private func ago(_ seconds: Int64) -> UnixTime { UnixTime(seconds: 1_800_000_000 - seconds) }
private let day: Int64 = 86400

/// Facts that are all as they should be.
private func facts(_ change: (inout StateFacts) -> Void = { _ in }) -> StateFacts {
    var facts = StateFacts(
        databases: .known(["bytecode", "daily", "main"].map { StateFacts.Database(name: $0, built: ago(day)) }),
        targets: .known([
            StateFacts.Target(name: "system", lastCompletion: ago(day), limit: ago(-day)),
            StateFacts.Target(name: "validators", lastCompletion: ago(2000), limit: ago(-day)),
        ]),
        findings: .known(StateFacts.Findings(open: 0, example: nil)),
        keyFiles: .known(StateFacts.KeyFiles(exposed: [], notLookedAt: [])))
    change(&facts)
    return facts
}

private func results(_ facts: StateFacts) -> [CheckName: CheckResult] {
    let checks: [any PostureCheck] = [
        KeysPermissionsCheck(facts), SignaturesAgeCheck(facts, now: now), ScanAgeCheck(facts, now: now),
        FindingsOpenCheck(facts),
    ]
    return checks.reduce(into: [:]) { $0[$1.name] = $1.evaluate(deadline: .now) }
}

@Suite("The checks of the node's state")
struct StateChecksTests {
    @Test func `all is well`() {
        for result in results(facts()).values { #expect(result.verdict == .pass, "\(result)") }
        #expect(facts().checks.map(\.name) == [.keysPermissions, .signaturesAge, .scanAge, .findingsOpen])
    }

    @Test(arguments: [0, day, 3 * day - 1, 3 * day, 3 * day + 1, 400 * day])
    func `daily is too old after three days, however old the others are`(age: Int64) {
        let result = results(
            facts {
                $0.databases = .known([
                    StateFacts.Database(name: "main", built: ago(2000 * day)),
                    StateFacts.Database(name: "daily", built: ago(age)),
                    StateFacts.Database(name: "own", built: ago(3000 * day)),
                ])
            })[.signaturesAge]!
        #expect((result.verdict == .pass) == (age <= 3 * day), "\(result)")
        #expect(result.verdict.kind != .unknown)
        if age > 3 * day { #expect(result.verdict.remedy?.contains("freshclam") == true) }
    }

    @Test func `databases that are missing, damaged or from the future`() {
        func verdict(_ databases: [StateFacts.Database]) -> CheckResult {
            results(facts { $0.databases = .known(databases) })[.signaturesAge]!
        }
        #expect(verdict([]).verdict.kind == .fail)
        #expect(verdict([StateFacts.Database(name: "own", built: ago(0))]).verdict.kind == .fail)
        #expect(verdict([StateFacts.Database(name: "daily", built: ago(0))]).evidence.contains("without main"))
        let main = StateFacts.Database(name: "main", built: ago(day))
        #expect(verdict([main, StateFacts.Database(name: "daily", built: nil)]).verdict.kind == .unknown)
        #expect(verdict([main, StateFacts.Database(name: "daily", built: ago(-2 * day))]).verdict.kind == .unknown)
        #expect(verdict([main, StateFacts.Database(name: "daily", built: ago(-3600))]).verdict.kind == .pass)
    }

    @Test func `a target that is late fails, one that was never scanned is unknown until it is late`() {
        func verdict(_ targets: [StateFacts.Target]) -> CheckResult {
            results(facts { $0.targets = .known(targets) })[.scanAge]!
        }
        let good = StateFacts.Target(name: "a", lastCompletion: ago(day), limit: ago(-1))
        let late = StateFacts.Target(name: "b", lastCompletion: ago(3 * day), limit: ago(1))
        let never = StateFacts.Target(name: "c", lastCompletion: nil, limit: nil)
        let neverAndLate = StateFacts.Target(name: "d", lastCompletion: nil, limit: ago(1))
        #expect(verdict([good]).verdict.kind == .pass)
        #expect(verdict([good, never]).verdict.kind == .unknown)
        #expect(verdict([never, late]).verdict.kind == .fail)
        #expect(verdict([good, late]).evidence.contains("b 3 days ago"))
        #expect(verdict([good, neverAndLate]).evidence.contains("d never"))
        #expect(verdict([]).verdict.kind == .unknown)
    }

    @Test func `key files and findings`() {
        let exposed = (1...5).map { "/keys/\($0).json" }
        let keys = results(facts { $0.keyFiles = .known(.init(exposed: exposed, notLookedAt: ["system"])) })[
            .keysPermissions]!
        #expect(keys.verdict.kind == .fail)
        #expect(keys.evidence.contains("5 key files") && keys.evidence.contains("and 2 more"))
        let unlooked = results(facts { $0.keyFiles = .known(.init(exposed: [], notLookedAt: ["system"])) })
        #expect(unlooked[.keysPermissions]!.verdict.kind == .unknown)
        let found = results(facts { $0.findings = .known(.init(open: 1, example: "/srv/x (Eicar)")) })[.findingsOpen]!
        #expect(found.verdict.kind == .fail)
        #expect(found.evidence == "1 finding open: /srv/x (Eicar)")
    }

    @Test func `what could not be read, or was read long ago, is unknown with its reason`() {
        let unreadable = facts {
            $0.databases = .unknown(why: "w1", remedy: "r")
            $0.targets = .unknown(why: "w2", remedy: "r")
            $0.findings = .unknown(why: "w3", remedy: "r")
            $0.keyFiles = .unknown(why: "w4", remedy: "r")
        }
        for result in results(unreadable).values {
            #expect(result.verdict == .unknown(remedy: "r"))
            #expect(result.evidence.hasPrefix("w"))
        }
        for result in results(facts { $0.read = .now.advanced(by: .seconds(-601)) }).values {
            #expect(result.verdict.kind == .unknown)
            #expect(result.evidence.contains("10 minutes ago"))
        }
    }

    @Test func `they are part of a posture only where their facts are given`() {
        let policy = PosturePolicy(selinux: .ignore, ipv4: .ignore, ipv6: .ignore)
        #expect(Posture.evaluate(policy).results.count == 5)
        var heard: [CheckName] = []
        let posture = Posture.evaluate(policy, state: facts()) { heard.append($0.check) }
        #expect(posture.results.map(\.check) == CheckName.allCases)
        #expect(heard == CheckName.allCases)
    }
}
