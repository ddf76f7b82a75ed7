internal import ContentHash
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// Reads a file from its first byte to its last for its SHA-256. Nothing in it is interpreted.
struct ContentReading: ~Copyable {
    /// Read at once, in bytes: between two of them the caller may do something else.
    static let pieceLength = 256 << 10

    private var hash = SHA256()
    /// Made for the first file: where nothing is due, nothing is read.
    private var buffer: [UInt8] = []

    /// The digest of the file; nil where it could not be read to the end, or had another size at the end than `size`.
    ///
    /// It reads by position, and leaves the descriptor's own where it is.
    ///
    /// - Parameter pause: called after each piece, with its bytes.
    mutating func digest(of file: Int32, size: UInt64, pause: (Int) throws -> Void) rethrows -> Digest? {
        if buffer.isEmpty { buffer = [UInt8](repeating: 0, count: Self.pieceLength) }
        var offset: UInt64 = 0
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe pread(file, $0.baseAddress, $0.count, off_t(offset))
            }
            if count < 0 && Errno.current == .interrupted { continue }
            guard count > 0 else {
                let digest = hash.digest()
                return count == 0 && offset == size ? digest : nil
            }
            unsafe buffer.withUnsafeBytes { unsafe hash.add(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            offset += UInt64(count)
            // More than it had when it was opened: it grows, and whoever writes may be faster.
            guard offset <= size else {
                _ = hash.digest()
                return nil
            }
            if offset < size { try pause(count) }
        }
    }
}
