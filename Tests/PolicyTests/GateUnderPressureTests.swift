import Journal
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Policy

@Suite("The gate while others press on the kernel, with real packets (needs root)", .serialized)
struct GateUnderPressureTests {
    private static let enforced = GateRules(mode: .enforce, ports: [Port(.udp, 9000), Port(.tcp, 30090)])

    @Test func `closing beside another program's 10,000 rules leaks nothing`() throws {
        let topology = try GateTopology()
        let folder = try TemporaryFolder()
        // What kube-proxy does, as one transaction.
        var ruleset = "add table ip other\nadd chain ip other many\n"
        for number in 0..<10_000 {
            ruleset += "add rule ip other many ip daddr 10.43.\(number >> 8).\(number & 255) counter\n"
        }
        ruleset += "flush chain ip other many\n"
        let file = try folder.write("rules", ruleset)
        let receiver = try PacketReceiver(in: topology.node, port: 9000)
        let sent = try topology.withGate(Self.enforced) { gate in
            let flood = try PacketFlood(from: topology.peer, to: "192.0.2.2", port: 9000)
            for round: UInt32 in 0..<3 {
                try gate.open(for: .seconds(60))
                let other = try RunningProgram(
                    ["ip", "netns", "exec", topology.node.name, "nft", "-f", file.string])
                // Somewhere between its start and its end, which takes it about a second.
                for flap: UInt32 in 0..<30 {
                    try gate.shut()
                    flood.begin(phase: round * 1000 + flap * 4 + 1)
                    flood.begin(phase: round * 1000 + flap * 4 + 2)
                    flood.begin(phase: round * 1000 + flap * 4 + 3)
                    try gate.open(for: .seconds(60))
                }
                let end = try other.finish()
                #expect(end.status == 0, "\(end.errors)")
            }
            return flood.stop()
        }
        let leaked = GateTopology.arrived(receiver).filter { $0.key % 4 == 2 }.values.reduce(0, +)
        let shut = sent.filter { $0.key % 4 == 2 }.values.reduce(0, +)
        print("10,000 rules: sent \(sent.values.reduce(0, +)), of them \(shut) while shut, leaked \(leaked)")
        #expect(shut >= 90)
        #expect(leaked == 0)
    }

    @Test func `an established TCP connection to a hostPort ends when the gate shuts`() throws {
        let topology = try GateTopology()
        let pod = try topology.addPod()
        try topology.node.shell(
            """
            nft add table ip cni; nft 'add chain ip cni pre { type nat hook prerouting priority dstnat; }'
            nft add rule ip cni pre tcp dport 30090 dnat to 10.42.0.5:9000
            """)
        let server = try RunningProgram([
            "ip", "netns", "exec", pod.name, "/usr/bin/python3", "-uc",
            "import socket; s=socket.create_server(('',9000)); print('ready'); c=s.accept()[0]; print('accepted')\n"
                + "while c.recv(65536): pass",
        ])
        try server.waitForOutput("ready")
        let inside = try Sniffer(in: pod, interface: "eth0")
        let outside = try Sniffer(in: topology.node, interface: "home0")
        let held = Held((inside: inside, outside: outside, server: server))
        let leaked = try topology.withGate(Self.enforced) { gate -> Int in
            let (inside, outside, server) = held.value
            try gate.open(for: .seconds(60))
            let client = try RunningProgram([
                "ip", "netns", "exec", topology.peer.name, "/usr/bin/python3", "-uc",
                "import socket; c=socket.create_connection(('192.0.2.2',30090))\nwhile True: c.send(b'x'*100)",
            ])
            try server.waitForOutput("accepted")
            try gate.shut()
            // Everything that passed before is in the pod by now: veth delivers within the sender's call, and nothing
            // queues in between but what the next lines wait for.
            var repeats = 0
            while repeats < 3 { repeats += outside.packets().count { $0.destination == 30090 } }
            _ = inside.packets()
            repeats = 0
            while repeats < 3 { repeats += outside.packets().count { $0.destination == 30090 } }
            client.signal(9)
            return inside.packets().count { $0.destination == 9000 }
        }
        print("established TCP: leaked \(leaked)")
        #expect(leaked == 0)
    }

    @Test func `lost events mean that everything is looked at`() throws {
        let namespace = try NetworkNamespace()
        let folder = try TemporaryFolder()
        try namespace.shell("ip link add a0 type veth peer name a1; ip link set a0 up; ip link set a1 up")
        let batch = try folder.write(
            "routes", (0..<8000).map { "route add 10.\($0 >> 8).\($0 & 255).0/24 dev a0\n" }.joined())
        try namespace.run {
            let events = try KernelEvents()
            _ = events.drain()
            // More than fits into the socket's buffer.
            try namespace.shell("ip -batch \(batch)")
            #expect(events.drain().contains(.network))
            #expect(events.drain().isEmpty)
            // It goes on to hear.
            try namespace.shell("ip route delete 10.0.0.0/24")
            #expect(events.drain().contains(.network))
        }
    }

    @Test func `what others do to nftables is told with their name`() throws {
        let namespace = try NetworkNamespace()
        try namespace.run {
            let events = try KernelEvents()
            try namespace.shell("nft add table inet somebody")
            let authors = events.drain().compactMap { event -> String? in
                if case .firewall(_, let program) = event { program } else { nil }
            }
            #expect(authors == ["nft"])
        }
    }

    @Test func `flowtables are found, whoever's they are`() throws {
        let namespace = try NetworkNamespace()
        let (before, isPossible, found) = try namespace.run { () -> ([String], Bool, [String]) in
            let gate = try KernelGate()
            let before = try gate.flowtables()
            let script =
                "nft add table inet fast; nft add flowtable inet fast ft '{ hook ingress priority 0; devices = { lo }; }'"
            let isPossible = (try? namespace.shell(script)) != nil
            return (before, isPossible, try gate.flowtables())
        }
        #expect(before.isEmpty)
        // A kernel built without nf_flow_table has none to find, and must say just that.
        if !isPossible { print("this kernel has no flowtables: only the empty answer was tested") }
        #expect(found == (isPossible ? ["fast/ft"] : []))
    }

    @Test func `more routes than can be asked about are unknown, not a pass`() throws {
        let namespace = try NetworkNamespace()
        let tunnel = try namespace.openTunnel("tun0")
        let folder = try TemporaryFolder()
        let batch = try folder.write(
            "routes", (0..<21_000).map { "route add 10.\($0 >> 8).\($0 & 255).0/24 dev tun0\n" }.joined())
        try namespace.shell("ip link set tun0 up; ip route add default dev tun0; ip -batch \(batch)")
        let policy = PosturePolicy(vpnInterfaces: [InterfacePattern("tun0")])
        let result = try namespace.run {
            VPNRouteCheck(.ipv4, policy).evaluate(deadline: .now.advanced(by: .seconds(60)))
        }
        #expect(result.verdict.kind == .unknown)
        // Ranges that need no tunnel need no questions either.
        let local = PosturePolicy(vpnInterfaces: [InterfacePattern("tun0")], local: [IPPrefix("10.0.0.0/8")!])
        let easier = try namespace.run {
            VPNRouteCheck(.ipv4, local).evaluate(deadline: .now.advanced(by: .seconds(60)))
        }
        #expect(easier.verdict == .pass)
        _ = consume tunnel
    }
}
