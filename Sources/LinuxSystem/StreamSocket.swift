internal import CLinux
internal import Glibc
public import SystemPackage

/// Who is at the other end of a Unix socket, as it was when they connected (`SO_PEERCRED`, unix(7)).
public struct PeerCredentials: Equatable, Sendable {
    /// The process; it may have ended since.
    public let pid: Int32
    /// Its effective user.
    public let uid: UInt32
    /// Its effective group.
    public let gid: UInt32

    /// Of these three.
    public init(pid: Int32, uid: UInt32, gid: UInt32) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
    }
}

/// One end of a connected stream socket, of Unix or TCP, that never blocks (unix(7), tcp(7)). Descriptors that a peer sends along are closed
/// by the kernel.
public struct StreamSocket: ~Copyable, Sendable {
    /// What a look at the socket found.
    public enum Received: Equatable, Sendable {
        /// Some bytes.
        case bytes([UInt8])
        /// None yet.
        case nothingYet
        /// The peer has closed its end, and all that it sent was read.
        case closed
    }

    private let socket: OwnedDescriptor

    init(_ socket: consuming OwnedDescriptor) {
        self.socket = socket
    }

    /// Connects, and waits for as long as `time` while the listener's queue is full.
    ///
    /// - Throws: ``SystemCallError``: `ENOENT` where there is no such socket, `ECONNREFUSED` where nobody listens to it,
    ///   `EACCES` where this process may not, `EAGAIN` after the time.
    public init(connectedTo path: FilePath, within time: Duration) throws(SystemCallError) {
        // connect(2) of such a socket waits for as long as the socket may wait to send: there is nothing to poll for.
        let socket = try unixSocket(SOCK_STREAM)
        let number = socket.rawValue
        let end = ContinuousClock.now.advanced(by: time)
        while true {
            setWait(number, ContinuousClock.now.duration(to: end))
            do throws(Errno) {
                try unsafe withUnixAddress(path) { unsafe connect(number, $0, $1) }
                break
            } catch {
                if error == .interrupted { continue }
                throw SystemCallError("connect", "connect to", printable(path), errno: error)
            }
        }
        guard fcntl(number, F_SETFL, O_NONBLOCK) == 0 else {
            throw SystemCallError("fcntl", "prepare the socket of", printable(path), errno: .current)
        }
        self.socket = socket
    }

    /// The descriptor's number, for poll(2).
    public var rawValue: Int32 { socket.rawValue }

    /// Who is at the other end.
    public func peer() throws(SystemCallError) -> PeerCredentials {
        var pid: Int32 = 0
        var uid: UInt32 = 0
        var gid: UInt32 = 0
        guard unsafe nodeguard_peer(socket.rawValue, &pid, &uid, &gid) == 0 else {
            throw SystemCallError("getsockopt", "see who connected", errno: .current)
        }
        return PeerCredentials(pid: pid, uid: uid, gid: gid)
    }

    /// Sends as many of the bytes as there is room for now, and gives back how many.
    ///
    /// - Throws: `brokenPipe` or `connectionReset` where the peer is gone.
    public func send(_ bytes: ArraySlice<UInt8>) throws(Errno) -> Int {
        while true {
            let sent = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(socket.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if sent >= 0 { return sent }
            switch Errno.current {
            case .interrupted: continue
            case .resourceTemporarilyUnavailable: return 0
            case let errno: throw errno
            }
        }
    }

    /// Tells the peer that nothing more comes (shutdown(2)); what it sends can still be read.
    public func finishSending() {
        // A peer that is gone needs no telling.
        _ = shutdown(socket.rawValue, Int32(SHUT_WR))
    }

    /// Takes what is there, `count` bytes at most.
    public func receive(upTo count: Int) throws(Errno) -> Received {
        var errno: Errno?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { (buffer, initialized) in
            repeat {
                let received = unsafe recv(socket.rawValue, buffer.baseAddress, buffer.count, 0)
                errno = received < 0 ? .current : nil
                initialized = max(received, 0)
            } while errno == .interrupted
        }
        switch errno {
        case .resourceTemporarilyUnavailable: return .nothingYet
        case .connectionReset: return .closed
        case .some(let errno): throw errno
        case nil: return bytes.isEmpty ? .closed : .bytes(bytes)
        }
    }
}

/// How long a call on the socket may wait; no time at all is a microsecond, because 0 means for ever.
private func setWait(_ socket: Int32, _ time: Duration) {
    let (seconds, attoseconds) = max(time, .microseconds(1)).components
    var wait = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
    unsafe setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
}
