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
