internal import CLinux
public import SystemPackage

/// openat2(2): opens without ever following a symbolic link below the starting folder.
public enum Opening {
    /// Opens a folder by its path to begin a walk; symbolic links in the path given by a person are followed.
    ///
    /// The descriptor is opened with `O_PATH`: enough to ask what it is, no right to read yet.
    public static func start(at path: FilePath) throws(Errno) -> OwnedDescriptor {
        let flags = nodeguard_o_path | O_CLOEXEC
        return try owned(unsafe path.withPlatformString { unsafe open(AT_FDCWD, $0, flags, resolve: 0) })
    }

    /// The same by a path of the machine that is looked at (``HostRoot``).
    public static func start(onHost path: FilePath) throws(Errno) -> OwnedDescriptor {
        let flags = nodeguard_o_path | O_CLOEXEC
        let way = HostRoot.way
        return try owned(unsafe path.withPlatformString { unsafe open(way.folder, $0, flags, resolve: way.resolve) })
    }

    /// Opens a folder by a path that this project made up itself: nothing in its last place but a folder is opened.
    public static func folder(at path: FilePath) throws(Errno) -> OwnedDescriptor {
        let flags = O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW
        return try owned(unsafe path.withPlatformString { unsafe open(AT_FDCWD, $0, flags, resolve: 0) })
    }

    /// Opens what an `O_PATH` descriptor stands for, for reading: the same file, not a path looked up again.
    ///
    /// It goes through `/proc/self/fd`, the only way the kernel offers (proc(5)).
    public static func readable(_ file: borrowing OwnedDescriptor) throws(Errno) -> OwnedDescriptor {
        let path = "/proc/self/fd/\(file.rawValue)"
        return try reading { (flags) in
            unsafe path.withCString { unsafe open(AT_FDCWD, $0, flags | O_NONBLOCK | O_NOCTTY, resolve: 0) }
        }
    }

    /// Opens a folder inside an open folder.
    public static func folder(
        _ name: FileName, in directory: borrowing OwnedDescriptor
    ) throws(Errno) -> OwnedDescriptor {
        let parent = directory.rawValue
        return try reading { (flags) in
            unsafe name.withCString {
                unsafe open(parent, $0, flags | O_DIRECTORY | O_NOFOLLOW, resolve: UInt64(RESOLVE_NO_SYMLINKS))
            }
        }
    }

    /// Opens a file inside an open folder for reading: never through a symbolic link, never waiting for the
    /// other end of a FIFO.
    public static func file(
        _ name: FileName, in directory: borrowing OwnedDescriptor
    ) throws(Errno) -> OwnedDescriptor {
        let parent = directory.rawValue
        return try reading { (flags) in
            unsafe name.withCString {
                unsafe open(
                    parent, $0, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                    resolve: UInt64(RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH))
            }
        }
    }

    /// Tries with `O_NOATIME` first, which leaves no trace of the scan in the access time but is refused with
    /// EPERM to who neither owns the file nor has CAP_FOWNER (open(2)).
    private static func reading(_ attempt: (_ flags: Int32) -> Int32) throws(Errno) -> OwnedDescriptor {
        let flags = O_RDONLY | O_CLOEXEC
        let quiet = attempt(flags | nodeguard_o_noatime)
        if quiet < 0, Errno.current == .notPermitted { return try owned(attempt(flags)) }
        return try owned(quiet)
    }

    private static func owned(_ descriptor: Int32) throws(Errno) -> OwnedDescriptor {
        guard descriptor >= 0 else { throw Errno.current }
        return OwnedDescriptor(owning: FileDescriptor(rawValue: descriptor))
    }

    /// openat2(2) itself; the kernel answers EAGAIN where a rename raced with `resolve`, which is worth a retry.
    private static func open(_ directory: Int32, _ path: UnsafePointer<CChar>, _ flags: Int32, resolve: UInt64) -> Int32
    {
        for _ in 0..<16 {
            let descriptor = unsafe nodeguard_openat2(directory, path, UInt64(flags), 0, resolve)
            if descriptor >= 0 || (Errno.current != .resourceTemporarilyUnavailable && Errno.current != .interrupted) {
                return descriptor
            }
        }
        return -1
    }
}
