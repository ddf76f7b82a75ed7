/// A network interface as the kernel describes it (RTM_NEWLINK of rtnetlink(7)).
struct Link: Equatable, Sendable {
    var index: UInt32
    var name: String
    /// ARPHRD_ of <linux/if_arp.h>.
    var hardwareType: UInt16
    /// IFF_ of <linux/if.h>.
    var flags: UInt32
    /// The driver's kind, `wireguard` or `tun`; empty for a network card.
    var kind: String
    var receivedBytes: UInt64
    var sentBytes: UInt64

    /// Switched on by the administrator (IFF_UP).
    var isUp: Bool { flags & 0x1 != 0 }
    /// The driver can pass packets (IFF_LOWER_UP): for tun, that a program holds the other end.
    var hasCarrier: Bool { flags & 0x1_0000 != 0 }

    /// Whether what enters the interface is expected to leave the machine encrypted.
    var tunnel: Tunnel {
        switch kind {
        case "wireguard", "ovpn", "tun", "xfrm", "vti", "vti6", "ppp", "amneziawg": .encrypting
        case "ipip", "sit", "gre", "gretap", "ip6gre", "ip6gretap", "ip6tnl", "erspan", "geneve", "vxlan", "fou":
            .plain
        case "" where hardwareType == 512: .encrypting  // ARPHRD_PPP without a kind, before Linux 5.
        default: .none
        }
    }

    enum Tunnel {
        /// A VPN's kind of interface.
        case encrypting
        /// A tunnel that does not encrypt by itself.
        case plain
        /// A card, a bridge, a cable between namespaces: no tunnel.
        case none
    }

    /// Nil for anything that is not a whole description of an interface.
    init?(_ message: NetlinkMessage) {
        let reader = NetlinkReader(message.payload)
        // struct ifinfomsg: family u8, pad u8, type u16, index i32, flags u32, change u32.
        guard message.type == 16, let type = reader.number(at: 2, as: UInt16.self),
            let index = reader.number(at: 4, as: UInt32.self), let flags = reader.number(at: 8, as: UInt32.self),
            let attributes = reader.after(16)?.attributesByType, let name = attributes[3]?.string
        else { return nil }
        self.index = index
        self.name = name
        hardwareType = type
        self.flags = flags
        // IFLA_LINKINFO (18) holds IFLA_INFO_KIND (1).
        kind = attributes[18]?.attributesByType?[1]?.string ?? ""
        // IFLA_STATS64 (23), struct rtnl_link_stats64: rx_packets, tx_packets, rx_bytes, tx_bytes.
        receivedBytes = attributes[23]?.number(at: 16, as: UInt64.self) ?? 0
        sentBytes = attributes[23]?.number(at: 24, as: UInt64.self) ?? 0
    }

    init(
        index: UInt32, name: String, kind: String, flags: UInt32 = 0x1_0041, hardwareType: UInt16 = 65534,
        receivedBytes: UInt64 = 0, sentBytes: UInt64 = 0
    ) {
        self.index = index
        self.name = name
        self.hardwareType = hardwareType
        self.flags = flags
        self.kind = kind
        self.receivedBytes = receivedBytes
        self.sentBytes = sentBytes
    }
}
