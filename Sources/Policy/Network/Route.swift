/// A route, or the kernel's answer to where a packet would go (RTM_NEWROUTE of rtnetlink(7)).
struct Route: Equatable, Sendable {
    /// RTN_ of <linux/rtnetlink.h>: what becomes of the packet.
    enum Kind: Equatable, Sendable {
        case unicast
        /// To this node itself, or to all on a link: never beyond it.
        case local
        /// Dropped, or refused to the sender.
        case unreachable
        /// `throw`: the lookup goes on with the next rule.
        case goOn
        case other(UInt8)
    }

    var destination: IPPrefix
    /// IPv6 only: routes may depend on the sender's address.
    var source: IPPrefix?
    var table: UInt32
    var kind: Kind
    /// RTPROT_: who installed it; 2 is the kernel itself, for an address of an interface.
    var protocolNumber: UInt8
    /// Every interface it may leave by: more than one for a multipath route. Empty where the kernel names none.
    var interfaces: [UInt32]
    /// Whether it goes to a router rather than straight to the destination.
    var hasGateway: Bool

    /// Nil for anything that is not a whole description of a route of IPv4 or IPv6.
    init?(_ message: NetlinkMessage) {
        let reader = NetlinkReader(message.payload)
        // struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type: u8 each; flags u32.
        guard message.type == 24, reader.count >= 12, let number = reader.u8,
            let family = AddressFamily.allCases.first(where: { $0.number == number }),
            let destinationLength = reader.number(at: 1, as: UInt8.self),
            let sourceLength = reader.number(at: 2, as: UInt8.self),
            let shortTable = reader.number(at: 4, as: UInt8.self),
            let protocolNumber = reader.number(at: 5, as: UInt8.self), let type = reader.number(at: 7, as: UInt8.self),
            let attributes = reader.after(12)?.attributesByType
        else { return nil }
        let zero = IPAddress(family, 0)
        // RTA_DST (1) is left out for a default route.
        var address = zero
        if let bytes = attributes[1]?.array {
            guard let parsed = IPAddress(bytes: bytes), parsed.family == family else { return nil }
            address = parsed
        }
        guard let destination = IPPrefix(address, length: Int(destinationLength)) else { return nil }
        self.destination = destination
        // RTA_SRC (2)
        if sourceLength > 0 {
            guard let parsed = attributes[2].flatMap({ IPAddress(bytes: $0.array) }), parsed.family == family,
                let range = IPPrefix(parsed, length: Int(sourceLength))
            else { return nil }
            source = range
        }
        // RTA_TABLE (15) holds what does not fit into eight bits.
        table = attributes[15]?.u32 ?? UInt32(shortTable)
        self.protocolNumber = protocolNumber
        kind =
            switch type {
            case 1: .unicast
            case 2, 3, 4, 5: .local
            case 6, 7, 8: .unreachable
            case 9: .goOn
            default: .other(type)
            }
        var interfaces: [UInt32] = []
        // RTA_GATEWAY (5), RTA_VIA (18)
        var hasGateway = attributes[5] != nil || attributes[18] != nil
        // RTA_OIF (4)
        if let index = attributes[4]?.u32 { interfaces.append(index) }
        // RTA_MULTIPATH (9): struct rtnexthop (u16 length, u8 flags, u8 hops, i32 interface) and its attributes.
        if let hops = attributes[9] {
            var offset = 0
            while hops.count - offset >= 8 {
                guard let length = hops.number(at: offset, as: UInt16.self), length >= 8,
                    let index = hops.number(at: offset + 4, as: UInt32.self),
                    let inner = hops.slice(offset + 8, Int(length) - 8)?.attributesByType
                else { return nil }
                interfaces.append(index)
                if inner[5] != nil || inner[18] != nil { hasGateway = true }
                offset += (Int(length) + 3) & ~3
            }
        }
        self.interfaces = interfaces
        self.hasGateway = hasGateway
    }

    init(
        _ destination: IPPrefix, kind: Kind = .unicast, table: UInt32 = 254, interfaces: [UInt32],
        hasGateway: Bool = false, protocolNumber: UInt8 = 3
    ) {
        self.destination = destination
        self.table = table
        self.kind = kind
        self.protocolNumber = protocolNumber
        self.interfaces = interfaces
        self.hasGateway = hasGateway
    }
}
