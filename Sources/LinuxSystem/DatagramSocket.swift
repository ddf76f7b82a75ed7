internal import Glibc
public import SystemPackage

/// A Unix datagram socket connected to a name in the file system, unix(7): connecting asks whether anybody listens.
public struct DatagramSocket: ~Copyable {
    private let descriptor: OwnedDescriptor

    /// Connects; never blocks.
    ///
    /// - Throws: ``SystemCallError``: `ENOENT` where there is no such socket, `ECONNREFUSED` where nobody listens to it.
    public init(connectedTo path: FilePath) throws(SystemCallError) {
        descriptor = try connectedSocket(path, Int32(SOCK_DGRAM.rawValue))
    }

    /// Waits until the listener's queue has room, so that the next datagram would not block; false where it has none when
    /// the time is over.
    public func waitForRoom(_ time: Duration) -> Bool {
        let end = ContinuousClock.now.advanced(by: time)
        while true {
            let left = max(ContinuousClock.now.duration(to: end), .zero) / .milliseconds(1)
            var watched = pollfd(fd: descriptor.rawValue, events: Int16(POLLOUT), revents: 0)
            // Rounded up: a rest of less than a millisecond is waited for, not polled for. At most a day.
            let ready = unsafe poll(&watched, 1, Int32(min(left.rounded(.up), 86_400_000)))
            if ready < 0 && errno == EINTR { continue }
            return ready == 1 && watched.revents & Int16(POLLOUT) != 0
        }
    }
}

/// A Unix socket of a type, such as `SOCK_DGRAM`, connected to a name in the file system.
func connectedSocket(_ path: FilePath, _ type: Int32) throws(SystemCallError) -> OwnedDescriptor {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = path.bytes
    let fits = unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
        guard bytes.count < room.count else { return false }
        unsafe room.copyBytes(from: bytes)
        return true
    }
    guard fits else {
        throw SystemCallError("connect", "connect to", printable(path), errno: .fileNameTooLong)
    }
    let number = socket(AF_UNIX, type | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else {
        let errno = Errno(rawValue: errno)
        throw SystemCallError("socket", "make a socket for", printable(path), errno: errno)
    }
    let descriptor = OwnedDescriptor(owning: FileDescriptor(rawValue: number))
    let connected = unsafe withUnsafePointer(to: &address) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    guard connected == 0 else {
        let errno = Errno(rawValue: errno)
        throw SystemCallError("connect", "connect to", printable(path), errno: errno)
    }
    return descriptor
}
