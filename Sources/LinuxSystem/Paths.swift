internal import CLinux
internal import Glibc
public import SystemPackage

/// Where a symbolic link points (readlink(2)), without following it further.
public func readLink(_ path: FilePath) throws(SystemCallError) -> FilePath {
    // PATH_MAX of <linux/limits.h> is the longest target there can be.
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let length = unsafe path.withPlatformString { unsafe readlink($0, &buffer, buffer.count) }
    guard length >= 0 else { throw SystemCallError("readlink", "read the link", printable(path), errno: .current) }
    return FilePath(bytes: buffer.prefix(length).map(UInt8.init(bitPattern:)))
}

/// Whether this process may execute the file (access(2)).
public func isExecutable(_ path: FilePath) -> Bool {
    unsafe path.withPlatformString { unsafe access($0, X_OK) } == 0
}

/// Whether this process may read the file, as far as access(2) says: by its real user, so that a program that asks
/// before it reads gets the same answer.
public func isReadable(_ path: FilePath) -> Bool {
    unsafe path.withPlatformString { unsafe access($0, R_OK) } == 0
}

/// Whether this process may make files in the folder (access(2)).
public func isWritableFolder(_ path: FilePath) -> Bool {
    unsafe path.withPlatformString { unsafe access($0, W_OK | X_OK) } == 0
}

/// Whether there is anything at this path, be it a dangling link.
public func exists(_ path: FilePath) -> Bool {
    var status = stat()
    return unsafe path.withPlatformString { unsafe lstat($0, &status) } == 0
}

/// Makes a folder; one that is there already is left as it is (mkdir(2)). The folders above it must be there.
public func makeFolder(_ path: FilePath, permissions: FilePermissions) throws(SystemCallError) {
    guard
        unsafe path.withPlatformString({ unsafe mkdir($0, permissions.rawValue) }) == 0 || Errno.current == .fileExists
    else { throw SystemCallError("mkdir", "make the folder", printable(path), errno: .current) }
}

/// Makes a folder, or takes one that is there already and is this user's alone to change: what a program believes and obeys
/// must not be written by anybody else. A link to such a folder is followed.
///
/// - Parameter isPrivate: whether others may not even look into it: the permissions of one that is there are made so.
/// - Throws: ``SystemCallError``: `EPERM` where it is another user's, or others may write to it.
public func makeOwnFolder(_ path: FilePath, isPrivate: Bool) throws(SystemCallError) {
    try makeFolder(path, permissions: .ownerReadWriteExecute)
    let number = unsafe path.withPlatformString { unsafe open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard number >= 0 else { throw SystemCallError("open", "use the folder", printable(path), errno: .current) }
    let folder = OwnedDescriptor(owning: FileDescriptor(rawValue: number))
    var status = stat()
    guard unsafe fstat(folder.rawValue, &status) == 0 else {
        throw SystemCallError("fstat", "use the folder", printable(path), errno: .current)
    }
    guard status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
        throw SystemCallError(
            "fstat", "trust a folder that another user can write to (chown root it, and chmod go-w),", printable(path),
            errno: .notPermitted)
    }
    guard isPrivate, status.st_mode & 0o077 != 0 else { return }
    guard fchmod(folder.rawValue, 0o700) == 0 else {
        throw SystemCallError("fchmod", "keep others out of", printable(path), errno: .current)
    }
}
