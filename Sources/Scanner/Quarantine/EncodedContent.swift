internal import LinuxSystem
internal import SystemPackage

/// The content of a file in the quarantine: each byte of it and a byte of a random key, in exclusive or.
///
/// That is no secret (the key is in the manifest beside it): other scanners do not find it there again, and nobody runs
/// it by mistake. The sum over the plain bytes tells whether the disk gave back what it was given.
struct EncodedContent {
    /// 32 random bytes; byte `n` of the file goes with byte `n % 32`.
    let key: [UInt8]
    /// Bytes so far.
    private(set) var size: UInt64 = 0
    /// FNV-1a, 64 bits, over the plain bytes. Against bad disks, not against somebody who is root.
    private(set) var checksum: UInt64 = 0xcbf2_9ce4_8422_2325

    static let keyLength = 32
    /// How much is read at once.
    static let pieceLength = 256 << 10

    init(key: [UInt8] = (0..<keyLength).map { _ in UInt8.random(in: .min ... .max) }) {
        self.key = key
    }

    /// Encodes the next bytes in place.
    mutating func encode(_ bytes: inout [UInt8]) {
        for index in bytes.indices {
            checksum = (checksum ^ UInt64(bytes[index])) &* 0x100_0000_01b3
            bytes[index] ^= key[Int((size &+ UInt64(index)) % UInt64(key.count))]
        }
        size += UInt64(bytes.count)
    }

    /// Decodes the next bytes in place.
    mutating func decode(_ bytes: inout [UInt8]) {
        for index in bytes.indices {
            bytes[index] ^= key[Int((size &+ UInt64(index)) % UInt64(key.count))]
            checksum = (checksum ^ UInt64(bytes[index])) &* 0x100_0000_01b3
        }
        size += UInt64(bytes.count)
    }
}

/// Calls `body` with the whole content of a file, piece by piece, whatever position its descriptor is at.
func forEachPiece(of file: borrowing OwnedDescriptor, _ body: (inout [UInt8]) throws -> Void) throws {
    var offset: Int64 = 0
    var buffer = [UInt8](repeating: 0, count: EncodedContent.pieceLength)
    while true {
        let count = try unsafe buffer.withUnsafeMutableBytes {
            try unsafe file.descriptor.read(fromAbsoluteOffset: offset, into: $0)
        }
        guard count > 0 else { return }
        var piece = Array(buffer[..<count])
        try body(&piece)
        offset += Int64(count)
    }
}
