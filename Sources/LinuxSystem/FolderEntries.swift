internal import CLinux
internal import Glibc
public import SystemPackage

/// What can be done to the entries of an open folder: always by a name in it, never by a path that is looked up again,
/// and never over what is there already.
public enum FolderEntries {
    /// Opens a folder by its path from the root of the machine that is looked at (``HostRoot``), with no symbolic link
    /// anywhere in it.
    ///
    /// - Throws: `tooManySymbolicLinkLevels` where there is one.
    public static func folder(onHost path: FilePath) throws(Errno) -> OwnedDescriptor {
        let way = HostRoot.way
        return try owned(
            unsafe path.withPlatformString {
                unsafe nodeguard_openat2(
                    way.folder, $0, UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0,
                    way.resolve | UInt64(RESOLVE_NO_SYMLINKS))
            })
    }

    /// Makes a folder, mode 0700.
    public static func makeFolder(_ name: FileName, in folder: borrowing OwnedDescriptor) throws(Errno) {
        let parent = folder.rawValue
        try check(unsafe name.withCString { unsafe mkdirat(parent, $0, 0o700) })
    }

    /// Makes a new file for reading and writing, mode 0600.
    public static func makeFile(
        _ name: FileName, in folder: borrowing OwnedDescriptor
    ) throws(Errno) -> OwnedDescriptor {
        let parent = folder.rawValue
        let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        return try owned(unsafe name.withCString { unsafe openat(parent, $0, flags, 0o600) })
    }

    /// Makes a new file without a name, mode 0600: gone with this process, unless ``give(_:name:in:)`` names it.
    ///
    /// - Throws: `notSupportedOnSocket` (EOPNOTSUPP) where the file system has no such files.
    public static func makeUnnamedFile(in folder: borrowing OwnedDescriptor) throws(Errno) -> OwnedDescriptor {
        let parent = folder.rawValue
        return try owned(unsafe openat(parent, ".", nodeguard_o_tmpfile | O_RDWR | O_CLOEXEC, 0o600))
    }

    /// Gives an unnamed file its name (linkat(2)).
    ///
    /// - Throws: `fileExists` where something has the name already, be it a dangling link.
    public static func give(
        _ file: borrowing OwnedDescriptor, name: FileName, in folder: borrowing OwnedDescriptor
    ) throws(Errno) {
        let parent = folder.rawValue
        let source = "/proc/self/fd/\(file.rawValue)"
        try check(unsafe name.withCString { unsafe linkat(AT_FDCWD, source, parent, $0, AT_SYMLINK_FOLLOW) })
    }

    /// Renames an entry within one folder.
    ///
    /// - Throws: `fileExists` where something has the new name already.
    public static func rename(
        _ name: FileName, to newName: FileName, in folder: borrowing OwnedDescriptor
    ) throws(Errno) {
        let parent = folder.rawValue
        try check(
            unsafe name.withCString { from in
                unsafe newName.withCString { unsafe nodeguard_rename_no_replace(parent, from, parent, $0) }
            })
    }

    /// Removes a file's name.
    public static func remove(_ name: FileName, in folder: borrowing OwnedDescriptor) throws(Errno) {
        let parent = folder.rawValue
        try check(unsafe name.withCString { unsafe unlinkat(parent, $0, 0) })
    }

    /// Waits until a file's content, or a folder's entries, are on the disk (fsync(2)).
    public static func synchronise(_ file: borrowing OwnedDescriptor) throws(Errno) {
        try check(fsync(file.rawValue))
    }

    /// Takes a lock on an open file or folder that ends with it (flock(2)); false where somebody else has it.
    public static func lock(_ file: borrowing OwnedDescriptor) throws(Errno) -> Bool {
        if flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 { return true }
        guard Errno.current == .wouldBlock else { throw Errno.current }
        return false
    }

    /// Another descriptor of the same open file.
    public static func duplicate(_ file: FileDescriptor) throws(Errno) -> OwnedDescriptor {
        try owned(fcntl(file.rawValue, F_DUPFD_CLOEXEC, 0))
    }

    private static func check(_ result: Int32) throws(Errno) {
        guard result == 0 else { throw Errno.current }
    }

    private static func owned(_ descriptor: Int32) throws(Errno) -> OwnedDescriptor {
        guard descriptor >= 0 else { throw Errno.current }
        return OwnedDescriptor(owning: FileDescriptor(rawValue: descriptor))
    }
}
