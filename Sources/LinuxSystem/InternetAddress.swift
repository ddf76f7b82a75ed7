internal import CLinux
internal import Glibc
internal import SystemPackage

/// Calls `body` with the address of a TCP socket: 4 bytes for IPv4, 16 for IPv6, and a port (ip(7), ipv6(7)).
///
/// - Throws: what `body` leaves in errno where it gives back less than 0.
func withInternetAddress(
    _ address: [UInt8], _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) throws(Errno) {
    var result: Int32 = -1
    if address.count == 16 {
        var name = sockaddr_in6()
        name.sin6_family = sa_family_t(AF_INET6)
        name.sin6_port = port.bigEndian
        unsafe withUnsafeMutableBytes(of: &name.sin6_addr) { unsafe $0.copyBytes(from: address) }
        unsafe withUnsafePointer(to: &name) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                result = unsafe body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
    } else {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        unsafe withUnsafeMutableBytes(of: &name.sin_addr) { unsafe $0.copyBytes(from: address) }
        unsafe withUnsafePointer(to: &name) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                result = unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
    guard result >= 0 else { throw .current }
}
