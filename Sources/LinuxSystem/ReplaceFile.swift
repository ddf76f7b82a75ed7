internal import CLinux
internal import Glibc
public import SystemPackage

/// Replaces a file by one with other bytes, so that a reader sees the old file or the new one and never a part, also
/// after a power cut: a new file beside it (`.NAME.new`), fsync, rename, and fsync of the folder.
///
/// The new file has exactly these permissions, whatever the umask. After an error the old file is as it was and the new
/// one is gone; only after an error of the very last fsync is the new file in place. What a killed process left behind
/// is removed by the next one. There may be only one writer of a file at a time: a second one that is seen is an error.
///
/// - Throws: ``SystemCallError`` with the call that failed, `EBUSY` of `renameat` where a second writer was seen.
public func replaceFile(
    at path: FilePath, with bytes: [UInt8], permissions: FilePermissions
) throws(SystemCallError) {
    guard let component = path.lastComponent, component.kind == .regular else {
        throw SystemCallError("renameat", "replace", printable(path), errno: .isDirectory)
    }
    let parent = path.removingLastComponent()
    let oldName = FilePath(root: nil, components: component)
    let replacement = Replacement(
        path: path, folder: try openFolder(parent.isEmpty ? "." : parent), oldName: oldName,
        newName: FilePath(bytes: [UInt8(ascii: ".")] + oldName.bytes + Array(".new".utf8)))
    try replacement.removeLeftover()
    let file = try replacement.create()
    do throws(SystemCallError) {
        try replacement.fill(file, with: bytes, permissions)
        try replacement.rename(file)
    } catch {
        // The first error is the one to tell. What a second writer put there is that writer's.
        if error.errno != .resourceBusy { try? replacement.removeLeftover() }
        throw error
    }
    try replacement.makePermanent()
}

/// The folder, held open, and the two names in it; the steps in the order in which they are taken.
private struct Replacement: ~Copyable {
    let path: FilePath
    let folder: OwnedDescriptor
    let oldName: FilePath
    let newName: FilePath

    func removeLeftover() throws(SystemCallError) {
        let result = unsafe newName.withPlatformString { unsafe unlinkat(folder.rawValue, $0, 0) }
        if result < 0 && errno != ENOENT { throw failure("unlinkat", "remove the unfinished copy of") }
    }

    func create() throws(SystemCallError) -> OwnedDescriptor {
        // O_EXCL: nothing that is there is opened, followed or cut.
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let file = unsafe newName.withPlatformString { unsafe openat(folder.rawValue, $0, flags, 0o600) }
        guard file >= 0 else { throw failure("openat", "create a new file beside") }
        return OwnedDescriptor(owning: FileDescriptor(rawValue: file))
    }

    func fill(
        _ file: borrowing OwnedDescriptor, with bytes: [UInt8], _ permissions: FilePermissions
    ) throws(SystemCallError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes { unsafe write(file.rawValue, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw failure("write", "write the new file beside") }
            rest.removeFirst(written)
        }
        guard fchmod(file.rawValue, permissions.rawValue) == 0 else {
            throw failure("fchmod", "set the permissions of the new file beside")
        }
        guard fsync(file.rawValue) == 0 else { throw failure("fsync", "write the new file beside") }
    }

    func rename(_ file: borrowing OwnedDescriptor) throws(SystemCallError) {
        var ours = stat()
        var named = stat()
        guard unsafe fstat(file.rawValue, &ours) == 0 else { throw failure("fstat", "look at the new file beside") }
        let found = unsafe newName.withPlatformString {
            unsafe fstatat(folder.rawValue, $0, &named, AT_SYMLINK_NOFOLLOW)
        }
        guard found == 0, ours.st_dev == named.st_dev, ours.st_ino == named.st_ino else {
            throw SystemCallError(
                "renameat", "replace, because another process is writing it,", printable(path), errno: .resourceBusy)
        }
        let renamed = unsafe newName.withPlatformString { from in
            unsafe oldName.withPlatformString { to in unsafe renameat(folder.rawValue, from, folder.rawValue, to) }
        }
        guard renamed == 0 else { throw failure("renameat", "replace") }
    }

    func makePermanent() throws(SystemCallError) {
        guard fsync(folder.rawValue) == 0 else { throw failure("fsync", "make permanent the new") }
    }

    private func failure(_ call: String, _ intent: String) -> SystemCallError {
        let errno = Errno(rawValue: errno)
        return SystemCallError(call, intent, printable(path), errno: errno)
    }
}

private func openFolder(_ path: FilePath) throws(SystemCallError) -> OwnedDescriptor {
    let folder = unsafe path.withPlatformString { unsafe open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard folder >= 0 else {
        let errno = Errno(rawValue: errno)
        throw SystemCallError("open", "open the folder", printable(path), errno: errno)
    }
    return OwnedDescriptor(owning: FileDescriptor(rawValue: folder))
}
