import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

/// An ``AgentHouse`` whose validator gets packets from outside without a pause, and which counts what came through the
/// gate: every packet carries the phase it was sent in.
final class FloodedHouse {
    let house: AgentHouse
    let flood: PacketFlood
    private let peer: NetworkNamespace
    private let receiver: PacketReceiver
    private var arrived: [UInt32: Int] = [:]
    private var phase: UInt32 = 0
    /// Phases in which nothing may arrive, and those in which all must.
    private var shutPhases: Set<UInt32> = []
    private var openPhases: Set<UInt32> = []

    /// How long after the fault of its posture a gate may be open whose agent is dead, in nanoseconds: the lease that
    /// ``policy`` gives, and a tick of the kernel's clock.
    static let grace: UInt64 = 1_050_000_000
    static let policy = """
          selinux: { require: ignore }
          vpn: { interfaces: [tun0], ipv4: required, ipv6: ignore }
          gate: { mode: enforce, settle: 100ms, lease: 1s }
        """

    init(
        scan: String = "", options: [String] = [], environment: [String: String] = [:],
        prepare: (AgentHouse) throws -> Void = { _ in }
    ) throws {
        house = try AgentHouse(
            policy: Self.policy, scan: scan, options: options, environment: environment, starts: false)
        peer = try NetworkNamespace()
        try house.node.shell(
            """
            ip link add home0 address 02:00:00:00:00:02 type veth peer name isp0 address 02:00:00:00:00:01 \
                netns \(peer.name)
            sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.home0.rp_filter=0
            ip link set home0 up; ip address add 192.0.2.2/24 dev home0
            ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev home0
            """)
        try peer.shell(
            """
            ip link set isp0 up; ip address add 192.0.2.1/24 dev isp0
            ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev isp0
            """)
        receiver = try PacketReceiver(in: house.node, port: 9000)
        try prepare(house)
        try house.start()
        try house.notify.wait(for: "READY=1")
        // Not before the gate's rules are there: without a gate everything passes.
        flood = try PacketFlood(from: peer, to: "192.0.2.2", port: 9000, gap: 1_000_000)
    }

    deinit { _ = flood.stop() }

    private func nextPhase(packets: Int = 1) {
        phase += 1
        flood.begin(phase: phase, packets: packets)
        for packet in receiver.packets() { arrived[packet.phase, default: 0] += 1 }
    }

    /// From now on nothing may arrive. Every packet of before has been handed to the kernel.
    func expectShut() {
        nextPhase()
        // The first packet of the phase was begun before; it is sent by now.
        nextPhase()
        shutPhases.insert(phase)
    }

    /// From now on everything must arrive.
    func expectOpen() {
        nextPhase()
        nextPhase()
        openPhases.insert(phase)
    }

    /// From now on nothing is expected.
    func expectNothing() { nextPhase() }

    /// Waits until so many packets of the phase were sent.
    func wait(packets: Int) { flood.begin(phase: phase, packets: packets) }

    /// Waits until packets come through.
    func waitForPackets() throws {
        nextPhase()
        try waitFor("packets to come through") {
            nextPhase()
            return arrived[phase - 1] ?? 0 > 0 ? true : nil
        }
    }

    /// What was counted.
    struct Count: CustomStringConvertible {
        var sent = 0
        var sentWhileShut = 0
        var leaked = 0
        var sentWhileOpen = 0
        var dropped = 0

        var description: String {
            "\(sent) packets sent; \(sentWhileShut) while the gate had to be shut, \(leaked) of them came through; "
                + "\(sentWhileOpen) while it had to be open, \(dropped) of them dropped"
        }
    }

    /// Ends the flood and counts.
    func count() throws -> Count {
        nextPhase()
        let sent = flood.stop()
        for packet in receiver.packets() { arrived[packet.phase, default: 0] += 1 }
        var count = Count()
        count.sent = sent.values.reduce(0, +)
        for phase in shutPhases {
            count.sentWhileShut += sent[phase] ?? 0
            count.leaked += arrived[phase] ?? 0
        }
        for phase in openPhases {
            count.sentWhileOpen += sent[phase] ?? 0
            count.dropped += (sent[phase] ?? 0) - (arrived[phase] ?? 0)
        }
        return count
    }
}

/// What the commands print as JSON, as far as a campaign wants it.
struct Told {
    struct Status: Decodable {
        struct Gate: Decodable { let state: String }
        let gate: Gate
        let attention: [String]
    }

    struct Findings: Decodable {
        struct Finding: Decodable {
            let id: String
            let path: String
            let state: String
        }
        let findings: [Finding]
    }

    struct History: Decodable {
        struct Scan: Decodable {
            let scanID: String
            let trigger: String
            let complete: Bool
        }
        let scans: [Scan]
    }
}

extension AgentHouse {
    private func decode<Document: Decodable>(_: Document.Type, _ result: ProgramResult) throws -> Document {
        do {
            return try JSONDecoder().decode(Document.self, from: Data(result.stdout))
        } catch {
            throw ProgramFailure(description: "\(result.end): \(result.output) \(result.errors)")
        }
    }

    func toldStatus() throws -> Told.Status { try decode(Told.Status.self, nodeguard("status", "--json")) }

    func toldFindings() throws -> [Told.Findings.Finding] {
        try decode(Told.Findings.self, nodeguard("findings", "--all", "--json")).findings
    }

    func toldHistory() throws -> [Told.History.Scan] {
        try decode(Told.History.self, nodeguard("history", "--json")).scans
    }

    /// Waits until `status` asks for attention to something.
    func waitForAttention(_ text: String) throws {
        var last: [String] = []
        do {
            try waitFor("status to say \(text)") {
                last = try toldStatus().attention
                return last.contains { $0.contains(text) } ? true : nil
            }
        } catch {
            throw ProgramFailure(description: "\(error); it said: \(last)")
        }
    }

    /// The agent's open descriptors.
    var openDescriptors: Int {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(agent.pid)/fd")) ?? []).count
    }

    /// Everything of the node's namespace that still runs.
    func processes() throws -> [String] {
        try runProgram(["ip", "netns", "pids", node.name]).output.split(separator: "\n").map(String.init)
    }

    /// Mount points of this machine beneath the house.
    func mounts() throws -> [Substring] {
        let mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
        return mounts.split(separator: "\n").filter { $0.contains(folder.path.string) }
    }

    func names(in folder: FilePath) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.string)) ?? []).sorted()
    }
}
