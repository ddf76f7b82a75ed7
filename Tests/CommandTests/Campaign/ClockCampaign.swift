import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

extension CampaignTests {
    /// Only what the agent is told of the time of day is changed, by libfaketime: the machine's clock is everybody's.
    @Test func `a clock that jumps a day forward and back scans every time of the schedule once and moves no gate`()
        throws
    {
        let library = try runProgram(["sh", "-c", "ls /usr/lib/*/faketime/libfaketimeMT.so.1"]).output
        let path = try #require(
            library.split(separator: "\n").first, "libfaketime is not installed: scripts/setup test")
        let folder = try TemporaryFolder()
        let clock = folder.path.appending("clock")
        // Five minutes before the first noon.
        let noon = (time(nil) / 86400 + 10) * 86400 + 43200
        func set(_ moment: Int) throws {
            try folder.write("clock.new", "\(moment >= time(nil) ? "+" : "")\(moment - time(nil))\n")
            try FileManager.default.removeItemIfThere(clock.string)
            try FileManager.default.moveItem(atPath: "\(clock).new", toPath: clock.string)
        }
        try set(noon - 300)
        let flooded = try FloodedHouse(
            scan: "  schedule: \"0 12 * * *\"", options: ["--scan-patience", "0s"],
            environment: [
                "LD_PRELOAD": String(path), "FAKETIME_TIMESTAMP_FILE": clock.string, "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            ])
        let house = flooded.house
        try house.waitForStatus("OPEN")
        try flooded.waitForPackets()
        /// Scans of the schedule that came to their end.
        func scans() throws -> Int { try house.toldHistory().count { $0.trigger != "manual" && $0.complete } }
        /// Each call has the agent's loop come round, and look at the schedule.
        func look(_ expected: Int, _ what: String) throws {
            flooded.expectOpen()
            try waitFor("\(what): \(expected) scans") {
                _ = try house.toldStatus()
                return try scans() >= expected ? true : nil
            }
            for _ in 0..<3 { _ = try house.toldStatus() }
            #expect(try house.nodeguard("status").output.contains("sample: runs") == false)
            #expect(try house.toldHistory().count == expected, "\(what)")
            // Longer than a lease, without a packet lost.
            flooded.wait(packets: 1500)
            #expect(try house.toldStatus().gate.state == "open")
        }
        let day = 86400
        // Later than any delay that a target can have.
        let later = 1200
        try look(0, "before noon")
        try set(noon + later)
        try look(1, "noon")
        try set(noon + day + later)
        try look(2, "a day forward")
        try set(noon + later + 60)
        try look(2, "a day back")
        try set(noon + day + later + 60)
        try look(2, "forward again")
        try set(noon + 2 * day + later)
        try look(3, "the day after")
        // Never was the gate told of it: neither its settling.
        flooded.expectNothing()
        try house.setTunnel(up: false)
        try house.waitForGate("CLOSED")
        flooded.expectShut()
        try set(noon + day)
        flooded.wait(packets: 200)
        flooded.expectNothing()
        try house.setTunnel(up: true)
        try house.waitForGate("OPEN")
        try set(noon + 2 * day + later + 60)

        // A start under a clock that is a day behind forgets nothing and repeats nothing.
        #expect(try house.stop().end == .exited(0))
        try set(noon + day + later + 120)
        try house.start()
        try house.notify.wait(for: "READY=1")
        try house.waitForGate("OPEN")
        try look(3, "a new agent, a day back")
        try set(noon + 3 * day + later)
        try look(4, "two days on")
        #expect(try house.stop().end == .exited(0))
        let counted = try flooded.count()
        print("clock: \(counted)")
        #expect(counted.leaked == 0)
        #expect(counted.dropped == 0)
    }
}

extension FileManager {
    fileprivate func removeItemIfThere(_ path: String) throws {
        if fileExists(atPath: path) { try removeItem(atPath: path) }
    }
}
