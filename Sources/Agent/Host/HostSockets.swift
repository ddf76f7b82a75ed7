public import Policy

/// A socket of TCP or UDP, as /proc/PID/net tells of it.
public struct HostSocket: Equatable, Sendable {
    /// TCP or UDP.
    public var transport: Policy.Port.Transport
    /// Its own address; all zeroes for any.
    public var address: Policy.IPAddress
    /// Its own port.
    public var port: UInt16
    /// The other end; nil where it has none.
    public var peer: (address: Policy.IPAddress, port: UInt16)?
    /// Whether it waits for others: a listening TCP socket, a bound UDP socket without a peer.
    public var isListening: Bool
    /// Its number in the file system of sockets, by which its process is found.
    public var inode: UInt64

    /// Whether only this machine can reach it.
    public var isLoopback: Bool {
        address.family == .ipv4
            ? Policy.IPPrefix("127.0.0.0/8")!.contains(address) : address == Policy.IPAddress("::1")
    }

    /// `tcp/9000`.
    public var portName: Policy.Port { Policy.Port(transport, port) }

    /// Equal in everything.
    public static func == (one: Self, other: Self) -> Bool {
        one.transport == other.transport && one.address == other.address && one.port == other.port
            && one.peer?.address == other.peer?.address && one.peer?.port == other.peer?.port
            && one.isListening == other.isListening && one.inode == other.inode
    }
}

extension HostFiles {
    /// The sockets of a process's network namespace, listening ones and those with a peer.
    public func sockets(inNetworkOf process: Int32) -> [HostSocket] {
        [("tcp", Policy.Port.Transport.tcp), ("tcp6", .tcp), ("udp", .udp), ("udp6", .udp)].flatMap { name, transport in
            lines("/proc/\(process)/net/\(name)").dropFirst().compactMap { HostSocket(line: $0, transport) }
        }
    }

    /// The numbers of a process's sockets; nil where they may not be asked.
    public func socketNumbers(of process: Int32) -> Set<UInt64>? {
        let folder = names("/proc/\(process)/fd")
        // Missing: the process has ended meanwhile.
        if folder.isUnreadable { return nil }
        let names = folder.value ?? []
        return Set(
            names.compactMap { name in
                guard let link = link("/proc/\(process)/fd/\(name)").value, link.hasPrefix("socket:[") else {
                    return nil
                }
                return UInt64(link.dropFirst(8).dropLast())
            })
    }
}

extension HostSocket {
    /// A line of /proc/net/tcp and its like: `sl local_address rem_address st … inode`, addresses and ports in
    /// hexadecimal, the addresses in words of the machine's byte order.
    init?(line: String, _ transport: Policy.Port.Transport) {
        let fields = line.split(separator: " ")
        guard fields.count > 9, let own = Self.end(fields[1]), let other = Self.end(fields[2]),
            let state = UInt8(fields[3], radix: 16), let inode = UInt64(fields[9])
        else { return nil }
        self.transport = transport
        (address, port) = own
        peer = other.1 == 0 ? nil : other
        self.inode = inode
        // tcp_states.h: ESTABLISHED is 1, LISTEN 10; UDP sockets are 1 when connected and 7 when not.
        switch (transport, state) {
        case (.tcp, 10), (.udp, 7): isListening = true
        case (_, 1): isListening = false
        default: return nil
        }
    }

    private static func end(_ field: Substring) -> (Policy.IPAddress, UInt16)? {
        let parts = field.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1], radix: 16), parts[0].count % 8 == 0 else { return nil }
        var bytes: [UInt8] = []
        var rest = parts[0]
        while !rest.isEmpty {
            // The word as a number of this machine: its bytes in memory are the address in network order.
            guard let word = UInt32(rest.prefix(8), radix: 16)?.bigEndian else { return nil }
            bytes += (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * UInt32($0))) }
            rest = rest.dropFirst(8)
        }
        // An IPv4 peer of an IPv6 socket: ::ffff:0:0/96.
        if bytes.count == 16, bytes.prefix(12).elementsEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]) {
            bytes.removeFirst(12)
        }
        return Policy.IPAddress(bytes: bytes).map { ($0, port) }
    }
}
