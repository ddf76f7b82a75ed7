internal import CLinux
internal import Glibc
public import SystemPackage

/// One end of a pair of sockets that keep messages whole (`SOCK_SEQPACKET`, unix(7)) and can carry a descriptor
/// with each.
public struct MessageSocket: ~Copyable, Sendable {
    /// The longest message that is sent or taken, in bytes; a longer one from the peer is an error.
    public static let maximumSize = 65536

    /// A message and the descriptor that came with it.
    public struct Message: ~Copyable {
        /// What was sent.
        public let bytes: [UInt8]
        /// The descriptor that came along, if one did; closed with the message unless it is taken out.
        public var descriptor: OwnedDescriptor?
    }

    /// What a look at the socket found.
    public enum Received: ~Copyable {
        /// A whole message.
        case message(Message)
        /// Nothing there yet, on a socket that does not wait.
        case nothingYet
        /// The peer is gone and everything that it sent was read.
        case closed
    }

    private let socket: OwnedDescriptor
    /// Where messages arrive: only as much of it takes memory as the longest one had.
    private let buffer = Buffer()

    /// Takes over a descriptor that is such a socket.
    public init(owning socket: FileDescriptor) {
        self.socket = OwnedDescriptor(owning: socket)
    }

    /// Connects to who listens there.
    ///
    /// - Throws: `ENOENT` where there is no such socket, `ECONNREFUSED` where nobody listens to it.
    public init(connectedTo path: FilePath) throws(SystemCallError) {
        socket = try connectedUnixSocket(SOCK_SEQPACKET, path)
    }

    /// Two connected ends, both the caller's to own, closed in children unless handed to them.
    public static func pair() throws(SystemCallError) -> (FileDescriptor, FileDescriptor) {
        var ends: (Int32, Int32) = (-1, -1)
        let type = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let result = unsafe withUnsafeMutableBytes(of: &ends) {
            unsafe socketpair(AF_UNIX, type, 0, $0.assumingMemoryBound(to: Int32.self).baseAddress!)
        }
        guard result == 0 else {
            throw SystemCallError("socketpair", "make a pair of sockets", errno: .current)
        }
        return (FileDescriptor(rawValue: ends.0), FileDescriptor(rawValue: ends.1))
    }

    /// The descriptor's number, for poll(2) and for handing the end to a child.
    public var rawValue: Int32 { socket.rawValue }

    /// Gives the descriptor away without closing it.
    public consuming func release() -> FileDescriptor { socket.release() }

    /// Sends one message, with a descriptor if `descriptor` is not nil (the peer gets a duplicate).
    ///
    /// - Throws: `resourceTemporarilyUnavailable` where the peer's queue is full and `waiting` is false;
    ///   `brokenPipe` or `connectionReset` where the peer is gone.
    public func send(_ bytes: [UInt8], descriptor: Int32? = nil, waiting: Bool = true) throws(Errno) {
        let flags = waiting ? 0 : Int32(MSG_DONTWAIT)
        while true {
            let sent = unsafe bytes.withUnsafeBytes {
                unsafe nodeguard_send(socket.rawValue, $0.baseAddress, $0.count, descriptor ?? -1, flags)
            }
            if sent == bytes.count { return }
            let errno = sent < 0 ? Errno.current : .messageTooLong
            if errno != .interrupted { throw errno }
        }
    }

    /// Takes one message.
    ///
    /// - Throws: the kernel's answer, or `messageTooLong` where the peer's message did not fit.
    public func receive(waiting: Bool = true) throws(Errno) -> Received {
        let flags = waiting ? 0 : Int32(MSG_DONTWAIT)
        var descriptor: Int32 = -1
        var messageFlags: Int32 = 0
        var count = 0
        var errno: Errno?
        repeat {
            count = unsafe nodeguard_receive(
                socket.rawValue, buffer.bytes.baseAddress, buffer.bytes.count, &descriptor, &messageFlags, flags)
            errno = count < 0 ? .current : nil
        } while errno == .interrupted
        let attached = descriptor >= 0 ? OwnedDescriptor(owning: FileDescriptor(rawValue: descriptor)) : nil
        switch errno {
        case .resourceTemporarilyUnavailable: return .nothingYet
        case .connectionReset: return .closed
        case .some(let errno): throw errno
        case nil: break
        }
        // An orderly end reads as an empty message; ours are never empty.
        if count == 0 { return .closed }
        if messageFlags & Int32(MSG_TRUNC) != 0 { throw .messageTooLong }
        return .message(Message(bytes: buffer.copy(count), descriptor: attached))
    }

    /// Room for one message. Safe: it never leaves the socket, which one thread reads at a time.
    @safe private final class Buffer: @unchecked Sendable {
        let bytes: UnsafeMutableRawBufferPointer

        init() { unsafe bytes = .allocate(byteCount: MessageSocket.maximumSize, alignment: 16) }

        deinit { unsafe bytes.deallocate() }

        func copy(_ count: Int) -> [UInt8] { unsafe Array(UnsafeRawBufferPointer(rebasing: bytes[..<count])) }
    }
}
