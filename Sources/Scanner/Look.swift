internal import ContentHash
internal import LinuxSystem
internal import SystemPackage

/// One file on its way through the engine: opened once, and this descriptor is what is scanned and compared.
final class Look {
    /// What the answer is for.
    enum Purpose {
        /// A file of the target.
        case file(path: [UInt8])
        /// Known-bad bytes: this signature must be found.
        case canary(signature: String)
    }

    let purpose: Purpose
    /// The open file; nil once everything about its content is known.
    private(set) var file: OwnedDescriptor?
    /// The file when it was opened.
    private(set) var before: FileStatus
    /// Workers that died while they had it.
    var crashes = 0
    /// Whether it changed once already and is looked at again.
    private(set) var isSecondLook = false
    /// What has to be known to remember the look; nil where it cannot be remembered.
    var subject: Ledger.Subject?
    /// The SHA-256 of its content; nil where it was not read to its end.
    var digest: Digest?
    /// Whether its outcome is that of another file with the same bytes: it was not looked at itself.
    var isCopy = false
    /// Whether a worker called it clean and died before that was proven: it is looked at again.
    var isOrphan: Bool { orphanings > 0 }
    /// How often that happened.
    private(set) var orphanings = 0
    /// More names of the same file, met while it was looked at.
    var otherNames: [[UInt8]] = []
    /// What of it was in the page cache when it was opened.
    private let residency: Residency?
    /// Whether reading it can wait for another machine or program, and so for ever: only a worker may be held up by that.
    let mayHang: Bool

    private var isCacheRestored = false

    /// Files above this are looked at one at a time: libclamav takes memory by the size of what it looks at.
    static let largeSize: UInt64 = 64 << 20

    /// - Parameter isLocal: whether its file system is this machine's own; nil: the kernel is asked.
    init(_ purpose: Purpose, _ file: consuming OwnedDescriptor, before: FileStatus, isLocal: Bool? = nil) {
        self.purpose = purpose
        self.before = before
        mayHang = if let isLocal { !isLocal } else { (try? FileSystemKind.of(file)) != .local }
        residency = if case .file = purpose { Residency(of: file, size: before.size) } else { nil }
        self.file = consume file
    }

    deinit { close() }

    /// Whether it is one of those that are looked at one at a time.
    var isLarge: Bool { before.size > Self.largeSize }

    /// Bytes behind the first `count` that were not in the page cache when it was opened.
    func absentBytes(behind count: UInt64) -> UInt64 {
        residency?.absent.reduce(0) { $0 + $1.clamped(to: count..<max(count, before.size)).byteCount } ?? 0
    }

    /// The file's descriptor, to be lent for one call; -1, which every call refuses, once it is closed.
    var descriptor: Int32 { file?.rawValue ?? -1 }

    /// Whether it had pages that were not on the disk yet when it was opened; nil where the kernel does not tell.
    var hasUnwritten: Bool? { residency?.hasUnwritten }

    /// Reads a piece of it into nothing, so that it is in the page cache; 0 where there is nothing to read.
    func readAhead(_ reader: borrowing ReadAhead, at offset: UInt64, count: Int) -> Int {
        guard file != nil else { return 0 }
        return reader.read(file!, at: offset, count: count)
    }

    /// What the file is like now; nil where it cannot be asked any more.
    var now: FileStatus? {
        guard file != nil else { return nil }
        return try? FileStatus.of(file!)
    }

    /// Whether the file is not the one any more that was opened, as far as the kernel can tell.
    ///
    /// Size and times with all their digits: libclamav's own test has a granularity of a second.
    var hasChanged: Bool {
        guard let now else { return true }
        return now.size != before.size || now.modified != before.modified || now.changed != before.changed
    }

    /// Begins anew with the file as it is now.
    func lookAgain(at now: FileStatus) {
        before = now
        isSecondLook = true
        // What was read was of another content.
        (subject, digest) = (nil, nil)
        isCacheRestored = false
    }

    /// Lets the page cache be as it was before: what was read need not be read again, as far as is known.
    func restoreCache() {
        guard file != nil, !isCacheRestored else { return }
        residency?.restore(file!)
        isCacheRestored = true
    }

    /// A worker called it clean and died before that was proven: it is looked at again.
    func orphan() {
        orphanings += 1
        isCacheRestored = false
    }

    /// Lets the file go: only its outcome is still to be told.
    func close() {
        restoreCache()
        file = nil
    }
}

extension Range<UInt64> {
    fileprivate var byteCount: UInt64 { upperBound - lowerBound }
}
