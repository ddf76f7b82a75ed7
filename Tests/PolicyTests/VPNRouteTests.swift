import LinuxSystem
import Policy
import TestSupport
import Testing

/// A node's network in a namespace of its own: an uplink `home0` with the default routes, a tunnel `tun0` that is up,
/// and nothing that leads into it yet.
private final class Node {
    let namespace: NetworkNamespace
    var tunnel: OwnedDescriptor

    init(_ script: String = "") throws {
        namespace = try NetworkNamespace()
        tunnel = try namespace.openTunnel("tun0")
        try namespace.shell(
            """
            sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
            ip link add home0 type veth peer name isp0
            ip link set isp0 up; ip link set home0 up; ip link set tun0 up
            ip address add 192.0.2.2/24 dev home0
            ip route add default via 192.0.2.1
            ip address add 10.8.0.2/24 dev tun0
            """)
        if !script.isEmpty { try namespace.shell(script) }
    }

    func shell(_ script: String) throws { try namespace.shell(script) }

    func check(
        _ family: AddressFamily = .ipv4, interfaces: [String] = ["tun0"], local: [String] = [],
        workloads: [Workload] = [], ipv6: RouteRequirement = .absentOrVPN
    ) throws -> CheckResult {
        let policy = PosturePolicy(
            vpnInterfaces: interfaces.map { InterfacePattern($0) }, ipv6: ipv6, local: local.map { IPPrefix($0)! },
            workloads: workloads)
        return try namespace.run {
            VPNRouteCheck(family, policy).evaluate(deadline: .now.advanced(by: .seconds(30)))
        }
    }
}

private let openVPN = "ip route add 0.0.0.0/1 via 10.8.0.1; ip route add 128.0.0.0/1 via 10.8.0.1"

private let nordVPN = """
    ip route add default dev tun0 table 205
    ip rule add not fwmark 0xe1f1 lookup 205 priority 32765
    ip rule add lookup main suppress_prefixlength 0 priority 32764
    """

private let wgQuick = """
    ip route add default dev tun0 table 51820
    ip rule add not fwmark 51820 lookup 51820
    ip rule add lookup main suppress_prefixlength 0
    """

@Suite("vpn.route asks the kernel of a real network namespace (needs root)")
struct VPNRouteTests {
    @Test(arguments: [openVPN, nordVPN, wgQuick, "ip route replace default dev tun0"])
    func `the usual ways of a VPN to take the default route pass`(script: String) throws {
        let result = try Node(script).check()
        #expect(result.verdict == .pass, "\(result)")
        #expect(result.evidence.contains("tun0"))
    }

    @Test(arguments: ["0.0.0.0/1", "128.0.0.0/1"])
    func `OpenVPN with one half of its routes deleted fails`(half: String) throws {
        let result = try Node("\(openVPN); ip route delete \(half)").check()
        #expect(result.verdict.kind == .fail)
        #expect(result.evidence.contains("0.0.0.0/0 leaves by home0"))
    }

    @Test func `the VPN server's own route counts as a way around until it is named`() throws {
        let node = try Node("\(openVPN); ip route add 198.51.100.7/32 via 192.0.2.1")
        let result = try node.check()
        #expect(result.verdict.kind == .fail)
        #expect(result.evidence.contains("198.51.100.7/32 leaves by home0"))
        #expect(try node.check(local: ["198.51.100.7"]).verdict == .pass)
    }

    @Test func `NordVPN's table without its rule is not used`() throws {
        let node = try Node(nordVPN)
        try node.shell("ip rule delete priority 32765")
        #expect(try node.check().verdict.kind == .fail)
    }

    @Test func `a validator with the VPN's own mark goes around it`() throws {
        let node = try Node(nordVPN)
        let marked = Workload(name: "geth", mark: 0xe1f1)
        #expect(try node.check(workloads: [marked]).verdict.kind == .fail)
        #expect(try node.check(workloads: [Workload(name: "geth")]).verdict == .pass)
    }

    @Test(arguments: [openVPN, nordVPN, wgQuick])
    func `a more specific route around the tunnel fails, however small`(script: String) throws {
        let node = try Node(script)
        try node.shell("ip route add 203.0.113.9/32 via 192.0.2.1")
        let result = try node.check()
        #expect(result.verdict.kind == .fail)
        #expect(result.evidence.contains("203.0.113.9/32 leaves by home0"))
        #expect(result.verdict.remedy?.contains("policy.vpn.local") == true)
    }

    @Test func `a rule that leads one prefix around the tunnel fails`() throws {
        let node = try Node(nordVPN)
        try node.shell(
            "ip route add default via 192.0.2.1 table 7; ip rule add to 203.0.113.0/24 lookup 7 priority 10")
        let result = try node.check()
        #expect(result.verdict.kind == .fail)
        #expect(result.evidence.contains("table 7"))
    }

    @Test func `a rule by uid fails for the validator it catches and no other`() throws {
        let node = try Node(nordVPN)
        try node.shell(
            "ip route add default via 192.0.2.1 table 7; ip rule add uidrange 1000-1000 lookup 7 priority 10")
        #expect(try node.check(workloads: [Workload(name: "geth", uid: 1000)]).verdict.kind == .fail)
        #expect(try node.check(workloads: [Workload(name: "geth", uid: 1001)]).verdict == .pass)
        // Whose uid is not known may be anybody.
        #expect(try node.check(workloads: [Workload(name: "geth")]).verdict.kind == .fail)
    }

    @Test func `a rule by source port fails for the validator that answers from it and not for ssh's`() throws {
        let node = try Node(nordVPN)
        let lighthouse = Workload(name: "lighthouse", ports: [Port(.tcp, 9000), Port(.udp, 9001)])
        try node.shell(
            "ip route add default via 192.0.2.1 table 7; ip rule add ipproto tcp sport 22 lookup 7 priority 10")
        #expect(try node.check(workloads: [lighthouse]).verdict == .pass)
        try node.shell("ip rule add ipproto tcp sport 9001 lookup 7 priority 11")
        #expect(try node.check(workloads: [lighthouse]).verdict == .pass)
        try node.shell("ip rule add ipproto udp sport 9001 lookup 7 priority 12")
        let result = try node.check(workloads: [lighthouse])
        #expect(result.verdict.kind == .fail)
        #expect(result.evidence.contains("lighthouse (from port 9001)"))
    }

    @Test func `rules by destination port, by own address and inverted rules are seen`() throws {
        for rule in ["ipproto tcp dport 30303", "from 192.0.2.2", "not ipproto udp sport 1-100", "iif lo", "tos 0x10"] {
            let node = try Node(nordVPN)
            try node.shell("ip route add default via 192.0.2.1 table 7; ip rule add \(rule) lookup 7 priority 10")
            let result = try node.check(workloads: [Workload(name: "geth", ports: [Port(.tcp, 30303)])])
            #expect(result.verdict.kind == .fail, "\(rule): \(result)")
        }
    }

    @Test func `a route over both the tunnel and the uplink fails`() throws {
        let node = try Node()
        try node.shell("ip route replace default nexthop dev tun0 nexthop via 192.0.2.1 dev home0")
        let result = try node.check()
        #expect(result.verdict.kind == .fail)
        #expect(result.evidence.contains("home0"))
    }

    @Test func `no route at all fails where the VPN is required`() throws {
        let node = try Node("ip route delete default")
        #expect(try node.check().evidence == "there is no route to the internet over IPv4")
        try node.shell("ip route add blackhole default")
        #expect(try node.check().verdict.kind == .fail)
        try node.shell("ip route add 0.0.0.0/1 via 10.8.0.1")
        let half = try node.check()
        #expect(half.verdict.kind == .fail)
        #expect(half.evidence == "there is no route to 151.0.0.1, 212.0.0.1")
    }

    @Test func `a tunnel whose program is gone, or that is switched off, carries nothing`() throws {
        let node = try Node("ip tuntap add dev tun1 mode tun; ip link set tun1 up; ip route replace default dev tun1")
        #expect(try node.check(interfaces: ["tun1"]).verdict.kind == .fail)
        #expect(try node.check(interfaces: ["tun*"]).verdict.kind == .fail)
    }

    @Test func `a card with the tunnel's name is no tunnel`() throws {
        let node = try Node(
            """
            ip link delete tun0 2>/dev/null || true
            ip link set home0 down; ip link set home0 name wg0; ip link set wg0 up
            ip route add default via 192.0.2.1
            """)
        #expect(try node.check(interfaces: ["wg0"]).verdict.kind == .fail)
    }

    @Test func `a pod's traffic is judged as what comes in by its bridge`() throws {
        let node = try Node(nordVPN)
        try node.shell(
            """
            sysctl -qw net.ipv4.ip_forward=1
            ip link add cni0 type bridge; ip link set cni0 up; ip address add 10.42.0.1/24 dev cni0
            ip route add default via 192.0.2.1 table 7
            """)
        let pod = Workload(name: "geth", podAddresses: [IPAddress("10.42.0.5")!])
        let good = try node.check(local: ["10.42.0.0/16"], workloads: [pod])
        #expect(good.verdict == .pass, "\(good)")
        try node.shell("ip rule add iif cni0 lookup 7 priority 10")
        #expect(try node.check(local: ["10.42.0.0/16"], workloads: [pod]).verdict.kind == .fail)
        // The node's own traffic does not come in by the bridge.
        #expect(try node.check(local: ["10.42.0.0/16"]).verdict == .pass)
    }

    @Test func `without a configured VPN it says what to configure`() throws {
        let result = try Node().check(interfaces: [])
        #expect(result.verdict.kind == .fail)
        #expect(result.verdict.remedy?.contains("policy.vpn.interfaces") == true)
    }

    @Test func `a check whose time is up knows nothing`() throws {
        let node = try Node(openVPN)
        let policy = PosturePolicy(vpnInterfaces: [InterfacePattern("tun0")])
        let result = try node.namespace.run { VPNRouteCheck(.ipv4, policy).evaluate(deadline: .now) }
        #expect(result.verdict.kind == .unknown)
        #expect(result.evidence.contains("in time"))
    }
}

@Suite("vpn.route.ipv6 in a real network namespace (needs root)")
struct VPNRouteIPv6Tests {
    private let home = "ip address add 2001:db8::2/64 dev home0; ip route add default via 2001:db8::1 dev home0"

    @Test func `IPv6 that leaves by the uplink is a leak`() throws {
        let result = try Node(home).check(.ipv6)
        #expect(result.verdict.kind == .fail)
        #expect(result.evidence.contains("::/0 leaves by home0"))
    }

    @Test(arguments: ["", "ip -6 route add unreachable default", "ip -6 route add blackhole default"])
    func `no way to the internet over IPv6 is safe, and not enough where the VPN is required`(script: String) throws {
        let node = try Node("ip address add 2001:db8::2/64 dev home0; \(script)")
        #expect(try node.check(.ipv6).verdict == .pass)
        #expect(try node.check(.ipv6).evidence == "the internet is not reached over IPv6 at all")
        #expect(try node.check(.ipv6, ipv6: .required).verdict.kind == .fail)
    }

    @Test func `IPv6 through the tunnel passes, half of it does not`() throws {
        let node = try Node("\(home); ip address add fd00::2/64 dev tun0")
        try node.shell("ip route add ::/1 dev tun0; ip route add 8000::/1 dev tun0")
        #expect(try node.check(.ipv6, ipv6: .required).verdict == .pass)
        try node.shell("ip route delete 8000::/1 dev tun0")
        #expect(try node.check(.ipv6).verdict.kind == .fail)
        try node.shell("ip route add 8000::/1 dev tun0; ip route delete ::/1 dev tun0")
        #expect(try node.check(.ipv6).verdict.kind == .fail)
    }

    @Test func `a more specific route, a rule by uid and a route by own address are seen`() throws {
        for leak in [
            "ip route add 2400:1::/48 via 2001:db8::1 dev home0",
            "ip -6 rule add uidrange 1000-1000 lookup 7; ip -6 route add default via 2001:db8::1 table 7 dev home0",
            "ip -6 rule add from 2001:db8::2 lookup 7; ip -6 route add default via 2001:db8::1 table 7 dev home0",
        ] {
            let node = try Node(
                "\(home); ip address add fd00::2/64 dev tun0; ip -6 route add default dev tun0 metric 1")
            #expect(try node.check(.ipv6).verdict == .pass)
            try node.shell(leak)
            #expect(try node.check(.ipv6).verdict.kind == .fail, "\(leak)")
        }
    }

    @Test func `ignored means not looked at`() throws {
        #expect(try Node(home).check(.ipv6, ipv6: .ignore).verdict == .pass)
    }
}

@Suite("vpn.interface in a real network namespace (needs root)")
struct VPNInterfaceTests {
    private func check(_ node: Node, _ interfaces: [String]) throws -> CheckResult {
        let policy = PosturePolicy(vpnInterfaces: interfaces.map { InterfacePattern($0) })
        return try node.namespace.run {
            VPNInterfaceCheck(policy).evaluate(deadline: .now.advanced(by: .seconds(30)))
        }
    }

    @Test func `a tunnel that is up passes, by name and by glob`() throws {
        let node = try Node()
        #expect(try check(node, ["tun0"]).verdict == .pass)
        #expect(try check(node, ["wg*", "tun?"]).verdict == .pass)
    }

    @Test func `what is missing, down, without carrier or no tunnel fails and says which`() throws {
        let node = try Node("ip tuntap add dev tun1 mode tun; ip link set tun1 up; ip tuntap add dev tun2 mode tun")
        #expect(try check(node, ["wg0"]).evidence == "no interface is named wg0")
        #expect(try check(node, ["tun1"]).evidence.contains("tun1 has no carrier"))
        #expect(try check(node, ["tun2"]).evidence.contains("tun2 is down"))
        #expect(try check(node, ["home0"]).evidence.contains("home0 is no tunnel"))
        for interfaces in [["wg0"], ["tun1"], ["tun2"], ["home0"]] {
            #expect(try check(node, interfaces).verdict.kind == .fail)
        }
    }

    @Test func `nothing configured fails, and names what it saw`() throws {
        let result = try check(try Node(), [])
        #expect(result.verdict.kind == .fail)
        #expect(result.evidence.contains("tun0, which could be one"))
    }

    @Test func `globs match as in a shell`() {
        #expect(InterfacePattern("nord*").matches("nordlynx"))
        #expect(InterfacePattern("*").matches(""))
        #expect(InterfacePattern("w*g*0").matches("wwg10"))
        #expect(!InterfacePattern("wg?").matches("wg"))
        #expect(!InterfacePattern("wg0").matches("wg01"))
        #expect(InterfacePattern("wg[0-3]").matches("wg2"))
        #expect(!InterfacePattern("wg[0-3]").matches("wg4"))
    }
}
