import Journal
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Policy

@Suite("What the gate leaves as it is, and what it takes over, with real packets (needs root)", .serialized)
struct GateNeighbourTests {
    private static let enforced = GateRules(mode: .enforce, ports: [Port(.udp, 9000), Port(.tcp, 9000)])

    @Test func `other tables stay as they are while the gate comes, moves and goes`() throws {
        let topology = try GateTopology()
        try topology.node.shell(
            """
            nft add table ip nat; nft 'add chain ip nat pre { type nat hook prerouting priority dstnat; }'
            nft add rule ip nat pre udp dport 30090 dnat to 10.42.0.5:9000
            nft add table inet filter; nft 'add chain inet filter input { type filter hook input priority 0; policy drop; }'
            nft add rule inet filter input ct state established,related accept
            nft 'add set inet filter friends { type ipv4_addr; flags timeout; }'
            """)
        @Sendable func others() throws -> String {
            try topology.node.shell("nft list table ip nat; nft list table inet filter")
        }
        let before = try others()
        try topology.withGate(Self.enforced) { gate in
            #expect(try others() == before)
            try gate.open(for: .seconds(60))
            try gate.setTunnels([1])
            try gate.shut()
            #expect(try others() == before)
            try gate.remove()
        }
        #expect(try others() == before)
        #expect(try topology.node.shell("nft list tables") == "table ip nat\ntable inet filter\n")
    }

    @Test func `a shut gate leaves ssh, the engine API between pods and the node's probes alone`() throws {
        let topology = try GateTopology()
        let pod = try topology.addPod()
        let other = try NetworkNamespace()
        try topology.node.shell(
            """
            ip link add cni1 address 02:00:00:00:03:01 type veth peer name eth0 address 02:00:00:00:03:05 \
                netns \(other.name)
            ip link set cni1 up; ip address add 10.42.1.1/24 dev cni1
            """)
        try other.shell(
            """
            ip link set eth0 up; ip address add 10.42.1.5/24 dev eth0; ip route add default via 10.42.1.1
            ip neigh add 10.42.1.1 lladdr 02:00:00:00:03:01 dev eth0
            """)
        let engine = try PacketReceiver(in: pod, on: "10.42.0.5", port: 8551)
        let guarded = try PacketReceiver(in: pod, on: "10.42.0.5", port: 9000)
        let ssh = try PacketReceiver(in: topology.node, port: 22)
        var rules = Self.enforced
        rules.pods = [IPAddress("10.42.0.5")!]
        let (toEngine, toSSH, probes, peers) = try topology.withGate(rules) { _ in
            func send(_ from: NetworkNamespace, _ address: String, _ port: UInt16, _ phase: UInt32) throws -> Int {
                let flood = try PacketFlood(from: from, to: address, port: port)
                flood.begin(phase: phase, packets: 200)
                return flood.stop()[phase] ?? 0
            }
            return (
                try send(other, "10.42.0.5", 8551, 1), try send(topology.peer, "192.0.2.2", 22, 1),
                try send(topology.node, "10.42.0.5", 9000, 1), try send(other, "10.42.0.5", 9000, 2)
            )
        }
        let arrived = GateTopology.arrived(guarded)
        #expect(GateTopology.arrived(engine)[1] == toEngine)
        #expect(GateTopology.arrived(ssh)[1] == toSSH)
        #expect(arrived[1] == probes)
        let sent = toEngine + toSSH + probes + peers
        print("neighbours: sent \(sent), allowed \(sent - peers), leaked \(arrived[2] ?? 0)")
        #expect(arrived[2] == nil)
    }

    @Test func `without ports nothing is dropped, and a port named twice is one`() throws {
        let topology = try GateTopology()
        let receiver = try PacketReceiver(in: topology.node, port: 9000)
        let sent = try topology.withGate(GateRules(mode: .enforce, ports: [])) { gate -> [UInt32: Int] in
            let flood = try PacketFlood(from: topology.peer, to: "192.0.2.2", port: 9000)
            flood.begin(phase: 1, packets: 200)
            flood.begin(phase: 2)
            try gate.install(GateRules(mode: .enforce, ports: Set([9000, 9000].map { Port(.udp, $0) })))
            flood.begin(phase: 3)
            flood.begin(phase: 4, packets: 200)
            return flood.stop()
        }
        let arrived = GateTopology.arrived(receiver)
        print("no ports: sent \(sent.values.reduce(0, +)), allowed \(arrived[1] ?? 0), leaked \(arrived[4] ?? 0)")
        #expect(arrived[1] == sent[1])
        #expect(arrived[4] == nil)
    }

    @Test func `an older version's tables are replaced without a gap`() throws {
        let topology = try GateTopology()
        let receiver = try PacketReceiver(in: topology.node, port: 9000)
        let sent = try topology.node.run { () -> [UInt32: Int] in
            let flood = try
                ({ () throws -> PacketFlood in
                    try Self.installOlder(deleting: false)
                    return try PacketFlood(from: topology.peer, to: "192.0.2.2", port: 9000)
                })()
            for _ in 0..<50 {
                let gate = try KernelGate()
                try Self.onceAlone { try gate.install(Self.enforced) }
                flood.begin(phase: 1)
                flood.begin(phase: 2)
                // The older agent after a downgrade: in one transaction too.
                withExtendedLifetime(gate) {}
                _ = consume gate
                try Self.onceAlone { try Self.installOlder(deleting: true) }
                flood.begin(phase: 3)
            }
            return flood.stop()
        }
        let leaked = GateTopology.arrived(receiver).values.reduce(0, +)
        print("upgrade in place: sent \(sent.values.reduce(0, +)), allowed 0, leaked \(leaked)")
        #expect(leaked == 0)
    }

    /// A program that another test starts at this moment has a copy of the socket until it is executed, and so the table
    /// its owner for that long.
    private static func onceAlone(_ change: () throws -> Void) throws {
        var refusal: (any Error)?
        do {
            try waitFor("the owner of before to be gone", deadline: 10) { () -> Bool? in
                do {
                    try change()
                    return true
                } catch {
                    refusal = error
                    return nil
                }
            }
        } catch {
            throw refusal ?? error
        }
    }

    /// A table as another version would have made it: other chains, and a set of the same name with other keys.
    private static func installOlder(deleting: Bool) throws {
        let socket = try FirewallSocket()
        var batch = FirewallBatch()
        if deleting { batch.deleteTable(GateLayout.table) }
        batch.table(GateLayout.table, flags: GateLayout.TableFlag.owner | GateLayout.TableFlag.persist)
        batch.set(GateLayout.table, "ports", flags: 0, keyType: 13, keyLength: 2, id: 1)
        batch.chain(GateLayout.table, "inbound", hook: 0, priority: -320)
        batch.elements(GateLayout.table, set: "ports", [.init(key: [0x23, 0x28])])
        batch.rule(
            GateLayout.table, "inbound", comment: "shut",
            [
                .payload(base: 2, offset: 2, length: 2, .first), .lookup(set: "ports", .first, isIn: true),
                .counter(from: 0), .verdict(.drop),
            ])
        try socket.commit(batch, to: "install an older gate", deadline: .now.advanced(by: .seconds(10)))
    }

    @Test func `what was counted is never taken back: by new rules, another agent or a deleted table`() throws {
        let topology = try GateTopology()
        let counts = try topology.node.run { () -> [UInt64] in
            let flood = try PacketFlood(from: topology.peer, to: "192.0.2.2", port: 9000)
            var counts: [UInt64] = []
            func count(_ gate: KernelGate) throws {
                flood.begin(phase: UInt32(counts.count), packets: 100)
                counts.append(try gate.counters().packets(direction: "inbound"))
            }
            do {
                let gate = try KernelGate()
                try gate.install(Self.enforced)
                try count(gate)
                var others = Self.enforced
                others.ports.insert(Port(.udp, 9001))
                try gate.install(others)
                try count(gate)
            }
            let next = try KernelGate()
            try next.install(Self.enforced)
            try count(next)
            let known = try next.counters()
            try next.remove()
            try next.install(Self.enforced, counted: known)
            try count(next)
            flood.begin(phase: 99)
            _ = flood.stop()
            return counts
        }
        // A hundred more each time, less the few that were still on their way.
        for (before, after) in zip(counts, counts.dropFirst()) { #expect(after >= before + 50, "\(counts)") }
    }

    @Test func `refusals of the kernel say what to do`() throws {
        func says(_ errno: Errno, _ text: String) {
            let error = KernelGate.explained(.refused(errno, request: "install the gate's rules"))
            #expect(error.description.contains(text), "\(errno): \(error)")
        }
        // No nf_tables at all, as netfilter answers then, and a part of it missing.
        says(.invalidArgument, "load the modules nf_tables, nft_fib_inet")
        says(.noSuchFileOrDirectory, "load the modules nf_tables, nft_fib_inet")
        says(.permissionDenied, "CAP_NET_ADMIN")
        says(.notPermitted, "another running nodeguard")
    }

    /// What the kernel still sends for a validator that was killed: the rest of its data, again and again.
    @Test(arguments: [GateMode.enforce, .observe])
    func `a validator killed with unsent data leaks nothing`(mode: GateMode) throws {
        let topology = try GateTopology()
        let uplink = try Sniffer(in: topology.peer, interface: "isp0")
        var rules = Self.enforced
        rules.mode = mode
        rules.sendsByTunnel = true
        rules.tunnels = [try topology.index("wg0")]
        rules.uids = [12345]
        let server = try RunningProgram([
            "ip", "netns", "exec", topology.peer.name, "/usr/bin/python3", "-uc",
            "import socket,time; s=socket.create_server(('',7777)); print('ready'); c=s.accept()[0]; print('accepted')\n"
                + "time.sleep(100000)",
        ])
        try server.waitForOutput("ready")
        let client = try RunningProgram([
            "ip", "netns", "exec", topology.node.name, "setpriv", "--reuid", "12345", "/usr/bin/python3", "-uc",
            """
            import socket, sys, time
            c = socket.create_connection(('198.51.100.9', 7777)); print('connected', flush=True)
            open(sys.argv[1]).read()  # a FIFO: until the way there is cut
            c.setblocking(False); print('sent', c.send(b'x' * 4000000), flush=True)
            time.sleep(100000)
            """, try Self.fifo(topology).string,
        ])
        try client.waitForOutput("connected")
        try server.waitForOutput("accepted")
        let held = Held(client)
        let dropped = try topology.withGate(rules) { gate -> UInt64 in
            let client = held.value
            try gate.open(for: .seconds(300))
            // Nothing is acknowledged from here on, so nothing of the four megabytes is ever done with.
            try topology.peer.shell(
                "nft add table ip cut; nft 'add chain ip cut in { type filter hook input priority 0; policy drop; }'")
            try topology.node.shell("echo go > /tmp/\(topology.node.name)")
            try client.waitForOutput("sent")
            try topology.node.shell("ip route replace default via 192.0.2.1")
            client.signal(9)
            _ = try client.finish()
            // Neither the kernel nor the rules tell when it tries again: until it has three times.
            let before = try gate.counters().packets(direction: "outbound")
            return try waitFor("the dead validator's packets") {
                let now = try gate.counters().packets(direction: "outbound") - before
                return now >= 3 ? now : nil
            }
        }
        let leaked = uplink.packets().count { $0.destination == 7777 }
        print("killed with unsent data, \(mode): sent \(dropped) after its death, allowed 0, leaked \(leaked)")
        // The counter-proof: where the gate only observes the sniffer does see them.
        #expect(mode == .observe ? leaked > 0 : leaked == 0)
        _ = try runProgram(["rm", "-f", "/tmp/\(topology.node.name)"])
    }

    private static func fifo(_ topology: GateTopology) throws -> FilePath {
        try topology.node.shell("mkfifo -m 666 /tmp/\(topology.node.name)")
        return FilePath("/tmp/\(topology.node.name)")
    }
}
