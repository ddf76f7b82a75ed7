import LinuxSystem
import Policy
import TestSupport
import Testing

/// A node with a home uplink and a second way that stands for the tunnel, and an outside peer at the other end of
/// both. The node is 192.0.2.2 at home and 10.8.0.2 in the tunnel; the peer is .1 in both, and 198.51.100.9 beyond.
final class GateTopology: Sendable {
    let node: NetworkNamespace
    let peer: NetworkNamespace

    init() throws {
        node = try NetworkNamespace()
        peer = try NetworkNamespace()
        try node.shell(
            """
            ip link add home0 address 02:00:00:00:00:02 type veth peer name isp0 address 02:00:00:00:00:01 \
                netns \(peer.name)
            ip link add wg0 address 02:00:00:00:01:02 type veth peer name exit0 address 02:00:00:00:01:01 \
                netns \(peer.name)
            sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
                net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.home0.rp_filter=0 net.ipv4.conf.wg0.rp_filter=0
            ip link set home0 up; ip link set wg0 up
            ip address add 192.0.2.2/24 dev home0; ip address add 10.8.0.2/24 dev wg0
            ip address add 2001:db8::2/64 dev home0 nodad; ip address add fd08::2/64 dev wg0 nodad
            ip route add default via 10.8.0.1
            # Neighbours known from the start, so that no packet waits for an answer to ARP.
            ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev home0
            ip neigh add 10.8.0.1 lladdr 02:00:00:00:01:01 dev wg0
            ip neigh add 2001:db8::1 lladdr 02:00:00:00:00:01 dev home0
            ip neigh add fd08::1 lladdr 02:00:00:00:01:01 dev wg0
            """)
        try peer.shell(
            """
            sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.isp0.rp_filter=0 net.ipv4.conf.exit0.rp_filter=0
            ip link set isp0 up; ip link set exit0 up
            ip address add 192.0.2.1/24 dev isp0; ip address add 10.8.0.1/24 dev exit0
            ip address add 198.51.100.9/32 dev lo
            ip address add 2001:db8::1/64 dev isp0 nodad; ip address add fd08::1/64 dev exit0 nodad
            ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev isp0
            ip neigh add 10.8.0.2 lladdr 02:00:00:00:01:02 dev exit0
            ip neigh add 2001:db8::2 lladdr 02:00:00:00:00:02 dev isp0
            ip neigh add fd08::2 lladdr 02:00:00:00:01:02 dev exit0
            """)
    }

    /// A pod behind the node's `cni0`, with the addresses 10.42.0.5 and 10.42.0.6.
    func addPod() throws -> NetworkNamespace {
        let pod = try NetworkNamespace()
        try node.shell(
            """
            ip link add cni0 address 02:00:00:00:02:01 type veth peer name eth0 address 02:00:00:00:02:05 \
                netns \(pod.name)
            ip link set cni0 up; ip address add 10.42.0.1/24 dev cni0
            ip neigh add 10.42.0.5 lladdr 02:00:00:00:02:05 dev cni0
            ip neigh add 10.42.0.6 lladdr 02:00:00:00:02:05 dev cni0
            """)
        try pod.shell(
            """
            ip link set eth0 up; ip address add 10.42.0.5/24 dev eth0; ip address add 10.42.0.6/24 dev eth0
            ip route add default via 10.42.0.1; ip neigh add 10.42.0.1 lladdr 02:00:00:00:02:01 dev eth0
            """)
        return pod
    }

    /// The index of one of the node's interfaces.
    func index(_ interface: String) throws -> UInt32 {
        try #require(UInt32(node.shell("cat /sys/class/net/\(interface)/ifindex").split(separator: "\n")[0]))
    }

    /// Runs `body` in the node's namespace with a gate there, and gives back what it returns.
    func withGate<Value: Sendable>(
        _ rules: GateRules, scheme: GateScheme? = nil, _ body: @escaping @Sendable (KernelGate) throws -> Value
    ) throws -> Value {
        try node.run {
            let gate = try KernelGate(scheme: scheme)
            try gate.install(rules)
            return try body(gate)
        }
    }

    /// The number of packets that arrived in each phase.
    static func arrived(_ receiver: PacketReceiver) -> [UInt32: Int] {
        receiver.packets().reduce(into: [:]) { $0[$1.phase, default: 0] += 1 }
    }
}

/// Handed to one other thread, while this one waits for it.
final class Held<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
