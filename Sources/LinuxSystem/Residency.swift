internal import CLinux
internal import Glibc
internal import SystemPackage

/// Which parts of a file were not in the page cache at a certain moment, so that they can be dropped again after a look.
///
/// One cachestat(2) settles nearly every file: all there, or nothing. For the rest, and before Linux 6.5, mincore(2) tells
/// page by page. Both answer only to who owns the file, may write it, or has CAP_FOWNER; to anybody else mincore(2) says
/// that everything is there, and nothing is dropped.
public struct Residency: Sendable, Equatable {
    /// The absent ranges in bytes, whole pages, in order. At most ``mostRanges``.
    public let absent: [Range<UInt64>]
    /// Whether pages of it were still to be written to the disk: who has such a page mapped can go on writing to it without
    /// any trace in the file's times, until it was written. Nil where the kernel does not tell (before Linux 6.5, or to
    /// this user).
    public let hasUnwritten: Bool?

    /// What lies between more ranges than these stays in the cache: each costs a system call.
    public static let mostRanges = 4096

    /// Bytes that one mincore(2) is asked about: its answer takes a byte a page.
    private static let window: UInt64 = 64 << 20
    private static let page = UInt64(sysconf(Int32(_SC_PAGESIZE)))

    /// Looks at the first `size` bytes. What cannot be asked counts as resident: it is nobody's to drop.
    public init(of file: borrowing OwnedDescriptor, size: UInt64) {
        let end = (size + Self.page - 1) / Self.page * Self.page
        guard end > 0 else {
            (absent, hasUnwritten) = ([], false)
            return
        }
        var range = nodeguard_cachestat_range(offset: 0, length: end)
        var status = nodeguard_cachestat()
        if unsafe nodeguard_cachestat(file.rawValue, &range, &status) == 0 {
            hasUnwritten = status.dirty > 0 || status.writeback > 0
            if status.cached == 0 {
                absent = [0..<end]
                return
            }
            if status.cached >= end / Self.page {
                absent = []
                return
            }
        } else {
            hasUnwritten = nil
        }
        absent = Self.pageByPage(file, end)
    }

    /// Drops what was absent (posix_fadvise(3), `POSIX_FADV_DONTNEED`). Pages that somebody has mapped or
    /// written since stay, as the kernel sees to.
    public func restore(_ file: borrowing OwnedDescriptor) {
        for range in absent {
            // Advice: where it is not taken, the kernel drops the pages when it needs room.
            posix_fadvise(
                file.rawValue, Int(range.lowerBound), Int(range.upperBound - range.lowerBound), POSIX_FADV_DONTNEED)
        }
    }

    private static func pageByPage(_ file: borrowing OwnedDescriptor, _ end: UInt64) -> [Range<UInt64>] {
        var absent: [Range<UInt64>] = []
        var pages = [UInt8](repeating: 0, count: Int(min(end, window) / page))
        for start in stride(from: 0, to: end, by: UInt64.Stride(window)) {
            let length = Int(min(window, end - start))
            // Never read, so a file that is cut short meanwhile does no harm.
            let map = unsafe mmap(nil, length, PROT_READ, MAP_SHARED, file.rawValue, Int(start))
            guard let map = unsafe map, unsafe map != MAP_FAILED else { continue }
            defer { unsafe munmap(map, length) }
            guard unsafe nodeguard_mincore(map, length, &pages) == 0 else { continue }
            for index in 0..<(length / Int(page)) where pages[index] & 1 == 0 {
                let at = start + UInt64(index) * page
                if let last = absent.last, last.upperBound == at {
                    absent[absent.count - 1] = last.lowerBound..<(at + page)
                } else if absent.count < mostRanges {
                    absent.append(at..<(at + page))
                } else {
                    return absent
                }
            }
        }
        return absent
    }
}
