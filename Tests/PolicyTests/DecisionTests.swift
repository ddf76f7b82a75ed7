import Journal
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Policy

private let required = GateSettings.usuallyRequired
private let start = ContinuousClock.now

private func at(_ milliseconds: Int) -> ContinuousClock.Instant { start.advanced(by: .milliseconds(milliseconds)) }

private func posture(_ kind: Verdict.Kind = .pass, except check: CheckName? = nil) -> [CheckName: Verdict.Kind] {
    CheckName.allCases.reduce(into: [:]) { $0[$1] = $1 == check ? kind : .pass }
}

@Suite("The decision")
struct DecisionTests {
    /// Every combination of the four required checks' answers (or none), the mode and a person's will.
    @Test func `every combination opens exactly when it should`() {
        let answers: [Verdict.Kind?] = [.pass, .fail, .unknown, nil]
        let checks = CheckName.allCases.filter(required.contains)
        let wills: [GateOverrideState] = [
            .automatic, .forcedShut(reason: "moved"), .breakGlass(until: at(20_000), reason: "test"),
            .breakGlass(until: at(5_000), reason: "over"),
        ]
        var combinations = 0
        for code in 0..<256 {
            var verdicts: [CheckName: Verdict.Kind] = [:]
            for (place, check) in checks.enumerated() { verdicts[check] = answers[(code >> (2 * place)) & 3] }
            let isGood = checks.allSatisfy { verdicts[$0] == .pass }
            for mode in GateMode.allCases {
                for will in wills {
                    for settled in [false, true] {
                        var judge = GateJudge(GateSettings(mode: mode, settle: .seconds(3)))
                        judge.note(verdicts, at: at(10_000 - (settled ? 3_000 : 2_999)))
                        judge.note(verdicts, at: at(9_999))
                        let decision = judge.decide(will, at: at(10_000))
                        let opened = {
                            if case .breakGlass(let until, _) = will { until > at(10_000) } else { false }
                        }()
                        let forced = { if case .forcedShut = will { true } else { false } }()
                        #expect(
                            decision.isOpen == (mode == .disabled || (!forced && (opened || (isGood && settled)))),
                            "\(verdicts) \(mode) \(will) \(settled): \(decision)")
                        combinations += 1
                    }
                }
            }
        }
        #expect(combinations == 256 * 3 * 4 * 2)
    }

    /// Whatever the owner requires, exactly that opens it and everything else leaves it alone: every set of checks, with
    /// every set of checks that pass.
    @Test func `the required checks are the ones that count, whichever they are`() {
        let all = CheckName.allCases
        let postures = (0..<(1 << all.count)).map { passing in
            all.indices.reduce(into: [CheckName: Verdict.Kind]()) { verdicts, place in
                let bad: Verdict.Kind? = [.fail, .unknown, nil][(passing + place) % 3]
                verdicts[all[place]] = passing & (1 << place) != 0 ? .pass : bad
            }
        }
        for code in 1..<(1 << all.count) {
            let required = Set(all.indices.filter { code & (1 << $0) != 0 }.map { all[$0] })
            var judge = GateJudge(GateSettings(mode: .enforce, settle: .zero, required: required))
            for (passing, verdicts) in postures.enumerated() {
                judge.note(verdicts, at: at(passing))
                let isOpen = judge.decide(.automatic, at: at(passing)).isOpen
                if isOpen != (code & passing == code) {
                    Issue.record("\(required) \(verdicts): \(isOpen)")
                    return
                }
            }
        }
    }

    @Test func `checks that are not required do not shut it`() {
        var judge = GateJudge(GateSettings(mode: .enforce))
        for time in [0, 3000] {
            judge.note(posture().merging([.vpnHandshake: .fail, .scanAge: .unknown]) { $1 }, at: at(time))
        }
        #expect(judge.decide(.automatic, at: at(3000)) == .openByPosture)
    }

    @Test func `an old posture proves nothing`() {
        var judge = GateJudge(GateSettings(mode: .enforce))
        #expect(judge.decide(.automatic, at: at(0)) == .shutWithoutProof)
        judge.note(posture(), at: at(0))
        judge.note(posture(), at: at(4000))
        #expect(judge.decide(.automatic, at: at(19_000)) == .openByPosture)
        #expect(judge.decide(.automatic, at: at(19_001)) == .shutWithoutProof)
        // A clock that went back proves nothing either.
        #expect(judge.decide(.automatic, at: at(3999)) == .shutWithoutProof)
    }

    /// No sequence of events opens it without the required posture having held for `settle`, seen without a gap.
    @Test(arguments: 0..<200 as Range<UInt64>)
    func `nothing but a posture that held opens it`(seed: UInt64) {
        var random = Seeded(state: seed)
        let settings = GateSettings(mode: .enforce, settle: .milliseconds(3000), freshness: .milliseconds(2000))
        var judge = GateJudge(settings)
        var noted: [(time: Int, isGood: Bool)] = []
        var time = 0
        for _ in 0..<400 {
            time += Int.random(in: 0...900, using: &random) * (Int.random(in: 0..<20, using: &random) == 0 ? 4 : 1)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<7:
                let isGood = Int.random(in: 0..<12, using: &random) != 0
                let bad = CheckName.allCases.filter(required.contains).randomElement(using: &random)
                judge.note(isGood ? posture() : posture(.unknown, except: bad), at: at(time))
                noted.append((time, isGood))
            case 7:
                judge.distrust()
                noted.append((time, false))
            default: break
            }
            let isOpen = judge.decide(.automatic, at: at(time)).isOpen
            // The same said another way: going back from now, good looks only, none of the gaps too long, for 3 s.
            var held = 0
            var last = time
            for one in noted.reversed() {
                guard one.isGood, last - one.time <= 2000 else { break }
                held = time - one.time
                last = one.time
            }
            if isOpen { #expect(held >= 3000, "seed \(seed), \(time) ms") }
            // And it does open: the gate is no brick.
            if held >= 3000 && noted.last?.isGood == true { #expect(isOpen, "seed \(seed), \(time) ms") }
        }
    }

    @Test func `before a person's will is known nothing opens, and what is bad is told all the same`() {
        var judge = GateJudge(GateSettings(mode: .enforce, settle: .zero))
        judge.note(posture(), at: at(0))
        #expect(judge.decide(.unknown, at: at(5000)) == .awaitingWill)
        judge.note(posture(.fail, except: .vpnInterface), at: at(5000))
        #expect(judge.decide(.unknown, at: at(5000)) == .shutByCheck(.vpnInterface, .fail))
    }

    @Test func `a forced closing wins over a broken glass`() {
        var judge = GateJudge(GateSettings(mode: .enforce))
        judge.note(posture(), at: at(0))
        #expect(judge.decide(.forcedShut(reason: "moved"), at: at(5000)) == .forcedShut(reason: "moved"))
    }
}

@Suite("A person's will on disk")
struct OverrideStoreTests {
    private func store(_ folder: TemporaryFolder) -> OverrideStore {
        OverrideStore(state: folder.path, runtime: folder.path)
    }

    @Test func `a forced closing stays until it is taken back`() throws {
        let folder = try TemporaryFolder()
        #expect(store(folder).current() == .automatic)
        try store(folder).close(reason: "keys moved")
        #expect(store(folder).current() == .forcedShut(reason: "keys moved"))
        try store(folder).breakGlass(for: .seconds(60), reason: "no")
        #expect(store(folder).current() == .forcedShut(reason: "keys moved"))
        try store(folder).resume()
        #expect(store(folder).current() == .automatic)
        try store(folder).resume()
    }

    @Test func `a broken glass has an end, and a closing mends it`() throws {
        let folder = try TemporaryFolder()
        try store(folder).breakGlass(for: .seconds(60), reason: "maintenance\nof the VPN")
        guard case .breakGlass(let until, let reason) = store(folder).current() else {
            Issue.record("\(store(folder).current())")
            return
        }
        #expect(reason == "maintenance of the VPN")
        #expect(ContinuousClock.now.duration(to: until) <= .seconds(60))
        try store(folder).close(reason: "x")
        try store(folder).resume()
        #expect(store(folder).current() == .automatic)
        try store(folder).breakGlass(for: .zero, reason: "over at once")
        #expect(store(folder).current() == .automatic)
    }

    @Test func `a change is read at once, also in a folder that was not there before`() throws {
        let folder = try TemporaryFolder()
        let store = OverrideStore(state: folder.path.appending("state"), runtime: folder.path)
        let heard = try Mailbox<GateOverrideState>()
        // So long that it would be no reason within this test.
        let reading = try KeptReading(
            folders: store.folders, interval: 3_600_000, { store.current() }, hear: { heard.put($1.value) })
        func wait(until isSo: (GateOverrideState) -> Bool) throws {
            let deadline = ContinuousClock.now.advanced(by: .seconds(120))
            while !heard.take().contains(where: isSo) {
                try #require(ContinuousClock.now < deadline)
                _ = try waitForEvents([Watched(heard.rawValue)], until: deadline)
            }
        }
        try reading.start()
        defer { reading.stop() }
        try wait { $0 == .automatic }
        try makeFolder(folder.path.appending("state"), permissions: .ownerReadWriteExecute)
        reading.lookNow()
        try wait { $0 == .automatic }
        try store.close(reason: "moved")
        try wait { $0 == .forcedShut(reason: "moved") }
        try store.resume()
        try wait { $0 == .automatic }
        try store.breakGlass(for: .seconds(60), reason: "test")
        try wait { if case .breakGlass = $0 { true } else { false } }
    }

    @Test func `what cannot be read means shut`() throws {
        let folder = try TemporaryFolder()
        let marker = folder.path.appending("gate-closed")
        for script in ["ln -s /nonexistent \"$0\"", "rm -f \"$0\"; mkdir \"$0\"", "rmdir \"$0\"; : > \"$0\""] {
            try #require(runProgram(["sh", "-c", script, marker.string]).status == 0)
            guard case .forcedShut = store(folder).current() else {
                Issue.record("\(script): \(store(folder).current())")
                continue
            }
        }
    }

    @Test(arguments: ["", "x", "boot\n1\nreason", "\n\n\n", "boot\n99999999999999999999\nreason"])
    func `a glass of another boot or without sense is whole`(text: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("gate-open", text)
        #expect(store(folder).current() == .automatic)
    }
}
