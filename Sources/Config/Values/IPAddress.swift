import Glibc

/// An address of IPv4 or IPv6.
public struct IPAddress: Hashable, Sendable {
    /// The bytes in network order: 4 for IPv4, 16 for IPv6.
    public let bytes: [UInt8]

    /// Whether it is one of IPv6.
    public var isIPv6: Bool { bytes.count == 16 }

    /// Reads an address by inet_pton(3): no host names, no shortened IPv4, no zone.
    public init?(_ text: String) {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if unsafe inet_pton(family, text, &bytes) == 1 {
                self.bytes = bytes
                return
            }
        }
        return nil
    }

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The address as inet_ntop(3) writes it.
    public var text: String {
        var buffer = [UInt8](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        unsafe buffer.withUnsafeMutableBytes { room in
            let start = unsafe room.baseAddress?.assumingMemoryBound(to: CChar.self)
            _ = unsafe inet_ntop(isIPv6 ? AF_INET6 : AF_INET, bytes, start, socklen_t(room.count))
        }
        return String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// The address with every bit after the first `length` set to 0.
    func masked(to length: Int) -> IPAddress {
        IPAddress(
            bytes.enumerated().map { index, byte in
                let kept = min(8, max(0, length - index * 8))
                return kept == 0 ? 0 : byte & (0xff << (8 - kept))
            })
    }
}
