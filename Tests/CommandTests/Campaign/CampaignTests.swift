import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

/// Faults at every moment, against the real programs under real packets. Heavy: scripts/test runs them by themselves.
@Suite("The agent under a campaign of faults (needs root)", .serialized)
struct CampaignTests {}

extension CampaignTests {
    /// What a kill can meet.
    private enum Victim: String, CaseIterable {
        case agent, session, engine, worker, command
    }

    /// Everything that a process has started, and what those have.
    private static func tree(of process: Int32) -> [Int32] {
        Processes.children(of: process).flatMap { [$0] + tree(of: $0) }
    }

    /// One of the processes that there are now, of a kind if there is one.
    private static func choose(
        _ victim: Victim, agent: Int32, commands: [Int32], _ random: inout Seeded
    ) -> (kind: Victim, process: Int32)? {
        let roots = [agent] + commands
        let sessions = roots.flatMap { Processes.children(of: $0) }
        let engines = sessions.flatMap { Processes.children(of: $0) }
        let workers = engines.flatMap { tree(of: $0) }
        let found: [Int32] =
            switch victim {
            case .agent: [agent]
            case .session: sessions
            case .engine: engines
            case .worker: workers
            case .command: commands
            }
        return found.randomElement(using: &random).map { (victim, $0) }
    }

    @Test func `200 kills of every process at any moment lose no finding, count no scan twice and open no gate`() throws
    {
        let rounds = 200
        var random = Seeded(state: 20)
        let flooded = try FloodedHouse(
            scan: "  throttle: { bytesPerSecond: 2MiB }\n  schedule: \"* * * * *\"", options: ["--scan-patience", "0s"]
        ) { house in
            for number in 0..<200 {
                try house.folder.write("sample/\(number)", "\(number) " + String(repeating: "x", count: 8192))
            }
        }
        let house = flooded.house
        try flooded.waitForPackets()
        let began = time(nil)
        let freshDescriptors = house.openDescriptors

        var planted: Set<String> = []
        var seen: Set<String> = []
        var killed: [Victim: Int] = [:]
        var scans: [RunningProgram] = []
        var looks: [RunningProgram] = []
        var isUp = true
        var since = packetClock()
        var isExpected = false
        var kills = 0
        while kills < rounds {
            if kills % 4 == 0 {
                let path = try house.folder.write("sample/bad-\(kills)", AgentHouse.bad)
                planted.insert(path.string)
            }
            // The posture: a second and a half down, of which the last is looked at, and as long up.
            let age = packetClock() - since
            if isUp && age > 1_500_000_000 {
                flooded.expectNothing()
                try house.setTunnel(up: false)
                (isUp, since) = (false, packetClock())
            } else if !isUp && !isExpected && age > FloodedHouse.grace {
                flooded.expectShut()
                isExpected = true
            } else if !isUp && age > FloodedHouse.grace + 1_000_000_000 {
                flooded.expectNothing()
                try house.setTunnel(up: true)
                (isUp, isExpected, since) = (true, false, packetClock())
            }
            if scans.count < 2 {
                let options = Bool.random(using: &random) ? ["--full"] : []
                scans.append(try house.startNodeguard(["scan-now", "--target", "sample"] + options))
            }
            if looks.isEmpty { looks.append(try house.startNodeguard(["status"])) }
            // The moment of the kill is what is random.
            usleep(UInt32.random(in: 0..<120_000, using: &random))
            let victim = Victim.allCases.randomElement(using: &random)!
            let commands = (scans + looks).map(\.pid).filter { Processes.isAlive($0) }
            guard let chosen = Self.choose(victim, agent: house.agent.pid, commands: commands, &random) else {
                continue
            }
            guard kill(chosen.process, SIGKILL) == 0 else { continue }
            kills += 1
            killed[chosen.kind, default: 0] += 1
            if chosen.kind == .agent {
                #expect(try house.agent.finish().end == .signalled(SIGKILL))
                // As systemd does. Not always is it left alone until it is up.
                try house.start()
                if Int.random(in: 0..<4, using: &random) > 0 {
                    try house.notify.wait(for: "READY=1")
                    let attention = try house.toldStatus().attention
                    let broken = attention.filter(Self.tellsOfDamage)
                    #expect(broken.isEmpty, "after \(kills) kills: \(broken)")
                }
            }
            // Who has ended is reaped.
            for gone in (scans + looks).filter({ !Processes.isAlive($0.pid) }) { _ = try gone.finish() }
            scans.removeAll { !Processes.isAlive($0.pid) }
            looks.removeAll { !Processes.isAlive($0.pid) }
            if kills % 20 == 0 { seen.formUnion(try house.toldFindings().map(\.id)) }
        }
        flooded.expectNothing()
        try house.setTunnel(up: true)
        for one in scans + looks { _ = try one.finish() }
        try house.waitForStatus("OPEN")

        let last = try house.nodeguard("scan-now", "--target", "sample")
        #expect(last.status == 1, "\(last.errors)")
        let findings = try house.toldFindings()
        #expect(planted.subtracting(findings.filter { $0.state == "open" }.map(\.path)).isEmpty)
        #expect(seen.subtracting(findings.map(\.id)).isEmpty, "a finding that was there is there no more")
        #expect(findings.count == planted.count)

        let history = try house.toldHistory()
        #expect(Set(history.map(\.scanID)).count == history.count)
        let nightly = history.count { $0.complete && $0.trigger != "manual" }
        let minutes = Int(time(nil) / 60 - began / 60) + 1
        #expect(nightly <= minutes, "\(nightly) scans for \(minutes) times of the schedule")

        let attention = try house.toldStatus().attention.filter(Self.tellsOfDamage)
        #expect(attention.isEmpty, "\(attention)")
        for file in ["metrics.json", "schedule.json"] {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: house.state.appending(file).string))
            #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: bytes) }
        }
        let kept = try house.nodeguard("config", "check", "\(house.state)/last-good/nodeguard.yaml")
        #expect(kept.status == 0, "\(kept.output) \(kept.errors)")

        // Nothing of all that is left.
        try waitFor("the scans to end") { Processes.children(of: house.agent.pid).isEmpty ? true : nil }
        try waitFor("the connections to end") { house.openDescriptors <= freshDescriptors ? true : nil }
        #expect(house.names(in: house.state.appending("scratch")) == [])
        let counted = try flooded.count()
        #expect(try house.stop().end == .exited(0))
        #expect(try house.processes() == [])
        #expect(try house.mounts() == [])
        let known: Set = [
            "findings.db", "findings.db.lock", "last-good", "ledger", "lock", "metrics.json", "schedule.json",
            "scratch",
        ]
        let strange = Set(house.names(in: house.state)).subtracting(known)
        #expect(strange.isEmpty, "left in the state folder: \(strange)")
        let kinds = killed.map { "\($0.value) of \($0.key.rawValue)" }.sorted().joined(separator: ", ")
        print("\(rounds) kills (\(kinds)), \(planted.count) findings, \(history.count) scans: \(counted)")
        #expect(Set(killed.keys) == Set(Victim.allCases))
        #expect(counted.sentWhileShut > 1000)
        #expect(counted.leaked == 0)
    }

    /// Whether a sentence tells of state that was lost.
    private static func tellsOfDamage(_ sentence: String) -> Bool {
        // A scan-now that began while there was no agent tells its own metrics: nothing is lost.
        if sentence.contains("another process is writing it") { return false }
        return [
            "cannot be read", "begun anew", "set aside", "is damaged", "is not known, each target", "cannot be kept",
        ]
        .contains { sentence.contains($0) }
    }
}

extension AgentHouse {
    /// Starts a command in the namespace.
    func startNodeguard(_ arguments: [String]) throws -> RunningProgram {
        try RunningProgram(
            ["ip", "netns", "exec", node.name, builtProgram("nodeguard")] + arguments
                + ["--config", configuration.string])
    }
}
