import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Policy

@Suite("The gate when its agent is killed, stopped or replaced, with real packets (needs root)", .serialized)
struct GateProcessTests {
    private static let lease: UInt64 = 2_000_000_000
    /// The kernel's timers tick every 1 to 10 ms, and a lease is rounded up to a tick.
    private static let ticks: UInt64 = 20_000_000

    @Test(arguments: [SIGKILL, SIGSTOP])
    func `an agent that is killed or stopped leaves the gate open for its lease and no longer`(signal: Int32) throws {
        let guarded = try GuardedNode(hasLoop: false)
        let holder = try guarded.startHolder(handover: 0)
        try holder.waitForOutput("open")
        guarded.flood.begin(phase: 1)
        try guarded.wait(forAnswers: 500, phase: 1)
        holder.signal(signal)
        let moment = packetClock()
        while packetClock() < moment + Self.lease + Self.ticks { guarded.flood.begin(phase: 2) }
        // From here on every packet is sent after the end of any lease.
        guarded.flood.begin(phase: 3)
        guarded.flood.begin(phase: 4, packets: 2000)
        let sent = guarded.flood.stop().values.reduce(0, +)
        let leaked = guarded.passed(shutPhases: [4])
        let allowed = guarded.answers(phase: 1) + guarded.answers(phase: 2)
        print("signal \(signal): sent \(sent), allowed \(allowed), leaked \(leaked)")
        #expect(guarded.answers(phase: 2) > 0)
        #expect(leaked == 0)
    }

    @Test func `a killed agent's tables are taken over by the next one`() throws {
        let guarded = try GuardedNode(hasLoop: false)
        for _ in 0..<3 {
            let holder = try guarded.startHolder(handover: 0)
            try holder.waitForOutput("open")
            holder.signal(SIGKILL)
            _ = try holder.finish()
        }
        let last = try guarded.startHolder(handover: 0)
        try last.waitForOutput("open")
        guarded.flood.begin(phase: 1)
        try guarded.wait(forAnswers: 500, phase: 1)
    }

    @Test func `an orderly upgrade under load loses no packet`() throws {
        let guarded = try GuardedNode(hasLoop: false)
        var holder = try guarded.startHolder(handover: 60_000, lease: 60_000)
        try holder.waitForOutput("open")
        guarded.flood.begin(phase: 1)
        for phase: UInt32 in 2...4 {
            holder.signal(SIGTERM)
            #expect(try holder.finish().output.contains("ended"))
            holder = try guarded.startHolder(handover: 60_000, lease: 60_000)
            try holder.waitForOutput("open")
            guarded.flood.begin(phase: phase)
        }
        guarded.flood.begin(phase: 5)
        let sent = guarded.flood.stop().filter { (1...4).contains($0.key) }
        for phase: UInt32 in 1...4 { try guarded.wait(forAnswers: sent[phase] ?? 0, phase: phase) }
        print("upgrade: sent \(sent.values.reduce(0, +)), allowed \(sent.values.reduce(0, +)), leaked \(guarded.leaks)")
        #expect(guarded.leaks == 0)
    }

    @Test(arguments: [0, 60_000])
    func `starting, stopping and killing agents under load while the posture is bad leaks nothing`(handover: Int) throws
    {
        let guarded = try GuardedNode(routes: "ip route add default via 192.0.2.1", hasLoop: false)
        var holder = try guarded.startHolder(handover: handover)
        try holder.waitForOutput("closed")
        // What came before there was a gate.
        guarded.flood.begin(phase: 1)
        let before = guarded.leaks
        for signal in [SIGTERM, SIGKILL, SIGTERM, SIGKILL] {
            holder.signal(signal)
            _ = try holder.finish()
            holder = try guarded.startHolder(handover: handover)
            try holder.waitForOutput("closed")
        }
        guarded.flood.begin(phase: 2)
        let sent = guarded.flood.stop()
        let leaked = guarded.passed(shutPhases: [1]) - before
        print("bad from the start: sent \(sent[1] ?? 0), allowed 0, leaked \(leaked)")
        #expect(leaked == 0)
    }

    @Test func `an orderly stop without a handover shuts at once`() throws {
        let guarded = try GuardedNode(hasLoop: false)
        let holder = try guarded.startHolder(handover: 0)
        try holder.waitForOutput("open")
        holder.signal(SIGTERM)
        _ = try holder.finish()
        guarded.flood.begin(phase: 1)
        guarded.flood.begin(phase: 2, packets: 500)
        #expect(guarded.passed(shutPhases: [2]) == 0)
    }

    @Test func `a second agent is refused while the first lives`() throws {
        let guarded = try GuardedNode(hasLoop: false)
        let first = try guarded.startHolder(handover: 0)
        try first.waitForOutput("open")
        let second = try guarded.startHolder(handover: 0)
        #expect(try second.finish().output.contains("failed: another running nodeguard owns the gate"))
        guarded.flood.begin(phase: 1)
        try guarded.wait(forAnswers: 100, phase: 1)
    }

    @Test func `a flush of everything beside a living agent does not open it`() throws {
        let guarded = try GuardedNode(hasLoop: false)
        let holder = try guarded.startHolder(handover: 0)
        try holder.waitForOutput("open")
        guarded.cutTunnel()
        try holder.waitForOutput("closed")
        _ = try? guarded.node.shell("nft flush ruleset")
        guarded.flood.begin(phase: 1, packets: 200)
        try guarded.restoreTunnel()
        try holder.waitForOutput("closed\nopen")
        guarded.flood.begin(phase: 2)
        try guarded.wait(forAnswers: 100, phase: 2)
        #expect(guarded.leaks == 0)
    }
}

@Suite("The gate's agent without time: starved, or with the clock set (needs root)", .serialized)
struct GateTimeTests {
    @Test func `an agent that gets no processor leaks nothing by the uplink, and shuts in the end`() throws {
        let guarded = try GuardedNode(hasLoop: false)
        let holder = try guarded.startHolder(handover: 0)
        try holder.waitForOutput("open")
        guarded.flood.begin(phase: 1)
        try guarded.wait(forAnswers: 100, phase: 1)
        // It runs only where nobody else wants the one processor that it may use, and two others always do.
        // The kernel's rules per packet need no processor of the agent's.
        let starved = try runProgram([
            "sh", "-ec", "taskset -acp 0 \(holder.pid); chrt -a -i -p 0 \(holder.pid)",
        ])
        #expect(starved.status == 0, "\(starved.errors)")
        let hogs = try (0..<2).map { _ in
            try RunningProgram(["taskset", "-c", "0", "sh", "-c", "while :; do :; done"])
        }
        try guarded.node.shell("ip route replace default via 192.0.2.1")
        guarded.flood.begin(phase: 2, packets: 2000)
        hogs.forEach { $0.signal(SIGKILL) }
        try holder.waitForOutput("closed")
        guarded.flood.begin(phase: 3)
        guarded.flood.begin(phase: 4, packets: 300)
        let sent = guarded.flood.stop().values.reduce(0, +)
        let leaked = guarded.passed(shutPhases: [4])
        print("starved: sent \(sent), allowed \(guarded.answers(phase: 1)), leaked \(leaked)")
        #expect(leaked == 0)
    }

    /// Only what the agent is told of the time of day is changed, by libfaketime: the machine's clock is everybody's.
    @Test(arguments: ["+86400", "-86400", "+315360000"])
    func `a clock that is set neither opens nor shuts it`(step: String) throws {
        let library = try runProgram(["sh", "-c", "ls /usr/lib/*/faketime/libfaketimeMT.so.1"]).output
        let path = try #require(
            library.split(separator: "\n").first, "libfaketime is not installed: scripts/setup test")
        let folder = try TemporaryFolder()
        let clock = try folder.write("clock", "+0\n")
        let guarded = try GuardedNode(hasLoop: false)
        let agent = try guarded.startHolder(
            handover: 0, lease: 1000,
            environment: [
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LD_PRELOAD": String(path),
                "FAKETIME_TIMESTAMP_FILE": clock.string, "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            ])
        try agent.waitForOutput("open")
        guarded.flood.begin(phase: 1)
        try guarded.wait(forAnswers: 100, phase: 1)
        try folder.write("clock", "\(step)\n")
        // Several leases long it stays open, without a packet lost.
        guarded.flood.begin(phase: 2)
        let end = packetClock() + 3_000_000_000
        while packetClock() < end { guarded.flood.begin(phase: 2) }
        guarded.flood.begin(phase: 3)
        try guarded.node.shell("ip route replace default via 192.0.2.1")
        try agent.waitForOutput("closed")
        guarded.flood.begin(phase: 4)
        guarded.flood.begin(phase: 5, packets: 300)
        let sent = guarded.flood.stop()
        try guarded.wait(forAnswers: sent[2] ?? 0, phase: 2)
        let leaked = guarded.passed(shutPhases: [5])
        print("clock \(step) s: sent \(sent.values.reduce(0, +)), allowed \(sent[2] ?? 0), leaked \(leaked)")
        #expect(leaked == 0)
    }
}
