/// A rule of policy routing (RTM_NEWRULE; struct fib_rule_hdr and FRA_ of <linux/fib_rules.h>).
///
/// Mostly what it selects packets by is kept. Where it leads is not: the kernel is asked for that.
struct RoutingRule: Equatable, Sendable {
    var priority: UInt32
    var isInverted: Bool
    var destination: IPPrefix?
    var source: IPPrefix?
    var mark: UInt32
    var markMask: UInt32
    var inputInterface: String?
    var outputInterface: String?
    var uids: ClosedRange<UInt32>?
    var transport: UInt8?
    var sourcePorts: ClosedRange<UInt16>?
    var destinationPorts: ClosedRange<UInt16>?
    var serviceType: UInt8
    /// It drops what it selects (FR_ACT_BLACKHOLE).
    var isBlackhole: Bool
    /// It selects by something that this version of nodeguard does not know.
    var hasUnknownSelector: Bool

    /// Nil for anything that is not a whole description of a rule for IPv4 or IPv6.
    init?(_ message: NetlinkMessage) {
        let reader = NetlinkReader(message.payload)
        // struct fib_rule_hdr: family, dst_len, src_len, tos, table, res1, res2, action: u8 each; flags u32.
        guard message.type == 32, let number = reader.u8,
            let family = AddressFamily.allCases.first(where: { $0.number == number }),
            let destinationLength = reader.number(at: 1, as: UInt8.self),
            let sourceLength = reader.number(at: 2, as: UInt8.self),
            let serviceType = reader.number(at: 3, as: UInt8.self), let action = reader.number(at: 7, as: UInt8.self),
            let flags = reader.number(at: 8, as: UInt32.self),
            let attributes = reader.after(12)?.attributesByType
        else { return nil }
        func prefix(_ type: UInt16, _ length: UInt8) -> IPPrefix?? {
            guard length > 0 else { return .some(nil) }
            guard let address = attributes[type].flatMap({ IPAddress(bytes: $0.array) }), address.family == family,
                let range = IPPrefix(address, length: Int(length))
            else { return .none }
            return .some(range)
        }
        func ports(_ type: UInt16) -> ClosedRange<UInt16>?? {
            guard let value = attributes[type] else { return .some(nil) }
            guard let first = value.number(at: 0, as: UInt16.self), let last = value.number(at: 2, as: UInt16.self),
                first <= last
            else { return .none }
            return .some(first...last)
        }
        guard let destination = prefix(1, destinationLength), let source = prefix(2, sourceLength),
            let sourcePorts = ports(23), let destinationPorts = ports(24)
        else { return nil }
        self.destination = destination
        self.source = source
        self.sourcePorts = sourcePorts
        self.destinationPorts = destinationPorts
        self.serviceType = serviceType
        isBlackhole = action == 6
        priority = attributes[6]?.u32 ?? 0
        isInverted = flags & 0x2 != 0
        mark = attributes[10]?.u32 ?? 0
        markMask = attributes[16]?.u32 ?? (attributes[10] == nil ? 0 : .max)
        inputInterface = attributes[3]?.string
        outputInterface = attributes[17]?.string
        transport = attributes[22]?.u8
        if let range = attributes[20] {
            guard let first = range.number(at: 0, as: UInt32.self), let last = range.number(at: 4, as: UInt32.self),
                first <= last
            else { return nil }
            uids = first...last
        }
        // FRA_TUN_ID (12) and FRA_DSCP (25) with what came after it select by what cannot be asked for; so do
        // FRA_SPORT_MASK (28) and FRA_DPORT_MASK (29) where they leave bits of the port out.
        hasUnknownSelector = attributes.contains { type, value in
            switch type {
            case 28, 29: value.u16 != 0xffff && value.u16 != 0
            default: type == 12 || type > 24
            }
        }
    }

    /// Whether packets of this mark are selected, by the mark alone.
    func selects(mark other: UInt32) -> Bool { other & markMask == mark & markMask }
}
