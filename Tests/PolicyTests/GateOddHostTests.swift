import Glibc
import Journal
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Policy

@Suite("The gate's loop on odd hosts, with real packets (needs root)", .serialized)
struct GateOddHostTests {
    @Test func `two VPNs: either carries the routes, and without both it shuts`() throws {
        let guarded = try GuardedNode { plan in
            plan.posture.vpnInterfaces = ["tun0", "tun9"].map { InterfacePattern($0) }
        }
        try guarded.wait(untilOpen: true, "by the first")
        guarded.flood.begin(phase: 1)
        try guarded.wait(forAnswers: 100, phase: 1)
        let second = try guarded.node.openTunnel("tun9")
        try guarded.node.shell(
            "ip link set tun9 up; ip address add 10.9.0.2/24 dev tun9; ip route replace default dev tun9")
        try waitFor("the second carries the routes") {
            let posture = guarded.loop.status.posture
            return posture?[.vpnRouteIPv4]?.evidence.contains("tun9") == true && posture?.verdict != .fail ? true : nil
        }
        try guarded.wait(untilOpen: true, "by the second")
        // The first goes, unused; then the second, and the routes with it.
        guarded.cutTunnel()
        try waitFor("the first is gone") {
            guarded.loop.status.posture?[.vpnInterface]?.evidence.contains("tun0 (") != true ? true : nil
        }
        try guarded.wait(untilOpen: true, "still by the second")
        _ = consume second
        try guarded.wait(untilOpen: false, "by none")
        try guarded.node.shell("ip route replace default via 192.0.2.1")
        let leaked = guarded.passed(shutPhases: [])
        print("two VPNs: allowed \(guarded.answers(phase: 1)), leaked \(leaked)")
        #expect(leaked == 0)
    }

    @Test func `a VPN that comes up long after the agent opens the gate then, and not before`() throws {
        let guarded = try GuardedNode(routes: "ip route add default via 192.0.2.1")
        guarded.cutTunnel()
        try waitFor("the first look") { guarded.loop.status.posture }
        try guarded.wait(untilOpen: false, "without a VPN")
        // What left before there was a gate.
        let before = guarded.leaks
        guarded.flood.begin(phase: 1, packets: 500)
        guarded.flood.begin(phase: 2)
        try guarded.restoreTunnel()
        try guarded.wait(untilOpen: true, "with it")
        guarded.flood.begin(phase: 3)
        try guarded.wait(forAnswers: 100, phase: 3)
        let sent = guarded.flood.stop()
        let leaked = guarded.passed(shutPhases: [1]) - before
        print(
            "late VPN: sent \(sent.values.reduce(0, +)), allowed \(guarded.answers(phase: 3)), leaked \(leaked)")
        #expect(leaked == 0)
    }

    @Test func `a router that announces IPv6 on the uplink shuts it, and taking that back opens it`() throws {
        let guarded = try GuardedNode()
        try guarded.node.shell("sysctl -qw net.ipv6.conf.home0.accept_ra=2 net.ipv6.conf.home0.accept_ra_defrtr=1")
        try guarded.wait(untilOpen: true, "before")
        guarded.flood.begin(phase: 1)
        try guarded.wait(forAnswers: 100, phase: 1)
        try Self.announce(guarded, lifetime: 1800)
        try guarded.wait(untilOpen: false, "announced")
        #expect(guarded.loop.status.decision == .shutByCheck(.vpnRouteIPv6, .fail))
        guarded.flood.begin(phase: 2)
        guarded.flood.begin(phase: 3, packets: 300)
        guarded.flood.begin(phase: 4)
        try Self.announce(guarded, lifetime: 0)
        try guarded.wait(untilOpen: true, "taken back")
        let sent = guarded.flood.stop()
        let leaked = guarded.passed(shutPhases: [3])
        print("router advertisement: sent \(sent.values.reduce(0, +)), leaked \(leaked)")
        #expect(leaked == 0)
    }

    /// Sends router advertisements (RFC 4861, section 4.2) from the uplink's other end until the node has heeded one.
    private static func announce(_ guarded: GuardedNode, lifetime: Int) throws {
        let send = """
            import socket, struct
            s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, 58)
            s.setsockopt(41, socket.IPV6_MULTICAST_HOPS, 255)
            i = socket.if_nametoindex('isp0')
            s.sendto(struct.pack('!BBHBBHII', 134, 0, 0, 64, 0, \(lifetime), 0, 0), ('ff02::1', 0, 0, i))
            """
        try waitFor("the node to heed the router") {
            // The sender's link-local address takes a moment to become usable.
            _ = try runProgram(["ip", "netns", "exec", guarded.peer.name, "/usr/bin/python3", "-c", send])
            let has = try !guarded.node.shell("ip -6 route show default").isEmpty
            return has == (lifetime > 0) ? true : nil
        }
    }

    @Test func `a fault among more events than can be told shuts it`() throws {
        let guarded = try GuardedNode { $0.posture.local = [IPPrefix("10.0.0.0/8")!] }
        let folder = try TemporaryFolder()
        try guarded.wait(untilOpen: true, "before")
        guarded.flood.begin(phase: 1)
        try guarded.wait(forAnswers: 100, phase: 1)
        let many = (0..<8000).map { "route add 10.\(100 + $0 >> 8).\($0 & 255).0/24 dev tun0\n" }.joined()
        let batch = try folder.write("routes", many + "route replace default via 192.0.2.1\n" + many.replacingAdds())
        try guarded.node.shell("ip -batch \(batch)")
        try guarded.wait(untilOpen: false, "after the storm")
        guarded.flood.begin(phase: 2)
        guarded.flood.begin(phase: 3, packets: 300)
        let sent = guarded.flood.stop()
        let leaked = guarded.passed(shutPhases: [3])
        print("lost events: sent \(sent.values.reduce(0, +)), leaked \(leaked)")
        #expect(leaked == 0)
    }

    @Test func `what is forced shut is shut in observe too, and resuming observes again`() throws {
        let guarded = try GuardedNode { plan in
            plan.settings.mode = .observe
            plan.rules.mode = .observe
        }
        try guarded.wait(untilOpen: true, "at first")
        try guarded.store.close(reason: "keys moved")
        guarded.loop.lookNow()
        try guarded.wait(untilOpen: false, "forced")
        guarded.flood.begin(phase: 1)
        guarded.flood.begin(phase: 2, packets: 300)
        guarded.flood.begin(phase: 3)
        try guarded.store.resume()
        guarded.loop.lookNow()
        try guarded.wait(untilOpen: true, "resumed")
        guarded.witness.isSELinuxGood = false
        guarded.loop.lookNow()
        try guarded.wait(untilOpen: false, "permissive, and only observed")
        guarded.flood.begin(phase: 4)
        try guarded.wait(forAnswers: 100, phase: 4)
        let sent = guarded.flood.stop()
        let leaked = guarded.passed(shutPhases: [2])
        print("forced in observe: sent \(sent.values.reduce(0, +)), leaked \(leaked)")
        #expect(leaked == 0)
    }

    @Test func `a validator's pod is guarded as soon as it is there, and unknown until then`() throws {
        let runtime = try RuntimeFolders()
        let selector = PodSelector(namespace: "eth", name: "lighthouse-*")
        let guarded = try GuardedNode(host: runtime.host) { plan in
            plan.posture.workloads = [
                Workload(name: "lighthouse", ports: [Port(.udp, 9000)], pod: selector, isUnresolved: true)
            ]
            // Only the runtime's word and the network's make it look.
            plan.interval = .seconds(3600)
            plan.settings.freshness = .seconds(7200)
        }
        try waitFor("the first look") { guarded.loop.status.posture }
        #expect(guarded.loop.status.decision == .shutByCheck(.vpnRouteIPv4, .unknown))
        let pod = try NetworkNamespace()
        try guarded.node.shell(
            """
            sysctl -qw net.ipv4.ip_forward=1
            ip link add cni0 type veth peer name eth0 netns \(pod.name)
            ip link set cni0 up; ip address add 10.42.0.1/24 dev cni0
            """)
        try pod.shell("ip link set eth0 up; ip address add 10.42.0.5/24 dev eth0; ip route add default via 10.42.0.1")
        let process = try holder(of: pod)
        try process.waitForOutput("ready")
        #expect(!guarded.loop.status.decision.isOpen)
        try runtime.add("aa11", name: "lighthouse-0", process: process.pid)
        // The validator's own container comes after its sandbox, and is what is noticed for certain.
        try runtime.add("bb22", name: "lighthouse-0", process: nil, type: "container")
        try guarded.wait(untilOpen: true, "with the pod")
        #expect(try guarded.node.shell("nft list set inet nodeguard pods4").contains("10.42.0.5"))
        try runtime.remove("aa11")
        try guarded.wait(untilOpen: false, "without it")
        #expect(try !guarded.node.shell("nft list set inet nodeguard pods4").contains("10.42.0.5"))
        #expect(guarded.leaks == 0)
    }
}

extension String {
    /// The same routes, changed once more.
    fileprivate func replacingAdds() -> String {
        split(separator: "\n").map { "route replace" + $0.dropFirst("route add".count) + "\n" }.joined()
    }
}
