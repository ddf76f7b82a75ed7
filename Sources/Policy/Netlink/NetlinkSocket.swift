import CNetlink
import Glibc
import LinuxSystem
import SystemPackage

/// Why the kernel could not be asked, or gave no answer to rely on.
enum NetlinkError: Error, Equatable, CustomStringConvertible {
    /// A system call on the socket failed.
    case system(SystemCallError)
    /// The kernel refused the request.
    case refused(Errno, request: String)
    /// There was no whole answer before the deadline.
    case timeout(request: String)
    /// The answer does not follow the protocol.
    case malformed(request: String)
    /// The tables changed under every attempt to read them.
    case unsteady(request: String)

    var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .refused(let errno, let request): "the kernel refused to \(request): \(errno)"
        case .timeout(let request): "the kernel did not answer in time when asked to \(request)"
        case .malformed(let request): "the kernel's answer could not be understood when asked to \(request)"
        case .unsteady(let request): "the kernel's tables kept changing when asked to \(request)"
        }
    }
}

/// A socket to one of the kernel's netlink families, for one request at a time. Not to be shared by threads.
final class NetlinkSocket {
    /// The families of <linux/netlink.h> that nodeguard speaks.
    enum Family: Int32 {
        case route = 0
        case selinux = 7
        case netfilter = 12
        case generic = 16
    }

    private let socket: OwnedDescriptor
    /// The socket's own address.
    let port: UInt32
    private var sequence: UInt32 = 0
    private var buffer = [UInt8](repeating: 0, count: 1 << 17)
    /// Overwrites what must not be kept of the first bytes of the buffer, before anything else sees them.
    private let redact: ((inout [UInt8], Int) -> Void)?

    init(_ family: Family, redact: ((inout [UInt8], Int) -> Void)? = nil) throws(NetlinkError) {
        let descriptor = Glibc.socket(
            AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue),
            family.rawValue)
        guard descriptor >= 0 else {
            throw .system(SystemCallError("socket", "open a netlink socket", errno: Errno(rawValue: errno)))
        }
        socket = OwnedDescriptor(owning: FileDescriptor(rawValue: descriptor))
        self.redact = redact
        guard nodeguard_netlink_bind(descriptor) == 0 else {
            throw .system(SystemCallError("bind", "bind a netlink socket", errno: Errno(rawValue: errno)))
        }
        port = nodeguard_netlink_port(descriptor)
        // NETLINK_CAP_ACK: errors come without a copy of the request.
        setOption(10, 1)
        // NETLINK_GET_STRICT_CHK: a request that this kernel does not understand whole is refused, not half answered.
        if family == .route { setOption(12, 1) }
    }

    /// The descriptor, to be polled.
    var descriptor: Int32 { socket.rawValue }

    private func setOption(_ option: Int32, _ value: Int32) {
        var value = value
        // SOL_NETLINK. A kernel without the option works as before it: nothing depends on success.
        _ = unsafe setsockopt(socket.rawValue, 270, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Joins a multicast group by number. What comes is read with ``receive(deadline:request:)``.
    func join(group: Int32) throws(NetlinkError) {
        var group = group
        // NETLINK_ADD_MEMBERSHIP
        guard
            unsafe setsockopt(socket.rawValue, 270, 1, &group, socklen_t(MemoryLayout<Int32>.size)) == 0
        else {
            throw .system(
                SystemCallError("setsockopt", "listen to netlink group \(group)", errno: Errno(rawValue: errno)))
        }
    }

    /// Sends one request and gives back the messages of its answer, without those that only end it.
    ///
    /// A dump that the kernel marks as interrupted is asked for again.
    func request(
        type: UInt16, flags: UInt16 = 0, payload: [UInt8], to intent: String, deadline: ContinuousClock.Instant
    ) throws(NetlinkError) -> [NetlinkMessage] {
        for _ in 0..<8 {
            guard ContinuousClock.now < deadline else { throw .timeout(request: intent) }
            sequence &+= 1
            let message = NetlinkMessage(
                type: type, flags: flags | NetlinkMessage.Flag.request, sequence: sequence, payload: payload)
            try send(message.bytes)
            if let answer = try collect(
                isDump: flags & NetlinkMessage.Flag.dump == NetlinkMessage.Flag.dump,
                isAcknowledged: flags & NetlinkMessage.Flag.acknowledge != 0, intent: intent, deadline: deadline)
            {
                return answer
            }
        }
        throw .unsteady(request: intent)
    }

    /// Sends bytes as one datagram, to the kernel unless a test says otherwise.
    func send(_ bytes: [UInt8], to port: UInt32 = 0) throws(NetlinkError) {
        let sent = unsafe bytes.withUnsafeBytes {
            unsafe nodeguard_netlink_send(socket.rawValue, $0.baseAddress, $0.count, port)
        }
        guard sent == bytes.count else {
            throw .system(SystemCallError("send", "send a netlink request", errno: Errno(rawValue: errno)))
        }
    }

    /// The answer to the request with the current sequence number; nil where it must be asked for again.
    private func collect(
        isDump: Bool, isAcknowledged: Bool, intent: String, deadline: ContinuousClock.Instant
    ) throws(NetlinkError) -> [NetlinkMessage]? {
        var answer: [NetlinkMessage] = []
        var interrupted = false
        while true {
            for message in try receive(deadline: deadline, request: intent) where message.sequence == sequence {
                if message.flags & NetlinkMessage.Flag.dumpInterrupted != 0 { interrupted = true }
                switch message.type {
                case NetlinkMessage.Control.noop: continue
                case NetlinkMessage.Control.error, NetlinkMessage.Control.done:
                    guard let number = message.errorNumber else { throw .malformed(request: intent) }
                    if number != 0 { throw .refused(Errno(rawValue: number), request: intent) }
                    return interrupted ? nil : answer
                default:
                    answer.append(message)
                    if !isDump && !isAcknowledged && message.flags & NetlinkMessage.Flag.multi == 0 { return answer }
                }
            }
        }
    }

    /// The messages of the next datagram that the kernel itself sent.
    func receive(deadline: ContinuousClock.Instant, request intent: String) throws(NetlinkError) -> [NetlinkMessage] {
        while true {
            var sender: UInt32 = 0
            var flags: Int32 = 0
            let length = unsafe buffer.withUnsafeMutableBytes {
                unsafe nodeguard_netlink_receive(socket.rawValue, $0.baseAddress, $0.count, &sender, &flags)
            }
            if length < 0 {
                switch errno {
                case EINTR: continue
                case EAGAIN: try wait(until: deadline, intent: intent)
                default:
                    throw .system(SystemCallError("recvmsg", intent, errno: Errno(rawValue: errno)))
                }
                continue
            }
            redact?(&buffer, min(length, buffer.count))
            // Any process may send to a netlink socket; only the kernel has port 0.
            guard sender == 0 else { continue }
            guard flags & Int32(MSG_TRUNC) == 0, length <= buffer.count,
                let messages = NetlinkMessage.all(in: buffer[..<length])
            else { throw .malformed(request: intent) }
            return messages
        }
    }

    private func wait(until deadline: ContinuousClock.Instant, intent: String) throws(NetlinkError) {
        let left = ContinuousClock.now.duration(to: deadline)
        guard left > .zero else { throw .timeout(request: intent) }
        let (seconds, attoseconds) = left.components
        // Rounded up, so that the last wait does not end just before the deadline again and again.
        let milliseconds = min(seconds, 3600) * 1000 + attoseconds / 1_000_000_000_000_000 + 1
        var watched = pollfd(fd: socket.rawValue, events: Int16(POLLIN), revents: 0)
        let ready = unsafe poll(&watched, 1, Int32(milliseconds))
        if ready < 0 && errno != EINTR {
            throw .system(SystemCallError("poll", intent, errno: Errno(rawValue: errno)))
        }
        if ready == 0 { throw .timeout(request: intent) }
    }
}
