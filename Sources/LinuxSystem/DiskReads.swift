internal import Glibc

/// What this process has had the disks read, in bytes, since it began: file content and the file systems' own blocks
/// (`ru_inblock` of getrusage(2), in units of 512 bytes). What came from the page cache is not in it, and on file
/// systems without a block device below them nothing is.
public func bytesReadFromDisks() -> UInt64 {
    var usage = rusage()
    // Cannot fail: the pointer is ours.
    unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return UInt64(usage.ru_inblock) * 512
}

/// Reads at most `count` bytes at `offset` into nothing, so that they are in the page cache; 0 at the end of the file, or
/// where it cannot be read, which who reads it in earnest is told.
@safe public struct ReadAhead: ~Copyable {
    private let buffer: UnsafeMutableRawBufferPointer

    /// A reader of pieces of at most `piece` bytes.
    public init(piece: Int) {
        unsafe buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 4096)
    }

    deinit { unsafe buffer.deallocate() }

    /// Reads one piece, at most `count` bytes of it.
    public func read(_ file: borrowing OwnedDescriptor, at offset: UInt64, count: Int) -> Int {
        max(0, unsafe pread(file.rawValue, buffer.baseAddress, min(count, buffer.count), Int(offset)))
    }
}
