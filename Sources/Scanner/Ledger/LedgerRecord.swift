internal import ContentHash
internal import LinuxSystem

/// The same bytes in the same inode: what statx(2) said of a file, as far as a change of the file cannot leave it as it was.
struct FileState: Equatable, Codable {
    let inode: UInt64
    /// When the inode was made, nanoseconds since 1970; `.min` where the file system does not keep it.
    let born: Int64
    let size: UInt64
    /// Nanoseconds since 1970.
    let modified: Int64
    /// Nanoseconds since 1970. Every change of content, and of the other times, sets it to the kernel's clock.
    let changed: Int64

    init(inode: UInt64, born: Int64, size: UInt64, modified: Int64, changed: Int64) {
        self.inode = inode
        self.born = born
        self.size = size
        self.modified = modified
        self.changed = changed
    }

    /// The state of a file; nil where one of its times cannot be counted in nanoseconds (before 1677, after 2262): such
    /// a file is never remembered.
    init?(_ status: FileStatus) {
        guard let modified = status.modified.sinceEpoch, let changed = status.changed.sinceEpoch else { return nil }
        inode = status.inode
        self.modified = modified
        self.changed = changed
        size = status.size
        guard let born = status.born else {
            self.born = .min
            return
        }
        guard let born = born.sinceEpoch else { return nil }
        self.born = born
    }
}

extension FileStatus.Time {
    /// Nanoseconds since 1970; nil where 64 bits do not hold them.
    fileprivate var sinceEpoch: Int64? {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflowed) = product.addingReportingOverflow(Int64(nanoseconds))
        return overflow || overflowed ? nil : sum
    }
}

/// The first 24 bytes of a SHA-256, by which the ledger knows a content: half of them would do against chance, all of
/// them against somebody who makes two contents with the same ones (2⁹⁶ tries).
struct ContentKey: Hashable {
    let first: UInt64
    let second: UInt64
    let third: UInt64

    init(_ digest: Digest) {
        (first, second, third, _) = digest.words
    }

    func hash(into hasher: inout Hasher) { hasher.combine(first) }
}

/// What the ledger remembers of one file: 80 bytes, the same in memory and on disk.
///
/// Only numbers, and no gap between them: any 80 bytes are a record, and a record is these 80 bytes.
struct LedgerRecord {
    var state: FileState
    /// Where ``Flags/crashed`` is not set, what was looked at and found clean.
    var content: ContentKey
    /// When the look began, seconds since 1970.
    var lookedAt: UInt32
    /// Index of the file system.
    var fileSystem: UInt16
    /// Index of the ``LookContext``.
    var context: UInt16
    /// Index of the target that met it; 0: paths given by hand.
    var target: UInt16
    var flags: Flags
    /// Of this session only.
    var marks: Marks = []
    private var reserved: UInt32 = 0

    struct Flags: OptionSet {
        let rawValue: UInt8
        /// Bulk data by the target's patterns: looked at again by its own rhythm.
        static let bulk = Flags(rawValue: 1)
        /// No clean look: the engine's workers died of this content.
        static let crashed = Flags(rawValue: 2)
    }

    struct Marks: OptionSet {
        let rawValue: UInt8
        /// Met by the scan that runs.
        static let met = Marks(rawValue: 1)
        /// Looked at by this session.
        static let fresh = Marks(rawValue: 2)
        /// Forgotten: as if it were not there.
        static let forgotten = Marks(rawValue: 4)
    }

    init(
        state: FileState, content: ContentKey, lookedAt: UInt32, fileSystem: UInt16, context: UInt16, target: UInt16,
        flags: Flags
    ) {
        self.state = state
        self.content = content
        self.lookedAt = lookedAt
        self.fileSystem = fileSystem
        self.context = context
        self.target = target
        self.flags = flags
    }
}
