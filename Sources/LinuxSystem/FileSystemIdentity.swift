internal import CLinux
public import SystemPackage

/// Which file system a file is on, told by what is stored in the file system itself: the same after a reboot and under
/// another device number.
///
/// Only for file systems of which it is known that nothing else can get the same identity by chance, and that keep their
/// inode numbers: see ``of(_:)``.
public struct FileSystemIdentity: Hashable, Sendable {
    /// The kind (`f_type` of statfs(2)), and what it calls itself.
    public let words: (UInt64, UInt64, UInt64)

    /// An identity that was stored.
    public init(words: (UInt64, UInt64, UInt64)) {
        self.words = words
    }

    /// The identity of the file system behind a descriptor; nil where it has none that can be relied on (tmpfs,
    /// overlayfs, network file systems, FAT, and whatever is unknown).
    public static func of(_ file: borrowing OwnedDescriptor) throws(Errno) -> FileSystemIdentity? {
        var status = statfs()
        guard unsafe fstatfs(file.rawValue, &status) == 0 else { throw Errno.current }
        let magic = UInt64(UInt32(truncatingIfNeeded: status.f_type))
        let id = nodeguard_fsid(status)
        switch magic {
        // ext4_statfs and btrfs_statfs of the kernel, and OpenZFS' zfs_statvfs: f_fsid is made of the UUID, of UUID and
        // subvolume, or of the dataset's number.
        case 0xef53, 0x9123_683e, 0x2fc1_2fc1:
            return id == 0 ? nil : FileSystemIdentity(words: (magic, id, 0))
        // xfs_fs_statfs: f_fsid is the device's number; its UUID has to be asked for.
        case 0x5846_5342:
            var uuid: (UInt64, UInt64) = (0, 0)
            let asked = unsafe withUnsafeMutableBytes(of: &uuid) {
                unsafe nodeguard_xfs_uuid(file.rawValue, $0.baseAddress)
            }
            return asked == 0 && uuid != (0, 0) ? FileSystemIdentity(words: (magic, uuid.0, uuid.1)) : nil
        default: return nil
        }
    }

    /// Whether both are the same file system.
    public static func == (left: Self, right: Self) -> Bool { left.words == right.words }

    /// By all of it.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
    }
}
