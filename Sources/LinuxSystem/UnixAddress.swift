internal import CLinux
internal import Glibc
internal import SystemPackage

/// Calls `body` with the address of a socket at this path (unix(7)).
///
/// - Throws: `fileNameTooLong` where the path has more than the 107 bytes that an address has room for; what `body`
///   leaves in errno where it gives back less than 0.
func withUnixAddress(
    _ path: FilePath, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) throws(Errno) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = path.bytes
    let fits = unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
        guard bytes.count < room.count else { return false }
        unsafe room.copyBytes(from: bytes)
        return true
    }
    guard fits else { throw .fileNameTooLong }
    let result = unsafe withUnsafePointer(to: &address) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    guard result >= 0 else { throw .current }
}

/// A new Unix socket, closed in children.
func unixSocket(_ type: __socket_type, nonBlocking: Bool = false) throws(SystemCallError) -> OwnedDescriptor {
    let flags = SOCK_CLOEXEC.rawValue | (nonBlocking ? SOCK_NONBLOCK.rawValue : 0)
    let number = socket(AF_UNIX, Int32(type.rawValue | flags), 0)
    guard number >= 0 else { throw SystemCallError("socket", "make a socket", errno: .current) }
    return OwnedDescriptor(owning: FileDescriptor(rawValue: number))
}

/// A Unix socket that is connected to who listens at a path.
func connectedUnixSocket(_ type: __socket_type, _ path: FilePath) throws(SystemCallError) -> OwnedDescriptor {
    let socket = try unixSocket(type)
    let number = socket.rawValue
    do throws(Errno) {
        try unsafe withUnixAddress(path) { unsafe connect(number, $0, $1) }
    } catch {
        throw SystemCallError("connect", "connect to", printable(path), errno: error)
    }
    return socket
}
