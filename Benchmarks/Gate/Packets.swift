import CTestSupport
import Glibc
import Journal
import Policy
import SystemPackage
import TestSupport

/// What the rules cost a packet: the time to send one through a pair of network cards to a socket, which is all done within
/// the sender's call, with the rules and without.
func measurePackets(rounds: Int) throws {
    let node = try NetworkNamespace()
    let peer = try NetworkNamespace()
    try node.shell(
        """
        ip link add home0 address 02:00:00:00:00:02 type veth peer name isp0 address 02:00:00:00:00:01 netns \(peer.name)
        ip link set home0 up; ip address add 192.0.2.2/24 dev home0
        ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev home0
        sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.home0.rp_filter=0
        """)
    try peer.shell(
        """
        ip link set isp0 up; ip address add 192.0.2.1/24 dev isp0
        ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev isp0
        """)
    let receivers = try [9000, 9001].map { try PacketReceiver(in: node, port: $0) }
    let farReceiver = try PacketReceiver(in: peer, port: 7777)
    let home = UInt32(try node.shell("cat /sys/class/net/home0/ifindex").split(separator: "\n")[0])!

    func socket(_ from: NetworkNamespace, _ address: String, _ port: UInt16) throws -> Int32 {
        try from.run { unsafe nodeguard_udp(address, port, 0) }
    }
    let toValidator = try socket(peer, "192.0.2.2", 9000)
    let toAnother = try socket(peer, "192.0.2.2", 9001)
    let fromNode = try socket(node, "192.0.2.1", 7777)

    /// Nanoseconds a packet.
    func send(_ socket: Int32) -> Double {
        let packets = 100_000
        let payload = [UInt8](repeating: 1, count: 64)
        let began = packetClock()
        for _ in 0..<packets {
            _ = unsafe payload.withUnsafeBytes { unsafe Glibc.send(socket, $0.baseAddress, $0.count, 0) }
        }
        return Double(packetClock() - began) / Double(packets)
    }

    var rules = GateRules(mode: .enforce, ports: [Port(.udp, 9000), Port(.tcp, 9000)], tunnels: [home])
    var strict = rules
    strict.answersByTunnel = true
    strict.sendsByTunnel = true
    strict.uids = [12345]
    rules.uids = []
    /// The rules, whether the gate is open, and over which socket to send; the first of a group has no rules.
    let cases: [(name: String, rules: GateRules?, isOpen: Bool, socket: Int32)] = [
        ("to a validator, no gate", nil, true, toValidator), ("open", rules, true, toValidator),
        ("open, answerVia vpn", strict, true, toValidator), ("shut", rules, false, toValidator),
        ("to another port, no gate", nil, true, toAnother), ("gate", strict, true, toAnother),
        ("from the node, no gate", nil, true, fromNode), ("direction both", strict, true, fromNode),
    ]
    var times = [[Double]](repeating: [], count: cases.count)
    // In turn, so that whatever else the machine does falls upon all of them.
    for round in 0...rounds {
        for (place, one) in cases.enumerated() {
            let rules = one.rules
            let isOpen = one.isOpen
            try node.run {
                let gate = try KernelGate()
                guard let rules else { return try gate.remove() }
                try gate.install(rules)
                if isOpen { try gate.open(for: .seconds(600)) } else { try gate.shut() }
            }
            let time = send(one.socket)
            // The first round only fills the sockets.
            if round > 0 { times[place].append(time) }
        }
    }
    print("\nA packet, \(rounds) rounds of 100,000 in turn, median\n")
    print("| | ns | more than without | of without |")
    print("|---|---|---|---|")
    var without = 1.0
    for (place, one) in cases.enumerated() {
        let time = quantile(times[place].sorted(), 0.5)
        if one.rules == nil { without = time }
        print("| \(one.name) | \(Int(time)) | \(Int(time - without)) | \(shown(time / without)) |")
    }
    for socket in [toValidator, toAnother, fromNode] { close(socket) }
    withExtendedLifetime((receivers, farReceiver)) {}
}
