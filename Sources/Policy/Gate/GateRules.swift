public import Journal

/// What the gate guards, and how: everything about its rules in the kernel that does not change with the posture.
public struct GateRules: Equatable, Sendable {
    /// `enforce` drops; `observe` only counts what it would have dropped. `disabled` has no rules at all.
    public var mode: GateMode
    /// The validators' ports as peers see them: `ports` and `externalPorts`.
    public var ports: Set<Port>
    /// The validators' pods. A port is theirs or the node's own; another pod's is left alone.
    public var pods: Set<IPAddress>
    /// The validators' users, for what they send from the node's own network.
    public var uids: Set<UInt32>
    /// The tunnels, by index: names can be given to another interface, numbers not. Empty: nothing is a tunnel.
    public var tunnels: Set<UInt32>
    /// Ranges that need no tunnel.
    public var local: [IPPrefix]
    /// `answerVia: vpn`: a packet is dropped unless the answer to it would leave by a tunnel.
    public var answersByTunnel: Bool
    /// `direction: both`: what the validators send is dropped unless it leaves by a tunnel.
    public var sendsByTunnel: Bool

    /// What to guard.
    public init(
        mode: GateMode, ports: Set<Port>, pods: Set<IPAddress> = [], uids: Set<UInt32> = [],
        tunnels: Set<UInt32> = [], local: [IPPrefix] = [], answersByTunnel: Bool = false, sendsByTunnel: Bool = false
    ) {
        self.mode = mode
        self.ports = ports
        self.pods = pods
        self.uids = uids
        self.tunnels = tunnels
        self.local = local
        self.answersByTunnel = answersByTunnel
        self.sendsByTunnel = sendsByTunnel
    }

    /// Ports that a node lives by: ssh, the Kubernetes API, rke2's supervisor, the kubelet.
    /// A configuration that would gate one of them is refused.
    public static let untouchable: [Port: String] = [
        Port(.tcp, 22): "ssh", Port(.tcp, 6443): "the Kubernetes API server", Port(.tcp, 9345): "rke2's supervisor",
        Port(.tcp, 10250): "the kubelet",
    ]

    /// Why these rules must not be installed, or nil.
    public var refusal: String? {
        if let port = ports.sorted(by: { $0.description < $1.description }).first(where: { $0.number == 0 }) {
            return "\(port) is not a port: name the one that the validator listens on"
        }
        if uids.contains(0) {
            return "uid 0 is every service of the node: run the validator as a user of its own"
        }
        for (port, owner) in Self.untouchable.sorted(by: { $0.key.number < $1.key.number }) where ports.contains(port) {
            return "\(port) is \(owner)'s: shutting it would cut the node off; take it out of the validators' ports"
        }
        return nil
    }
}

/// Why a packet was dropped, or would have been.
public enum DropReason: String, CaseIterable, Sendable {
    /// It came in while the gate was shut.
    case shut
    /// It came in, and the answer would not have left by the tunnel.
    case answer
    /// It was a validator's, and did not leave by the tunnel.
    case around

    /// `inbound` or `outbound`, as in the metrics.
    public var direction: String { self == .around ? "outbound" : "inbound" }
}

/// The names of the gate's objects in the kernel.
enum GateLayout {
    /// The table that outlives the agent.
    static let table = "nodeguard"
    /// Before Linux 6.12: the table that nobody else can flush, gone with the agent.
    static let liveTable = "nodeguard-live"
    /// The sets whose elements are the lease, refreshed in turn.
    static let leases = ["lease-a", "lease-b"]
    /// Where what a validator's user sends is remembered, by ports and destination: TCP connections.
    static func flows(_ family: AddressFamily) -> String { set("flows", family) }
    /// The kernel sends a closed connection's rest for some minutes at most: it gives up when two tries are two minutes
    /// apart (TCP_RTO_MAX). Packets of a living process begin the time anew.
    static let flowTime: UInt64 = 600_000
    /// The sets that only change when the rules do.
    static let staticSets = ["ports", "pods4", "pods6", "tunnels", "users", "local4", "local6"]
    /// What the leases hold while the gate is open: one element.
    static let token: [UInt8] = [1, 0, 0, 0]

    /// NFT_TABLE_F_ of <linux/netfilter/nf_tables.h>; PERSIST since Linux 6.12.
    enum TableFlag {
        static let owner: UInt32 = 0x2
        static let persist: UInt32 = 0x4
    }

    /// Adds the messages that make one table what it should be. The leases stay as they are.
    ///
    /// - Parameter routing: whether rules may ask routing (nft_fib). Without it a validator's port is shut for every
    ///   address, another pod's too, and what needs routing to be allowed is not.
    /// - Parameter counted: where the rules' counters begin.
    static func install(
        _ rules: GateRules, _ counted: GateCounters = GateCounters(), routing: Bool, table: String, flags: UInt32,
        into batch: inout FirewallBatch
    ) {
        batch.table(table, flags: flags)
        // NF_INET_PRE_ROUTING, before everything that rewrites addresses (raw is -300): only here host network,
        // hostPort and NodePort look alike.
        batch.chain(table, "inbound", hook: 0, priority: -310)
        batch.chain(table, "judge")
        // NF_INET_LOCAL_IN and NF_INET_FORWARD, after it: what was rewritten from an address that is nobody's here, as
        // load balancers have them.
        batch.chain(table, "delivered", hook: 1, priority: -10)
        batch.chain(table, "forwarded", hook: 2, priority: -10)
        batch.chain(table, "leased")
        // NF_INET_POST_ROUTING, before the sender's address is rewritten (srcnat is 100).
        batch.chain(table, "outbound", hook: 4, priority: 90)
        sets(table, into: &batch)
        batch.deleteRules(table)
        fill(rules, table: table, into: &batch)
        guard rules.mode != .disabled else { return }
        inbound(rules, routing, table, &batch)
        var drops = Drops(isEnforced: rules.mode == .enforce, counted: counted)
        judge(rules, routing, table, &drops, &batch)
        // These look a second time at what `judge` let pass, so they would only count it twice.
        if rules.mode == .enforce { rewritten(rules, table, &drops, &batch) }
        if rules.sendsByTunnel { outbound(rules, routing, table, &drops, &batch) }
    }

    private static func sets(_ table: String, into batch: inout FirewallBatch) {
        // Key types of nftables' datatype.h: inet_proto . inet_service, ipv4_addr, ipv6_addr, iface_index, uid, mark.
        batch.set(table, "ports", flags: 0, keyType: 12 << 6 | 13, keyLength: 8, id: 1)
        batch.set(table, "pods4", flags: 0, keyType: 7, keyLength: 4, id: 2)
        batch.set(table, "pods6", flags: 0, keyType: 8, keyLength: 16, id: 3)
        batch.set(table, "tunnels", flags: 0, keyType: 20, keyLength: 4, id: 4)
        batch.set(table, "users", flags: 0, keyType: 24, keyLength: 4, id: 5)
        batch.set(table, "local4", flags: FirewallBatch.SetFlag.interval, keyType: 7, keyLength: 4, id: 6)
        batch.set(table, "local6", flags: FirewallBatch.SetFlag.interval, keyType: 8, keyLength: 16, id: 7)
        for (place, lease) in leases.enumerated() {
            batch.set(
                table, lease, flags: FirewallBatch.SetFlag.timeout, keyType: 19, keyLength: 4, id: 8 + UInt32(place))
        }
        // Both ports as one number . address.
        for (one, id) in zip(AddressFamily.allCases, [10, 11] as [UInt32]) {
            batch.set(
                table, flows(one), flags: FirewallBatch.SetFlag.timeout | FirewallBatch.SetFlag.dynamic,
                keyType: 19 << 6 | (one == .ipv4 ? 7 : 8), keyLength: one == .ipv4 ? 8 : 20, id: id,
                size: 65536)
        }
    }

    /// Replaces the elements of every set but the leases.
    private static func fill(_ rules: GateRules, table: String, into batch: inout FirewallBatch) {
        func replace(_ set: String, _ elements: [FirewallBatch.Element]) {
            batch.flush(table, set: set)
            batch.elements(table, set: set, elements)
        }
        let ports = rules.ports.sorted { ($0.number, $0.transport.number) < ($1.number, $1.transport.number) }
        replace("ports", ports.map { .init(key: key($0)) })
        let pods = rules.pods.sorted { $0.value < $1.value }
        replace("pods4", pods.filter { $0.family == .ipv4 }.map { .init(key: $0.bytes) })
        replace("pods6", pods.filter { $0.family == .ipv6 }.map { .init(key: $0.bytes) })
        replace("tunnels", rules.tunnels.sorted().map { .init(key: native($0)) })
        replace("users", rules.uids.sorted().map { .init(key: native($0)) })
        replace("local4", intervals(rules.local, .ipv4))
        replace("local6", intervals(rules.local, .ipv6))
    }

    /// Replaces the tunnels alone, as interfaces come and go.
    static func replaceTunnels(_ tunnels: Set<UInt32>, table: String, into batch: inout FirewallBatch) {
        batch.flush(table, set: "tunnels")
        batch.elements(table, set: "tunnels", tunnels.sorted().map { .init(key: native($0)) })
    }

    /// `ports`: the protocol and the port, each padded to a register.
    private static func key(_ port: Port) -> [UInt8] {
        [port.transport.number, 0, 0, 0, UInt8(port.number >> 8), UInt8(port.number & 0xff), 0, 0]
    }

    /// A number in the machine's own byte order.
    private static func native(_ number: UInt32) -> [UInt8] {
        var writer = NetlinkWriter()
        writer.append(number)
        return writer.bytes
    }

    /// Ranges without overlap or touch, as the kernel's interval sets need them; each with the value after its end.
    private static func intervals(_ prefixes: [IPPrefix], _ family: AddressFamily) -> [FirewallBatch.Element] {
        var ranges: [(first: UInt128, last: UInt128)] = []
        for prefix in prefixes.filter({ $0.family == family }).sorted(by: { $0.first < $1.first }) {
            if let last = ranges.last, last.last == .max || prefix.first <= last.last + 1 {
                ranges[ranges.count - 1].last = max(last.last, prefix.last)
            } else {
                ranges.append((prefix.first, prefix.last))
            }
        }
        let end: UInt128 = family == .ipv4 ? 1 << 32 - 1 : .max
        return ranges.flatMap { range in
            var elements = [FirewallBatch.Element(key: IPAddress(family, range.first).bytes)]
            if range.last < end {
                elements.append(.init(key: IPAddress(family, range.last + 1).bytes, isEnd: true))
            }
            return elements
        }
    }

    // ARPHRD_LOOPBACK is 772.
    private static let loopback: [UInt8] = {
        var writer = NetlinkWriter()
        writer.append(UInt16(772))
        return writer.bytes
    }()

    private static func family(_ family: AddressFamily) -> [FirewallExpression] {
        [.meta(.networkProtocol, .first), .compare(.first, isEqual: true, [family.number])]
    }

    /// Where an address lies in the IP header: source or destination.
    private static func address(
        _ family: AddressFamily, isSource: Bool, _ register: FirewallExpression.Register = .first
    ) -> FirewallExpression {
        family == .ipv4
            ? .payload(base: 1, offset: isSource ? 12 : 16, length: 4, register)
            : .payload(base: 1, offset: isSource ? 8 : 24, length: 16, register)
    }

    /// What a TCP connection is remembered by: both ports, destination. Other protocols send nothing for the dead.
    private static func flow(_ one: AddressFamily) -> [FirewallExpression] {
        [
            .meta(.transportProtocol, .first), .compare(.first, isEqual: true, [Port.Transport.tcp.number]),
            .payload(base: 2, offset: 0, length: 4, .first), address(one, isSource: false, .second),
        ]
    }

    private static func set(_ name: String, _ family: AddressFamily) -> String {
        name + (family == .ipv4 ? "4" : "6")
    }

    /// The ends of rules that drop, or only count.
    private struct Drops {
        let isEnforced: Bool
        /// What was counted so far: the first rule of a reason takes it over.
        var counted: GateCounters

        mutating func end(_ reason: DropReason) -> [FirewallExpression] {
            let counter = FirewallExpression.counter(from: counted.packets.removeValue(forKey: reason) ?? 0)
            return isEnforced ? [counter, .verdict(.drop)] : [counter]
        }
    }

    /// What comes in: whether it is for a validator at all.
    private static func inbound(_ rules: GateRules, _ routing: Bool, _ table: String, _ batch: inout FirewallBatch) {
        batch.rule(
            table, "inbound", comment: "the node to itself",
            [.meta(.inputInterfaceType, .first), .compare(.first, isEqual: true, loopback), .verdict(.leave)])
        // The destination port lies at offset 2 of TCP's and UDP's header alike. Later fragments have none: they are
        // let through, and worth nothing without the first.
        batch.rule(
            table, "inbound", comment: "no validator's port",
            [
                .meta(.transportProtocol, .first), .payload(base: 2, offset: 2, length: 2, .second),
                .lookup(set: "ports", .first, isIn: false), .verdict(.leave),
            ])
        for one in AddressFamily.allCases where rules.pods.contains(where: { $0.family == one }) {
            batch.rule(
                table, "inbound", comment: "to a validator's pod",
                family(one) + [
                    address(one, isSource: false), .lookup(set: set("pods", one), .first, isIn: true),
                    .verdict(.goTo("judge")),
                ])
        }
        // RTN_UNICAST (1) is what is routed elsewhere; anything else, broadcast too, is for the node. Its own ports,
        // hostPorts and NodePorts are all addressed to the node here.
        batch.rule(
            table, "inbound", comment: "to the node",
            (routing
                ? [.routing(.addressType, of: .destination, .first), .compare(.first, isEqual: false, native(1))] : [])
                + [
                    // Packets that carry no port at all came this far too.
                    .meta(.transportProtocol, .first), .payload(base: 2, offset: 2, length: 2, .second),
                    .lookup(set: "ports", .first, isIn: true), .verdict(.goTo("judge")),
                ])
    }

    /// What is for a validator: whether it may pass now.
    private static func judge(
        _ rules: GateRules, _ routing: Bool, _ table: String, _ drops: inout Drops, _ batch: inout FirewallBatch
    ) {
        if rules.answersByTunnel {
            for one in AddressFamily.allCases {
                batch.rule(
                    table, "judge", comment: "inbound \(DropReason.answer.rawValue)",
                    family(one) + [
                        address(one, isSource: true), .lookup(set: set("local", one), .first, isIn: false),
                    ]
                        + (routing
                            ? [
                                .routing(.outputInterface, of: .sourceWithMark, .first),
                                .lookup(set: "tunnels", .first, isIn: false),
                            ] : []) + drops.end(.answer))
            }
        }
        for lease in leases {
            batch.rule(
                table, "judge", comment: "open",
                [.constant(token, .first), .lookup(set: lease, .first, isIn: true), .verdict(.accept)])
        }
        batch.rule(table, "judge", comment: "inbound \(DropReason.shut.rawValue)", drops.end(.shut))
    }

    /// What became a validator's only when its destination was rewritten: there must be a lease for it too.
    private static func rewritten(
        _ rules: GateRules, _ table: String, _ drops: inout Drops, _ batch: inout FirewallBatch
    ) {
        let toPort: [FirewallExpression] = [
            .meta(.transportProtocol, .first), .payload(base: 2, offset: 2, length: 2, .second),
            .lookup(set: "ports", .first, isIn: true), .verdict(.goTo("leased")),
        ]
        batch.rule(
            table, "delivered", comment: "the node to itself",
            [.meta(.inputInterfaceType, .first), .compare(.first, isEqual: true, loopback), .verdict(.leave)])
        batch.rule(table, "delivered", comment: "to the node", toPort)
        for one in AddressFamily.allCases where rules.pods.contains(where: { $0.family == one }) {
            batch.rule(
                table, "forwarded", comment: "to a validator's pod",
                family(one) + [address(one, isSource: false), .lookup(set: set("pods", one), .first, isIn: true)]
                    + toPort)
        }
        for lease in leases {
            batch.rule(
                table, "leased", comment: "open",
                [.constant(token, .first), .lookup(set: lease, .first, isIn: true), .verdict(.accept)])
        }
        batch.rule(table, "leased", comment: "inbound \(DropReason.shut.rawValue)", drops.end(.shut))
    }

    /// What goes out: a validator's packets leave by a tunnel, or stay near.
    private static func outbound(
        _ rules: GateRules, _ routing: Bool, _ table: String, _ drops: inout Drops, _ batch: inout FirewallBatch
    ) {
        let comment = "outbound \(DropReason.around.rawValue)"
        batch.rule(
            table, "outbound", comment: "the node to itself",
            [.meta(.outputInterfaceType, .first), .compare(.first, isEqual: true, loopback), .verdict(.leave)])
        if !rules.uids.isEmpty {
            // What the kernel still sends for a process that has died, or has closed its connection, carries no user any
            // more. Each packet that does is remembered, by whatever way it leaves.
            for one in AddressFamily.allCases {
                batch.rule(
                    table, "outbound", comment: "a validator's user",
                    family(one) + [.meta(.userID, .first), .lookup(set: "users", .first, isIn: true)] + flow(one) + [
                        .remember(set: flows(one), .first, milliseconds: flowTime)
                    ])
            }
        }
        batch.rule(
            table, "outbound", comment: "by a tunnel",
            [
                .meta(.outputInterface, .first), .lookup(set: "tunnels", .first, isIn: true), .verdict(.leave),
            ])
        for one in AddressFamily.allCases {
            batch.rule(
                table, "outbound", comment: "to where no tunnel is needed",
                family(one) + [
                    address(one, isSource: false), .lookup(set: set("local", one), .first, isIn: true),
                    .verdict(.leave),
                ])
        }
        for one in AddressFamily.allCases where rules.pods.contains(where: { $0.family == one }) {
            batch.rule(
                table, "outbound", comment: comment,
                family(one) + [
                    address(one, isSource: true), .lookup(set: set("pods", one), .first, isIn: true),
                ] + drops.end(.around))
        }
        if !rules.uids.isEmpty {
            batch.rule(
                table, "outbound", comment: comment,
                [.meta(.userID, .first), .lookup(set: "users", .first, isIn: true)] + drops.end(.around))
            for one in AddressFamily.allCases {
                batch.rule(
                    table, "outbound", comment: comment,
                    family(one) + flow(one) + [.lookup(set: flows(one), .first, isIn: true)] + drops.end(.around))
            }
        }
        // RTN_LOCAL (2): sent from an address of the node's, so not another pod's packet with the same port.
        batch.rule(
            table, "outbound", comment: comment,
            (routing ? [.routing(.addressType, of: .source, .first), .compare(.first, isEqual: true, native(2))] : [])
                + [
                    .meta(.transportProtocol, .first), .payload(base: 2, offset: 0, length: 2, .second),
                    .lookup(set: "ports", .first, isIn: true),
                ] + drops.end(.around))
    }
}
