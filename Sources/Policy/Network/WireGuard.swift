import SystemPackage

/// What the kernel's WireGuard says about a device (WG_CMD_GET_DEVICE of <linux/wireguard.h>).
///
/// The kernel's answer holds the private key and any preshared keys. They are never decoded, and the buffer they
/// were received in is overwritten.
struct WireGuardDevice: Equatable, Sendable {
    var interface: String
    var peers: [Peer]

    struct Peer: Equatable, Sendable {
        /// The other end's outer address.
        var endpoint: IPAddress?
        /// Real time of the last handshake, in nanoseconds since 1970; nil where there never was one.
        var lastHandshake: Int64?
        var receivedBytes: UInt64 = 0
        var sentBytes: UInt64 = 0
        /// Seconds; 0 is off. With it a tunnel is never silent, so silence means trouble.
        var keepalive: UInt16 = 0
        /// The shortest prefix it may carry: 0 or 1 for a peer that carries the internet.
        var widestPrefix: Int = 128
        fileprivate var publicKey: [UInt8] = []
    }

    init(interface: String, peers: [Peer]) {
        self.interface = interface
        self.peers = peers
    }

    /// Joins the messages of one dump: a peer with many addresses goes on in the next message, named by its public
    /// key again. Nil for what is not a whole description.
    init?(payloads: [[UInt8]]) {
        var name: String?
        var peers: [Peer] = []
        for payload in payloads {
            // struct genlmsghdr: cmd, version: u8; reserved u16.
            guard let attributes = NetlinkReader(payload).after(4)?.attributesByType else { return nil }
            name = name ?? attributes[2]?.string
            guard let list = attributes[8] else { continue }
            guard let nested = list.attributes else { return nil }
            for (_, value) in nested {
                guard let peer = Peer(value) else { return nil }
                if let last = peers.last, last.publicKey == peer.publicKey {
                    peers[peers.count - 1].widestPrefix = min(last.widestPrefix, peer.widestPrefix)
                } else {
                    peers.append(peer)
                }
            }
        }
        guard let name else { return nil }
        self.init(interface: name, peers: peers)
    }
}

extension WireGuardDevice.Peer {
    fileprivate init?(_ reader: NetlinkReader) {
        guard let attributes = reader.attributesByType, let key = attributes[1]?.array, key.count == 32 else {
            return nil
        }
        publicKey = key
        // WGPEER_A_ENDPOINT (4): struct sockaddr_in or sockaddr_in6.
        if let address = attributes[4] {
            endpoint =
                switch address.u16 {
                case 2: address.slice(4, 4).flatMap { IPAddress(bytes: $0.array) }
                case 10: address.slice(8, 16).flatMap { IPAddress(bytes: $0.array) }
                default: nil
                }
        }
        keepalive = attributes[5]?.u16 ?? 0
        // WGPEER_A_LAST_HANDSHAKE_TIME (6): struct __kernel_timespec, s64 seconds and s64 nanoseconds.
        if let time = attributes[6] {
            guard let seconds = time.number(at: 0, as: UInt64.self), let rest = time.number(at: 8, as: UInt64.self),
                rest < 1_000_000_000, seconds < UInt64(Int64.max / 1_000_000_000)
            else { return nil }
            if seconds > 0 || rest > 0 { lastHandshake = Int64(seconds) * 1_000_000_000 + Int64(rest) }
        }
        receivedBytes = attributes[7]?.u64 ?? 0
        sentBytes = attributes[8]?.u64 ?? 0
        // WGPEER_A_ALLOWEDIPS (9), each with WGALLOWEDIP_A_CIDR_MASK (3).
        if let allowed = attributes[9] {
            guard let list = allowed.attributes else { return nil }
            for (_, entry) in list {
                guard let length = entry.attributesByType?[3]?.u8 else { return nil }
                widestPrefix = min(widestPrefix, Int(length))
            }
        }
    }
}

/// The kernel's WireGuard, over generic netlink.
enum WireGuard {
    /// Reads one device by the index of its interface; nil where this kernel has no WireGuard, or its module is not
    /// loaded. Needs CAP_NET_ADMIN.
    static func device(_ index: UInt32, deadline: ContinuousClock.Instant) throws(NetlinkError) -> WireGuardDevice? {
        let socket = try NetlinkSocket(.generic, redact: redactKeys)
        guard let family = try family(socket, deadline: deadline) else { return nil }
        var request = NetlinkWriter()
        // WG_CMD_GET_DEVICE is 0, WG_GENL_VERSION 1; WGDEVICE_A_IFINDEX is 1.
        request.append([0, 1, 0, 0])
        request.attribute(1, index)
        let intent = "describe WireGuard interface \(index)"
        let answer = try socket.request(
            type: family, flags: NetlinkMessage.Flag.dump, payload: request.bytes, to: intent, deadline: deadline)
        guard let device = WireGuardDevice(payloads: answer.map(\.payload)) else { throw .malformed(request: intent) }
        return device
    }

    /// The outer addresses of all kernel WireGuard tunnels: the tunnel's own packets must reach them outside of it.
    /// What cannot be read is left out, which at worst takes a way around the tunnel for a leak.
    static func endpoints(of links: [Link], deadline: ContinuousClock.Instant) -> [IPAddress] {
        links.filter { $0.kind == "wireguard" }.flatMap { link in
            let device = try? device(link.index, deadline: deadline)
            return device?.peers.compactMap(\.endpoint) ?? []
        }
    }

    /// Overwrites WGDEVICE_A_PRIVATE_KEY (3) and WGPEER_A_PRESHARED_KEY (2) in a received datagram.
    /// Where the datagram is not well formed, everything from there on is overwritten.
    static func redactKeys(_ bytes: inout [UInt8], length: Int) {
        var start = 0
        while start < length {
            guard let size = NetlinkReader(bytes[start..<length]).u32, size >= 16, Int(size) <= length - start else {
                return erase(&bytes, start..<length)
            }
            let end = start + Int(size)
            redactAttributes(&bytes, min(start + 20, end)..<end, secret: 3, nested: 8)
            start += (Int(size) + 3) & ~3
        }
    }

    private static func redactAttributes(_ bytes: inout [UInt8], _ range: Range<Int>, secret: UInt16?, nested: UInt16?)
    {
        var start = range.lowerBound
        while range.upperBound - start >= 4 {
            let header = NetlinkReader(bytes[start..<range.upperBound])
            guard let size = header.u16, let type = header.number(at: 2, as: UInt16.self).map({ $0 & 0x3fff }),
                size >= 4,
                Int(size) <= range.upperBound - start
            else { return erase(&bytes, start..<range.upperBound) }
            let value = start + 4..<start + Int(size)
            if type == secret {
                erase(&bytes, value)
            } else if secret == nil {
                // A list of peers: each holds attributes of its own.
                redactAttributes(&bytes, value, secret: 2, nested: nil)
            } else if type == nested {
                redactAttributes(&bytes, value, secret: nil, nested: nil)
            }
            start += (Int(size) + 3) & ~3
        }
    }

    private static func erase(_ bytes: inout [UInt8], _ range: Range<Int>) {
        for place in range { bytes[place] = 0 }
    }

    /// The number that generic netlink gave to the family `wireguard` (CTRL_CMD_GETFAMILY of <linux/genetlink.h>).
    private static func family(
        _ socket: NetlinkSocket, deadline: ContinuousClock.Instant
    ) throws(NetlinkError) -> UInt16? {
        var request = NetlinkWriter()
        request.append([3, 1, 0, 0])
        request.attribute(2, string: "wireguard")
        let intent = "find WireGuard"
        do throws(NetlinkError) {
            let answer = try socket.request(type: 16, payload: request.bytes, to: intent, deadline: deadline)
            guard let number = answer.first.flatMap({ NetlinkReader($0.payload).after(4)?.attributesByType?[1]?.u16 })
            else { throw NetlinkError.malformed(request: intent) }
            return number
        } catch {
            if case .refused(.noSuchFileOrDirectory, _) = error { return nil }
            throw error
        }
    }
}
