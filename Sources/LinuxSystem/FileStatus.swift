internal import CLinux
public import SystemPackage

/// What statx(2) says of a file, as far as this project decides by it.
public struct FileStatus: Equatable, Sendable {
    /// A moment of the kernel's clock, with all the precision that the file system keeps.
    public struct Time: Equatable, Hashable, Comparable, Sendable {
        /// Seconds since 1970-01-01 UTC; may be negative.
        public let seconds: Int64
        /// Nanoseconds, 0…999,999,999.
        public let nanoseconds: UInt32

        /// The moment `seconds` and `nanoseconds` after 1970-01-01 UTC.
        public init(seconds: Int64, nanoseconds: UInt32) {
            self.seconds = seconds
            self.nanoseconds = nanoseconds
        }

        /// Whether the first moment is the earlier one.
        public static func < (left: Time, right: Time) -> Bool {
            (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
        }
    }

    /// What sort of thing a path names.
    public enum Kind: Equatable, Sendable {
        case regular, directory, symbolicLink, fifo, socket, characterDevice, blockDevice, unknown
    }

    /// The device's number, major and minor in one.
    public let device: UInt64
    /// The inode's number; with `device` it names the file.
    public let inode: UInt64
    /// Which mount it was reached through (since Linux 5.8; 0 before).
    public let mount: UInt64
    /// What sort of file it is.
    public let kind: Kind
    /// Permission bits, `0o7777` at most.
    public let permissions: UInt16
    /// The owner.
    public let user: UInt32
    /// The owning group.
    public let group: UInt32
    /// Number of names.
    public let links: UInt32
    /// Bytes.
    public let size: UInt64
    /// 512-byte blocks that the file occupies; fewer than `size` needs means holes.
    public let blocks: UInt64
    /// When the content was last changed. Anybody may set it back.
    public let modified: Time
    /// When the inode was last changed. Only the kernel sets it.
    public let changed: Time
    /// When the inode was made; nil where the file system does not keep it. Nobody can set it, and an inode number that
    /// is used again gets another one: it does what a generation number does, without opening the file.
    public let born: Time?

    /// The file that `name` names in `directory`; a symbolic link is not followed.
    ///
    /// - Throws: the kernel's answer; `noSuchFileOrDirectory` where the name is gone.
    public static func of(_ name: FileName, in directory: borrowing OwnedDescriptor) throws(Errno) -> FileStatus {
        let folder = directory.rawValue
        return try unsafe name.withCString { (pointer) throws(Errno) in
            try unsafe statx(folder, pointer, nodeguard_at_symlink_nofollow)
        }
    }

    /// The file behind an open descriptor.
    public static func of(_ file: borrowing OwnedDescriptor) throws(Errno) -> FileStatus {
        let descriptor = file.rawValue
        return try unsafe FileName.empty.withCString { (empty) throws(Errno) in
            try unsafe statx(descriptor, empty, nodeguard_at_empty_path)
        }
    }

    private static func statx(_ directory: Int32, _ path: UnsafePointer<CChar>, _ flags: Int32) throws(Errno)
        -> FileStatus
    {
        var status = CLinux.statx()
        let mask = UInt32(STATX_BASIC_STATS) | UInt32(STATX_MNT_ID) | UInt32(STATX_BTIME)
        guard unsafe nodeguard_statx(directory, path, flags, mask, &status) == 0 else { throw Errno.current }
        return FileStatus(status)
    }

    private init(_ status: CLinux.statx) {
        device = UInt64(status.stx_dev_major) << 32 | UInt64(status.stx_dev_minor)
        inode = status.stx_ino
        mount = status.stx_mask & UInt32(STATX_MNT_ID) != 0 ? status.stx_mnt_id : 0
        kind =
            switch UInt32(status.stx_mode) & UInt32(S_IFMT) {
            case UInt32(S_IFREG): .regular
            case UInt32(S_IFDIR): .directory
            case UInt32(S_IFLNK): .symbolicLink
            case UInt32(S_IFIFO): .fifo
            case UInt32(S_IFSOCK): .socket
            case UInt32(S_IFCHR): .characterDevice
            case UInt32(S_IFBLK): .blockDevice
            default: .unknown
            }
        permissions = status.stx_mode & 0o7777
        user = status.stx_uid
        group = status.stx_gid
        links = status.stx_nlink
        size = status.stx_size
        blocks = status.stx_blocks
        modified = Time(seconds: status.stx_mtime.tv_sec, nanoseconds: status.stx_mtime.tv_nsec)
        changed = Time(seconds: status.stx_ctime.tv_sec, nanoseconds: status.stx_ctime.tv_nsec)
        born =
            status.stx_mask & UInt32(STATX_BTIME) != 0
            ? Time(seconds: status.stx_btime.tv_sec, nanoseconds: status.stx_btime.tv_nsec) : nil
    }
}

extension Errno {
    /// errno(3) of the calling thread.
    public static var current: Errno { Errno(rawValue: unsafe CLinux.__errno_location().pointee) }
}
