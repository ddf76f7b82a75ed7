import Journal
import LinuxSystem
import TestSupport
import Testing

@testable import Policy

/// Real packets through real rules. Each test tells how many were sent, allowed and leaked.
@Suite("The gate's rules in the kernel, with real packets (needs root)", .serialized)
struct KernelGateTests {
    private static let ports: Set<Port> = [Port(.udp, 9000), Port(.tcp, 9000)]
    private static let enforced = GateRules(mode: .enforce, ports: ports)

    @Test(arguments: [GateScheme.owned, .doubled])
    func `shut until opened, open while refreshed a thousand times, shut at once`(scheme: GateScheme) throws {
        let topology = try GateTopology()
        let receiver = try PacketReceiver(in: topology.node, port: 9000)
        let other = try PacketReceiver(in: topology.node, port: 9001)
        let sent = try topology.withGate(Self.enforced, scheme: scheme) { gate in
            let flood = try PacketFlood(from: topology.peer, to: "192.0.2.2", port: 9000)
            let beside = try PacketFlood(from: topology.peer, to: "192.0.2.2", port: 9001, gap: 1_000_000)
            flood.begin(phase: 1)
            for phase: UInt32 in [2, 3] {
                // A packet that was stamped with the phase before may be sent a moment later: the change has its own.
                flood.begin(phase: phase * 10 + 9)
                try gate.open(for: .seconds(300))
                flood.begin(phase: phase * 10)
                for _ in 0..<500 { try gate.open(for: .seconds(300)) }
                flood.begin(phase: phase * 10 + 1)
                try gate.shut()
                flood.begin(phase: phase * 10 + 2, packets: 500)
                for _ in 0..<50 { try gate.shut() }
            }
            flood.begin(phase: 99)
            return (flood.stop(), beside.stop())
        }
        let arrived = GateTopology.arrived(receiver)
        let allowed = [20, 30].reduce(0) { $0 + (arrived[$1] ?? 0) }
        // Phases 29 and 39 hold the moment of opening, 21 and 31 that of closing.
        let leaked = [0, 1, 22, 32, 99].reduce(0) { $0 + (arrived[$1] ?? 0) }
        print("\(scheme.rawValue): sent \(sent.0.values.reduce(0, +)), allowed \(allowed), leaked \(leaked)")
        #expect(leaked == 0)
        // A packet of the phase after may have been counted to it before the phase began, never the other way round.
        #expect(arrived[20] == sent.0[20])
        #expect(arrived[30] == sent.0[30])
        #expect(GateTopology.arrived(other)[0] == sent.1[0])
    }

    @Test func `a thousand flaps under a flood leak nothing`() throws {
        let topology = try GateTopology()
        let receiver = try PacketReceiver(in: topology.node, port: 9000)
        let sent = try topology.withGate(Self.enforced) { gate in
            let flood = try PacketFlood(from: topology.peer, to: "192.0.2.2", port: 9000, gap: 20_000)
            for flap: UInt32 in 0..<1000 {
                // Odd phases are shut, phase 4n + 2 is open; the changes happen in phase 4n.
                try gate.shut()
                flood.begin(phase: flap * 4 + 1)
                flood.begin(phase: flap * 4)
                try gate.open(for: .seconds(300))
                flood.begin(phase: flap * 4 + 2)
                flood.begin(phase: flap * 4)
            }
            return flood.stop()
        }
        let arrived = GateTopology.arrived(receiver)
        let leaked = arrived.filter { $0.key % 2 == 1 }.values.reduce(0, +)
        let allowed = arrived.filter { $0.key % 4 == 2 }.values.reduce(0, +)
        let allowable = sent.filter { $0.key % 4 == 2 }.values.reduce(0, +)
        let shut = sent.filter { $0.key % 2 == 1 }.values.reduce(0, +)
        print("flaps: sent \(shut) while shut and \(allowable) while open, allowed \(allowed), leaked \(leaked)")
        #expect(shut >= 1000)
        #expect(leaked == 0)
        #expect(allowed == allowable)
    }

    @Test(arguments: [GateScheme.owned, .doubled])
    func `a gate whose agent is gone shuts when the lease ends, and not before`(scheme: GateScheme) throws {
        let topology = try GateTopology()
        let receiver = try PacketReceiver(in: topology.node, port: 9000)
        let flood = try PacketFlood(from: topology.peer, to: "192.0.2.2", port: 9000)
        // The gate ends here without a word, as a killed agent would: its socket is closed.
        let (before, after) = try topology.withGate(Self.enforced, scheme: scheme) { gate -> (UInt64, UInt64) in
            let before = packetClock()
            try gate.open(for: .seconds(2))
            flood.begin(phase: 1)
            return (before, packetClock())
        }
        let lease: UInt64 = 2_000_000_000
        while packetClock() < before + lease * 3 / 4 { flood.begin(phase: 1) }
        flood.begin(phase: 2)
        try #require(packetClock() < before + lease, "the machine stood still for half a second")
        while packetClock() < after + lease * 5 / 4 { flood.begin(phase: 2) }
        let sent = flood.stop()
        let packets = receiver.packets()
        // The kernel's timers tick every 1 to 10 ms, and a lease is rounded up to a tick.
        let late = packets.filter { $0.sentAt > after + lease + 20_000_000 }.count
        print("\(scheme.rawValue): sent \(sent.values.reduce(0, +)), allowed \(packets.count), leaked \(late)")
        #expect(late == 0)
        #expect(packets.count { $0.phase == 1 } == sent[1])
        #expect(packets.count { $0.phase == 2 } < (sent[2] ?? 0))
    }

    @Test func `what is not a validator's passes: other ports, another pod's port, the node to itself`() throws {
        let topology = try GateTopology()
        let pod = try topology.addPod()
        try topology.peer.shell("ip route add 10.42.0.0/24 via 192.0.2.2")
        let receivers = [
            try PacketReceiver(in: pod, on: "10.42.0.5", port: 9000),
            try PacketReceiver(in: pod, on: "10.42.0.6", port: 9000),
            try PacketReceiver(in: topology.node, on: "192.0.2.2", port: 9000),
            try PacketReceiver(in: topology.node, on: "127.0.0.1", port: 9000),
        ]
        var rules = Self.enforced
        rules.pods = [IPAddress("10.42.0.5")!]
        try topology.withGate(rules) { _ in
            for (namespace, address) in [
                (topology.peer, "10.42.0.5"), (topology.peer, "10.42.0.6"), (topology.peer, "192.0.2.2"),
                (topology.node, "127.0.0.1"), (topology.node, "10.42.0.5"),
            ] {
                let flood = try PacketFlood(from: namespace, to: address, port: 9000)
                flood.begin(phase: address == "10.42.0.5" && namespace === topology.node ? 7 : 1)
                _ = flood.stop()
            }
        }
        // What passes is on its way: a neighbour is looked up first, and a busy machine takes its time.
        for place in [0, 1, 3] { #expect(receivers[place].waitForPacket()) }
        let arrived = receivers.map { GateTopology.arrived($0) }
        // From outside the validator's pod is shut; the kubelet's probes come from the node itself and pass.
        #expect(arrived[0].keys.sorted() == [0, 7] || arrived[0].keys.sorted() == [7])
        #expect(arrived[0][1] == nil)
        #expect((arrived[1][1] ?? 0) > 0)
        #expect(arrived[2].isEmpty)
        #expect((arrived[3][1] ?? 0) > 0)
    }

    @Test func `a hostPort that is rewritten to another pod's address is shut before it is rewritten`() throws {
        let topology = try GateTopology()
        let pod = try topology.addPod()
        try topology.node.shell(
            """
            nft add table ip cni; nft 'add chain ip cni pre { type nat hook prerouting priority dstnat; }'
            nft add rule ip cni pre udp dport 30090 dnat to 10.42.0.5:9000
            """)
        let receiver = try PacketReceiver(in: pod, port: 9000)
        var rules = Self.enforced
        rules.ports.insert(Port(.udp, 30090))
        let sent = try topology.withGate(rules) { gate in
            let flood = try PacketFlood(from: topology.peer, to: "192.0.2.2", port: 30090)
            flood.begin(phase: 1, packets: 500)
            try gate.open(for: .seconds(300))
            flood.begin(phase: 2, packets: 500)
            for _ in 0..<20 { try gate.open(for: .seconds(300)) }
            flood.begin(phase: 3)
            // The flow is established and known to conntrack; it must end all the same.
            try gate.shut()
            flood.begin(phase: 4, packets: 500)
            for _ in 0..<20 { try gate.shut() }
            return flood.stop()
        }
        let arrived = GateTopology.arrived(receiver)
        print("DNAT: sent \(sent.values.reduce(0, +)), allowed \(arrived[2] ?? 0), leaked \(arrived[4] ?? 0)")
        #expect(arrived[2] == sent[2])
        #expect((sent[4] ?? 0) > 0)
        #expect(arrived[0] == nil)
        #expect(arrived[4] == nil)
    }

    @Test(arguments: ["10.42.0.5", "192.0.2.2"])
    func `a load balancer's address that is rewritten to a validator is shut too`(target: String) throws {
        let topology = try GateTopology()
        let pod = try topology.addPod()
        try topology.node.shell(
            """
            nft add table ip lb; nft 'add chain ip lb pre { type nat hook prerouting priority dstnat; }'
            nft add rule ip lb pre ip daddr 203.0.113.50 udp dport 30303 dnat to \(target):9000
            """)
        try topology.peer.shell("ip route add 203.0.113.50/32 via 192.0.2.2")
        let receiver = try PacketReceiver(in: target == "192.0.2.2" ? topology.node : pod, port: 9000)
        var rules = Self.enforced
        rules.pods = [IPAddress("10.42.0.5")!]
        let sent = try topology.withGate(rules) { gate in
            let flood = try PacketFlood(from: topology.peer, to: "203.0.113.50", port: 30303)
            flood.begin(phase: 1, packets: 500)
            flood.begin(phase: 2)
            try gate.open(for: .seconds(30))
            flood.begin(phase: 3, packets: 500)
            flood.begin(phase: 4)
            try gate.shut()
            flood.begin(phase: 5)
            flood.begin(phase: 6, packets: 500)
            return flood.stop()
        }
        let arrived = GateTopology.arrived(receiver)
        let leaked = [0, 1, 6].reduce(0) { $0 + (arrived[$1] ?? 0) }
        print("load balancer: sent \(sent.values.reduce(0, +)), allowed \(arrived[3] ?? 0), leaked \(leaked)")
        #expect(leaked == 0)
        #expect(arrived[3] == sent[3])
    }

    @Test func `IPv6 is shut alike`() throws {
        let topology = try GateTopology()
        let receiver = try PacketReceiver(in: topology.node, on: "::", port: 9000)
        let sent = try topology.withGate(Self.enforced) { gate in
            let flood = try PacketFlood(from: topology.peer, to: "2001:db8::2", port: 9000)
            flood.begin(phase: 1, packets: 500)
            try gate.open(for: .seconds(300))
            flood.begin(phase: 2, packets: 500)
            for _ in 0..<20 { try gate.open(for: .seconds(300)) }
            flood.begin(phase: 3)
            return flood.stop()
        }
        let arrived = GateTopology.arrived(receiver)
        #expect(arrived[0] == nil)
        #expect(arrived[2] == sent[2])
    }

    @Test func `a kernel without nft_fib shuts the validators' ports all the same, and no others`() throws {
        let topology = try GateTopology()
        let guarded = try PacketReceiver(in: topology.node, port: 9000)
        let ssh = try PacketReceiver(in: topology.node, port: 22)
        let (first, other) = try topology.node.run { () -> ([UInt32: Int], [UInt32: Int]) in
            let gate = try KernelGate(scheme: nil, asksRouting: false)
            try gate.install(Self.enforced)
            #expect(gate.limitation?.contains("nft_fib_inet") == true)
            let flood = try PacketFlood(from: topology.peer, to: "192.0.2.2", port: 9000)
            let beside = try PacketFlood(from: topology.peer, to: "192.0.2.2", port: 22)
            flood.begin(phase: 1, packets: 300)
            flood.begin(phase: 2)
            try gate.open(for: .seconds(30))
            flood.begin(phase: 3, packets: 300)
            return (flood.stop(), beside.stop())
        }
        let arrived = GateTopology.arrived(guarded)
        #expect(arrived[1] == nil)
        #expect(arrived[3] == first[3])
        #expect(GateTopology.arrived(ssh) == other)
    }

    @Test func `observe lets everything through`() throws {
        let topology = try GateTopology()
        let receiver = try PacketReceiver(in: topology.node, port: 9000)
        var rules = Self.enforced
        rules.mode = .observe
        let sent = try topology.withGate(rules) { _ in
            let flood = try PacketFlood(from: topology.peer, to: "192.0.2.2", port: 9000)
            flood.begin(phase: 1)
            return flood.stop()
        }
        #expect(GateTopology.arrived(receiver) == sent)
    }

    @Test func `a packet whose answer would leave by the uplink is dropped, by the kernel, packet by packet`() throws {
        let topology = try GateTopology()
        let receiver = try PacketReceiver(in: topology.node, port: 9000)
        var rules = Self.enforced
        rules.answersByTunnel = true
        rules.tunnels = [try topology.index("wg0")]
        rules.local = [IPPrefix("192.0.2.128/25")!]
        try topology.peer.shell(
            "ip address add 192.0.2.200/24 dev isp0; ip route add 10.8.0.2/32 dev exit0 src 198.51.100.9")
        let sent = try topology.withGate(rules) { gate in
            try gate.open(for: .seconds(300))
            // From 198.51.100.9: the answer takes the default route, the tunnel's.
            let flood = try PacketFlood(from: topology.peer, to: "10.8.0.2", port: 9000)
            for round: UInt32 in 1...100 {
                try topology.node.shell("ip route replace default via 192.0.2.1")
                flood.begin(phase: 4 * round + 2)
                flood.begin(phase: 4 * round)
                try topology.node.shell("ip route replace default via 10.8.0.1")
                flood.begin(phase: 4 * round + 1)
                flood.begin(phase: 4 * round)
            }
            return flood.stop()
        }
        let arrived = GateTopology.arrived(receiver)
        let leaked = arrived.filter { $0.key % 4 == 2 }.values.reduce(0, +)
        let allowed = arrived.filter { $0.key % 4 == 1 }.values.reduce(0, +)
        print("answers: sent \(sent.values.reduce(0, +)), allowed \(allowed), leaked \(leaked)")
        #expect(leaked == 0)
        #expect(sent.filter { $0.key % 4 == 2 }.count == 100)
        #expect(allowed == sent.filter { $0.key % 4 == 1 }.values.reduce(0, +))
    }

    @Test func `a validator's own packets leave by the tunnel or not at all`() throws {
        let topology = try GateTopology()
        let uplink = try Sniffer(in: topology.peer, interface: "isp0")
        let tunnel = try Sniffer(in: topology.peer, interface: "exit0")
        var rules = Self.enforced
        rules.sendsByTunnel = true
        rules.tunnels = [try topology.index("wg0")]
        rules.uids = [12345]
        try topology.withGate(rules) { gate in
            try gate.open(for: .seconds(300))
        }
        let send = """
            import socket
            for port in (9000, 40000):
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", port))
                for n in range(50):
                    try: s.sendto(b"x", ("198.51.100.9", 7777))
                    except PermissionError: pass  # what a dropped packet of one's own looks like
            """
        func run(uid: String) throws {
            let result = try runProgram(
                ["ip", "netns", "exec", topology.node.name, "setpriv", "--reuid", uid, "/usr/bin/python3", "-c", send])
            #expect(result.status == 0, "\(result.errors)")
        }
        func seen(_ sniffer: Sniffer) -> [UInt16: Int] {
            sniffer.packets().filter { $0.destination == 7777 }.reduce(into: [:]) { $0[$1.source, default: 0] += 1 }
        }
        // Another user, and the validator's.
        try run(uid: "54321")
        try run(uid: "12345")
        #expect(seen(tunnel) == [9000: 100, 40000: 100])
        #expect(seen(uplink).isEmpty)
        try topology.node.shell("ip route replace default via 192.0.2.1")
        try run(uid: "54321")
        // Port 9000 is a validator's, whoever sends from it; 40000 is nobody's, and passes.
        #expect(seen(uplink) == [40000: 50])
        try run(uid: "12345")
        let leaked = seen(uplink)
        print("own packets: sent 400, allowed 250, leaked \(leaked.values.reduce(0, +))")
        #expect(leaked.isEmpty)
    }
}
