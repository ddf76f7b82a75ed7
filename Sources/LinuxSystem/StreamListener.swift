internal import CLinux
internal import Glibc
public import SystemPackage

/// A stream socket, of Unix or TCP, that takes connections and never blocks (unix(7), tcp(7)).
///
/// One that was made at a path is removed from there at the end, unless somebody else's has taken its place.
public struct StreamListener: ~Copyable, Sendable {
    /// How many connections wait to be taken, before others wait in connect(2); Linux's own limit for it by default.
    private static let backlog: Int32 = 128

    private let socket: OwnedDescriptor
    private let path: FilePath?
    private let identity: FileIdentity?

    /// Takes over a descriptor that listens already, as a service manager hands one over.
    public init(owning listening: FileDescriptor) throws(SystemCallError) {
        socket = OwnedDescriptor(owning: listening)
        path = nil
        identity = nil
        guard fcntl(listening.rawValue, F_SETFL, O_NONBLOCK) == 0, fcntl(listening.rawValue, F_SETFD, FD_CLOEXEC) == 0
        else { throw SystemCallError("fcntl", "prepare the socket that was handed over", errno: .current) }
    }

    /// Makes a socket that only this process's user, and root, can connect to.
    ///
    /// A socket that nobody listens to any more is replaced. Two programs that do this at the same moment must be kept
    /// apart by a lock: the later one would take the place of the earlier.
    ///
    /// - Throws: ``SystemCallError``: `EADDRINUSE` where somebody listens there, or where what is there is no socket.
    public init(at path: FilePath) throws(SystemCallError) {
        if exists(path) { try removeStaleSocket(path) }
        let socket = try unixSocket(SOCK_STREAM, nonBlocking: true)
        let number = socket.rawValue
        // The name gets the mode that the socket has when it is bound: there is no moment at which others could connect.
        guard fchmod(number, 0o600) == 0 else {
            throw SystemCallError("fchmod", "make the socket", printable(path), errno: .current)
        }
        do throws(Errno) {
            try unsafe withUnixAddress(path) { unsafe bind(number, $0, $1) }
        } catch {
            throw SystemCallError("bind", "make the socket", printable(path), errno: error)
        }
        guard listen(number, Self.backlog) == 0 else {
            throw SystemCallError("listen", "listen at", printable(path), errno: .current)
        }
        self.socket = socket
        self.path = path
        identity = FileIdentity(path)
    }

    /// Listens at an address of IPv4 (4 bytes) or IPv6 (16) and a TCP port (ip(7), ipv6(7)). `[::]` takes IPv4 as well where
    /// the system has it so.
    ///
    /// - Throws: ``SystemCallError``: `EADDRINUSE` where somebody listens there, `EADDRNOTAVAIL` where this machine does not
    ///   have the address, at least not yet.
    public init(address: [UInt8], port: UInt16, named name: String) throws(SystemCallError) {
        let family = address.count == 16 ? AF_INET6 : AF_INET
        let number = Glibc.socket(family, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC | O_NONBLOCK, 0)
        guard number >= 0 else { throw SystemCallError("socket", "make a socket for", name, errno: .current) }
        let socket = OwnedDescriptor(owning: FileDescriptor(rawValue: number))
        // Connections of an earlier life that are still closing do not keep the port.
        var on: Int32 = 1
        unsafe setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        do throws(Errno) {
            try unsafe withInternetAddress(address, port) { unsafe bind(number, $0, $1) }
        } catch {
            throw SystemCallError("bind", "listen at", name, errno: error)
        }
        // As long as the kernel permits (net.core.somaxconn): who floods it fills the queue first.
        guard listen(number, Int32.max) == 0 else {
            throw SystemCallError("listen", "listen at", name, errno: .current)
        }
        self.socket = socket
        path = nil
        identity = nil
    }

    deinit {
        if let path, let identity, FileIdentity(path) == identity {
            _ = unsafe path.withPlatformString { unsafe unlink($0) }
        }
    }

    /// Whether who connects to its path still comes here.
    public var isAtItsPath: Bool { path.map { FileIdentity($0) == identity } ?? true }

    /// The descriptor's number, for poll(2).
    public var rawValue: Int32 { socket.rawValue }

    /// The next connection; nil where none waits.
    ///
    /// - Throws: `tooManyOpenFiles` and the like, where the connection still waits: asked again at once, the answer will be
    ///   the same.
    public func accept() throws(Errno) -> StreamSocket? {
        while true {
            let number = nodeguard_accept(socket.rawValue)
            if number >= 0 { return StreamSocket(OwnedDescriptor(owning: FileDescriptor(rawValue: number))) }
            switch Errno.current {
            case .interrupted, .connectionAbort: continue
            case .resourceTemporarilyUnavailable: return nil
            case let errno: throw errno
            }
        }
    }
}

/// Which file a name stands for.
private struct FileIdentity: Equatable {
    let device: UInt64
    let inode: UInt64
    let isSocket: Bool

    init?(_ path: FilePath) {
        var status = stat()
        guard unsafe path.withPlatformString({ unsafe lstat($0, &status) }) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        isSocket = status.st_mode & S_IFMT == S_IFSOCK
    }
}

private func removeStaleSocket(_ path: FilePath) throws(SystemCallError) {
    guard FileIdentity(path)?.isSocket == true else {
        throw SystemCallError("bind", "make the socket", printable(path), errno: .addressInUse)
    }
    let probe = try unixSocket(SOCK_STREAM, nonBlocking: true)
    let number = probe.rawValue
    do throws(Errno) {
        try unsafe withUnixAddress(path) { unsafe connect(number, $0, $1) }
    } catch .connectionRefused {
        guard unsafe path.withPlatformString({ unsafe unlink($0) }) == 0 || Errno.current == .noSuchFileOrDirectory
        else { throw SystemCallError("unlink", "replace the socket", printable(path), errno: .current) }
        return
    } catch .noSuchFileOrDirectory {
        return
    } catch {
        // A full queue (EAGAIN) is somebody's; whatever else it is, nobody said that the socket is free.
    }
    throw SystemCallError("bind", "make the socket", printable(path), errno: .addressInUse)
}
