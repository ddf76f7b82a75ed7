import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

extension CampaignTests {
    /// A file system that is small enough to be filled.
    static func small(_ path: FilePath) throws -> MountedFolder {
        let mounted = try MountedFolder.tmpfs(at: path, bytes: 4 << 20)
        // An agent believes nothing in a folder that others can write to.
        _ = unsafe path.withPlatformString { unsafe chmod($0, 0o700) }
        return mounted
    }

    /// Takes all room that is left.
    private static func fill(_ folder: FilePath) throws {
        let filler = try FileDescriptor.open(
            folder.appending("filler"), .writeOnly, options: [.create, .append, .closeOnExec],
            permissions: .ownerReadWrite)
        defer { try? filler.close() }
        let bytes = [UInt8](repeating: 0, count: 4096)
        do {
            while true { try filler.writeAll(bytes) }
        } catch Errno.noSpace {
            return
        }
    }

    private static func makeRoom(_ folder: FilePath) throws {
        try FileManager.default.removeItem(atPath: folder.appending("filler").string)
    }

    /// As soon as no file there is open for writing: the agent has none open for long.
    private static func makeReadOnly(_ mounted: MountedFolder?) throws {
        try waitFor("the file system to be remounted") { (try? mounted?.makeReadOnly()) != nil ? true : nil }
    }

    /// The gate follows the posture, and a command gets an answer.
    private static func expectGateFollows(_ flooded: FloodedHouse) throws {
        let house = flooded.house
        flooded.expectNothing()
        try house.setTunnel(up: false)
        try house.waitForStatus("SHUT")
        flooded.expectShut()
        flooded.wait(packets: 50)
        flooded.expectNothing()
        try house.setTunnel(up: true)
        try house.waitForStatus("OPEN")
        try house.waitForGate("OPEN")
        flooded.expectOpen()
        flooded.wait(packets: 50)
    }

    @Test func `a full state folder stops no gate, is told, and costs nothing that was kept`() throws {
        var mounted: MountedFolder?
        defer { _ = mounted }
        let flooded = try FloodedHouse { house in
            mounted = try Self.small(house.state)
            // Full before the first start ever.
            try Self.fill(house.state)
            try house.folder.write("sample/bad-1", AgentHouse.bad)
        }
        let house = flooded.house
        try house.waitForStatus("OPEN")
        try house.waitForAttention("No space left on device")
        try Self.expectGateFollows(flooded)
        // It scans all the same.
        let first = try house.nodeguard("scan-now")
        #expect(first.status == 1 && first.output.contains("bad-1"), "\(first.output) \(first.errors)")

        // With room it recovers by itself.
        try Self.makeRoom(house.state)
        #expect(try house.nodeguard("scan-now").status == 1)
        #expect(try house.toldFindings().map(\.state) == ["open"])
        try waitFor("the attention to end") {
            try house.toldStatus().attention.contains { $0.contains("No space") } ? nil : true
        }

        // Full during a scan.
        try house.folder.write("sample/bad-2", AgentHouse.bad)
        try house.configure(policy: FloodedHouse.policy, scan: "  throttle: { bytesPerSecond: 256KiB }")
        #expect(try house.call("Reload", "{}") == "{}")
        for number in 0..<20 {
            try house.folder.write("sample/\(number)", "\(number) " + String(repeating: "x", count: 65536))
        }
        let scan = try house.startNodeguard("scan-now", "--json", "--full")
        try scan.waitForOutput("scan.started")
        try Self.fill(house.state)
        try Self.expectGateFollows(flooded)
        let ended = try scan.finish()
        #expect(ended.status == 1 && ended.output.contains("bad-2"), "\(ended.errors)")
        try house.waitForAttention("disk is full")

        // Full during a reload: it is taken up, and told that it cannot be kept.
        try house.configure(policy: FloodedHouse.policy, scan: "  throttle: { bytesPerSecond: 128MiB }")
        #expect(try house.call("Reload", "{}") == "{}")
        try house.waitForAttention("the configuration cannot be kept as the last good one")
        try Self.expectGateFollows(flooded)
        let kept = try house.nodeguard("config", "check", "\(house.state)/last-good/nodeguard.yaml")
        #expect(kept.status == 0, "the one before is lost: \(kept.output) \(kept.errors)")
        #expect(try house.toldFindings().contains { $0.path.hasSuffix("bad-1") })

        // Killed and started while it is full.
        try house.stop(SIGKILL)
        try house.start()
        try house.notify.wait(for: "READY=1")
        try house.waitForStatus("OPEN")

        try Self.makeRoom(house.state)
        #expect(try house.nodeguard("scan-now").status == 1)
        #expect(try house.toldFindings().map(\.state) == ["open", "open"])
        #expect(try house.stop().end == .exited(0))
        let counted = try flooded.count()
        print("full state folder: \(counted)")
        #expect(counted.leaked == 0)
        #expect(counted.dropped == 0)
    }

    @Test func `a state folder that is read-only stops no gate, is told, and is still read`() throws {
        var mounted: MountedFolder?
        let flooded = try FloodedHouse { house in
            mounted = try Self.small(house.state)
            try house.folder.write("sample/bad-1", AgentHouse.bad)
        }
        let house = flooded.house
        #expect(try house.nodeguard("scan-now").status == 1)
        try house.waitForStatus("OPEN")
        try Self.makeReadOnly(mounted)
        try Self.expectGateFollows(flooded)
        #expect(try house.nodeguard("scan-now").status == 1)
        try house.waitForAttention("Read-only file system")
        let findings = try house.nodeguard("findings")
        #expect(findings.status == 1 && findings.output.contains("bad-1"), "\(findings.output) \(findings.errors)")
        let history = try house.nodeguard("history")
        #expect(history.status == 0 && history.output.contains("sample"), "\(history.output) \(history.errors)")
        #expect(try house.call("GetFindings", "{}").contains("bad-1"))
        try house.configure(policy: FloodedHouse.policy, scan: "  throttle: { bytesPerSecond: 128MiB }")
        #expect(try house.call("Reload", "{}") == "{}")
        try house.waitForStatus("OPEN")

        // A machine that comes up with it read-only needs its gate all the same.
        #expect(try house.stop().end == .exited(0))
        try house.start()
        try house.notify.wait(for: "READY=1")
        try Self.expectGateFollows(flooded)
        let second = try house.nodeguard("run")
        #expect(second.errors.contains("another nodeguard runs on this host"), "\(second.errors)")
        try house.waitForAttention("Read-only file system")
        #expect(try house.stop().end == .exited(0))
        let counted = try flooded.count()
        print("read-only state folder: \(counted)")
        #expect(counted.leaked == 0)
        #expect(counted.dropped == 0)
    }

    @Test func `a textfile folder that is full, read-only or not there is told, and used again when it is right`()
        throws
    {
        var mounted: MountedFolder?
        let flooded = try FloodedHouse { house in
            let folder = house.metricsFile.removingLastComponent()
            mounted = try Self.small(folder)
            try Self.fill(folder)
        }
        let house = flooded.house
        let folder = house.metricsFile.removingLastComponent()
        try house.waitForStatus("OPEN")
        try house.waitForAttention("No space left on device")
        try Self.expectGateFollows(flooded)
        try Self.makeRoom(folder)
        flooded.expectNothing()
        try house.setTunnel(up: false)
        try waitFor("the metrics to be written") { (try? house.metric("nodeguard_gate_open")) == 0 ? true : nil }
        #expect(try house.toldStatus().attention.allSatisfy { !$0.contains("No space") })
        try Self.makeReadOnly(mounted)
        try house.setTunnel(up: true)
        try house.waitForStatus("OPEN")
        try house.waitForAttention("Read-only file system")
        // Unmounted and gone.
        mounted = nil
        try FileManager.default.removeItem(atPath: folder.string)
        try Self.expectGateFollows(flooded)
        try house.waitForAttention("No such file or directory")
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: false)
        flooded.expectNothing()
        try house.setTunnel(up: false)
        try waitFor("the metrics to be written") { (try? house.metric("nodeguard_gate_open")) == 0 ? true : nil }
        #expect(try house.stop().end == .exited(0))
        let counted = try flooded.count()
        print("textfile folder: \(counted)")
        #expect(counted.leaked == 0)
        #expect(counted.dropped == 0)
    }
}
