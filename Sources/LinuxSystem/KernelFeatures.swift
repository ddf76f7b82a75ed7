internal import CLinux
internal import Glibc
public import SystemPackage

/// What the running kernel offers beyond what every Linux has.
public enum KernelFeatures {
    /// The version of landlock(7)'s interface, 1 or more; nil where the kernel has none or left it off at boot.
    public static var landlock: Int? {
        let version = nodeguard_landlock_version()
        return version >= 1 ? Int(version) : nil
    }

    /// Whether there is openat2(2), since Linux 5.6; false also where a filter of system calls hides it.
    public static var hasOpenat2: Bool {
        (try? Opening.start(at: "/")) != nil
    }
}

/// How much room a file system has (statfs(2)), and what it is.
public struct FileSystemRoom: Equatable, Sendable {
    /// Bytes that anybody but root may still write.
    public var free: UInt64
    /// Bytes of it all.
    public var size: UInt64
    /// Whether it is in memory and gone after a reboot: tmpfs or ramfs.
    public var isInMemory: Bool
    /// Whether it is mounted read-only.
    public var isReadOnly: Bool

    /// A file system that is so.
    public init(free: UInt64, size: UInt64, isInMemory: Bool = false, isReadOnly: Bool = false) {
        self.free = free
        self.size = size
        self.isInMemory = isInMemory
        self.isReadOnly = isReadOnly
    }

    /// The file system that a file or folder is on.
    public static func of(_ path: FilePath) throws(Errno) -> FileSystemRoom {
        let file = try Opening.start(at: path)
        var status = statfs()
        guard unsafe fstatfs(file.rawValue, &status) == 0 else { throw Errno.current }
        let block = UInt64(status.f_bsize)
        let magic = UInt32(truncatingIfNeeded: status.f_type)
        // TMPFS_MAGIC and RAMFS_MAGIC of <linux/magic.h>; ST_RDONLY of statfs(2).
        return FileSystemRoom(
            free: UInt64(status.f_bavail) * block, size: UInt64(status.f_blocks) * block,
            isInMemory: magic == 0x0102_1994 || magic == 0x8584_58f6, isReadOnly: status.f_flags & 1 != 0)
    }
}
