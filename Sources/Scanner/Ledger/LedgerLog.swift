internal import ContentHash
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// The ledger's file: frames that are only ever appended, each bound to everything before it by a SHA-256.
///
///     file    64 bytes: magic, version, byte order, 16 random bytes; SHA-256 of these
///     frame   type (4), length of the payload (4), first 8 bytes of SHA-256(chain, type, length),
///             payload, first 16 bytes of the new chain = SHA-256(chain, type, length, payload)
///
/// The first chain is the header's SHA-256. A byte that is not the one that was written, wherever it stands, is noticed,
/// and so is a frame that is missing, doubled, or comes from another file. The one thing that is no damage is an end in
/// the middle of a frame, or nothing but zeros behind a frame: so a write looks that a killed process or a power cut
/// has interrupted. What was written before it is intact, and the rest is cut off.
struct LedgerLog: ~Copyable {
    enum FrameType: UInt32 {
        case context = 1
        case fileSystem = 2
        case target = 3
        case records = 4
        case forgotten = 5
        case status = 6
        case settled = 7
    }

    /// The file is not what this program wrote.
    struct Damage: Error, CustomStringConvertible {
        let description: String
    }

    private let file: OwnedDescriptor
    private var chain: Digest
    /// Bytes of the file that are verified, or were written by this process.
    private(set) var length: UInt64

    static let headerLength = 64
    private static let frameHeaderLength = 16
    private static let trailerLength = 16
    /// No frame of ours is longer; what is, is damage.
    private static let longestPayload = 1 << 22

    // MARK: Making

    private init(file: consuming OwnedDescriptor, chain: Digest, length: UInt64) {
        self.file = file
        self.chain = chain
        self.length = length
    }

    /// Begins an empty file behind this descriptor.
    static func begin(_ file: consuming OwnedDescriptor) throws(Errno) -> LedgerLog {
        var header: [UInt8] = Array("NGLEDGER".utf8)
        header += little(UInt32(1)) + little(UInt32(0x0102_0304).bigEndian == 0x0102_0304 ? UInt32(2) : UInt32(1))
        var generator = SystemRandomNumberGenerator()
        header += (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let digest = Digest(of: header)
        let log = LedgerLog(file: file, chain: digest, length: UInt64(headerLength))
        try log.write(header + digest.bytes, at: 0)
        return log
    }

    /// Reads a file from its beginning and gives every frame to `take`, in order.
    ///
    /// - Throws: ``Damage``, or the kernel's answer where it cannot be read.
    static func read(
        _ file: consuming OwnedDescriptor, take: (FrameType, UnsafeRawBufferPointer) throws -> Void
    ) throws -> LedgerLog {
        let (chain, length) = try unsafe verify(file, take)
        return LedgerLog(file: file, chain: chain, length: length)
    }

    /// The chain behind the last whole frame, and where that ends.
    private static func verify(
        _ file: borrowing OwnedDescriptor, _ take: (FrameType, UnsafeRawBufferPointer) throws -> Void
    ) throws -> (chain: Digest, length: UInt64) {
        var reader = Reader(file: file.rawValue)
        let header = try reader.bytes(headerLength)
        guard header.count == headerLength else {
            throw Damage(description: "it ends within its first \(headerLength) bytes")
        }
        let digest = Digest(of: Array(header[..<32]))
        guard header[32...].elementsEqual(digest.bytes), header.starts(with: "NGLEDGER".utf8) else {
            throw Damage(description: "its beginning is not what was written")
        }
        guard header[8..<12].elementsEqual(little(UInt32(1))) else {
            throw Damage(description: "it is of another version of nodeguard")
        }
        var chain = digest
        var length = UInt64(headerLength)
        var hash = SHA256()
        while true {
            let start = try reader.bytes(frameHeaderLength)
            let damage = Damage(description: "what stands from byte \(length) on is not what was written")
            if start.count == frameHeaderLength, start.allSatisfy({ $0 == 0 }), try reader.hasOnlyZeros() { break }
            guard start.count == frameHeaderLength else { break }
            hash.add(chain.bytes)
            hash.add(Array(start[..<8]))
            guard start[8...].elementsEqual(hash.digest().bytes.prefix(8)) else { throw damage }
            let size = Int(UInt32(littleEndian: number(start[4..<8])))
            guard let type = FrameType(rawValue: UInt32(littleEndian: number(start[..<4]))), size <= longestPayload
            else { throw damage }
            let content = try reader.slice(size + trailerLength)
            guard content.count == size + trailerLength else { break }
            hash.add(chain.bytes)
            hash.add(Array(start[..<8]))
            unsafe content.withUnsafeBytes { unsafe hash.add(UnsafeRawBufferPointer(rebasing: $0[..<size])) }
            let next = hash.digest()
            guard content.suffix(trailerLength).elementsEqual(next.bytes.prefix(trailerLength)) else {
                // A power cut can leave the length of a write without all of its bytes.
                if content.reversed().prefix(trailerLength).allSatisfy({ $0 == 0 }), try reader.hasOnlyZeros() {
                    break
                }
                throw damage
            }
            try unsafe content.withUnsafeBytes { try unsafe take(type, UnsafeRawBufferPointer(rebasing: $0[..<size])) }
            chain = next
            length += UInt64(frameHeaderLength + size + trailerLength)
        }
        return (chain, length)
    }

    // MARK: Writing

    /// Appends one frame; a part of a frame that could not be written is cut off again.
    mutating func append(_ type: FrameType, _ payload: [UInt8]) throws(Errno) {
        var frame = little(type.rawValue) + little(UInt32(payload.count))
        var hash = SHA256()
        hash.add(chain.bytes)
        hash.add(frame)
        let check = hash.digest()
        hash.add(chain.bytes)
        hash.add(frame)
        hash.add(payload)
        let next = hash.digest()
        frame += check.bytes.prefix(8)
        frame += payload
        frame += next.bytes.prefix(Self.trailerLength)
        do throws(Errno) {
            try write(frame, at: length)
        } catch {
            cutTail()
            throw error
        }
        chain = next
        length += UInt64(frame.count)
    }

    /// Cuts off what stands behind the last whole frame.
    func cutTail() { ftruncate(file.rawValue, off_t(length)) }

    /// Makes what was written outlast a power cut.
    func synchronise() throws(Errno) {
        guard fdatasync(file.rawValue) == 0 else { throw .current }
    }

    /// Makes the file empty, which needs no room: nothing in it is ever believed again.
    func discard() { ftruncate(file.rawValue, 0) }

    private func write(_ bytes: [UInt8], at offset: UInt64) throws(Errno) {
        var done = 0
        while done < bytes.count {
            let written = unsafe bytes.withUnsafeBytes {
                unsafe pwrite(file.rawValue, $0.baseAddress! + done, $0.count - done, off_t(offset) + off_t(done))
            }
            if written < 0 && Errno.current == .interrupted { continue }
            guard written > 0 else { throw written == 0 ? .noSpace : .current }
            done += written
        }
    }
}

/// Reads a file in order, through a buffer.
private struct Reader {
    let file: Int32
    private var buffer = [UInt8](repeating: 0, count: 256 << 10)
    /// Where what was read and not given out yet is in the buffer.
    private var left = 0..<0
    private var offset: off_t = 0

    init(file: Int32) { self.file = file }

    /// The next `count` bytes, or fewer where the file ends before.
    mutating func bytes(_ count: Int) throws(Errno) -> ArraySlice<UInt8> { Array(try slice(count))[...] }

    /// The same without a copy, as a part of the buffer.
    mutating func slice(_ count: Int) throws(Errno) -> ArraySlice<UInt8> {
        if left.count < count { try fill(count) }
        let end = min(left.lowerBound + count, left.upperBound)
        defer { left = end..<left.upperBound }
        return buffer[left.lowerBound..<end]
    }

    /// Whether nothing but zeros is left.
    mutating func hasOnlyZeros() throws(Errno) -> Bool {
        while true {
            let next = try slice(65536)
            if next.isEmpty { return true }
            guard next.allSatisfy({ $0 == 0 }) else { return false }
        }
    }

    /// Reads as much as there is room for, and at least `count` bytes where the file has them.
    private mutating func fill(_ count: Int) throws(Errno) {
        let (kept, start) = (left.count, left.lowerBound)
        unsafe buffer.withUnsafeMutableBytes { unsafe _ = memmove($0.baseAddress!, $0.baseAddress! + start, kept) }
        if buffer.count < count { buffer += [UInt8](repeating: 0, count: count - buffer.count) }
        var filled = kept
        while filled < buffer.count {
            let read = unsafe buffer.withUnsafeMutableBytes {
                unsafe pread(file, $0.baseAddress! + filled, $0.count - filled, offset)
            }
            if read < 0 && Errno.current == .interrupted { continue }
            guard read >= 0 else { throw .current }
            if read == 0 { break }
            filled += read
            offset += off_t(read)
        }
        left = 0..<filled
    }
}

/// A number's bytes, the lowest first.
func little(_ number: some FixedWidthInteger) -> [UInt8] {
    unsafe withUnsafeBytes(of: number.littleEndian) { unsafe Array($0) }
}

private func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var number: UInt32 = 0
    for (index, byte) in bytes.enumerated() { number |= UInt32(byte) << (8 * UInt32(index)) }
    return number.littleEndian
}
