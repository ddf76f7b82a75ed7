import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// The page cache before and after, on a real disk's file system: /var/tmp, which is none in memory.
@Suite struct ResidencyTests {
    static let page = 4096

    /// A file of so many pages of which nothing is in the page cache. It is gone with the descriptor.
    private func coldFile(pages: Int) throws -> OwnedDescriptor {
        var template = Array("/var/tmp/nodeguard-test-XXXXXX".utf8CString)
        let number = unsafe mkstemp(&template)
        try #require(number >= 0)
        let file = FileDescriptor(rawValue: number)
        unsafe unlink(template)
        let block = [UInt8](repeating: 7, count: Self.page)
        for _ in 0..<pages { _ = try file.writeAll(block) }
        try #require(fsync(number) == 0)
        posix_fadvise(number, 0, 0, POSIX_FADV_RANDOM)
        posix_fadvise(number, 0, 0, POSIX_FADV_DONTNEED)
        return OwnedDescriptor(owning: file)
    }

    private func touch(_ file: borrowing OwnedDescriptor, page: Int, count: Int = 1) throws {
        let read = ReadAhead(piece: count * Self.page)
            .read(file, at: UInt64(page * Self.page), count: count * Self.page)
        #expect(read == count * Self.page)
    }

    private func bytes(_ residency: Residency) -> UInt64 {
        residency.absent.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) }
    }

    @Test("a cold file is absent as a whole, and cold again after it was read and restored")
    func cold() throws {
        let file = try coldFile(pages: 64)
        let size = UInt64(64 * Self.page)
        let before = Residency(of: file, size: size)
        #expect(before.absent == [0..<size])
        try touch(file, page: 0, count: 64)
        #expect(Residency(of: file, size: size).absent.isEmpty)
        before.restore(file)
        #expect(Residency(of: file, size: size).absent == [0..<size])
    }

    @Test("pages that were hot stay, those between them go")
    func mixed() throws {
        let file = try coldFile(pages: 256)
        let size = UInt64(256 * Self.page)
        for page in [0, 100, 101, 255] { try touch(file, page: page) }
        let before = Residency(of: file, size: size)
        #expect(bytes(before) < size && bytes(before) > 0)
        for page in [0, 100, 101, 255] {
            #expect(!before.absent.contains { $0.contains(UInt64(page * Self.page)) })
        }
        try touch(file, page: 0, count: 256)
        before.restore(file)
        #expect(Residency(of: file, size: size) == before)
    }

    @Test("a hot file is left alone, and an empty one has nothing to ask about")
    func hot() throws {
        let file = try coldFile(pages: 16)
        try touch(file, page: 0, count: 16)
        let before = Residency(of: file, size: UInt64(16 * Self.page))
        #expect(before.absent.isEmpty)
        before.restore(file)
        #expect(Residency(of: file, size: UInt64(16 * Self.page)).absent.isEmpty)
        #expect(Residency(of: file, size: 0).absent.isEmpty)
    }

    @Test("the last, partial page is dropped with the rest")
    func partialPage() throws {
        let file = try coldFile(pages: 4)
        try #require(ftruncate(file.rawValue, off_t(3 * Self.page + 100)) == 0)
        try #require(fsync(file.rawValue) == 0)
        posix_fadvise(file.rawValue, 0, 0, POSIX_FADV_DONTNEED)
        let size = UInt64(3 * Self.page + 100)
        let before = Residency(of: file, size: size)
        #expect(bytes(before) == UInt64(4 * Self.page))
        var byte = [UInt8](repeating: 0, count: 200)
        _ = unsafe byte.withUnsafeMutableBytes { unsafe pread(file.rawValue, $0.baseAddress, 200, 3 * 4096) }
        before.restore(file)
        #expect(Residency(of: file, size: size) == before)
    }
}
