internal import CLinux
internal import Glibc
public import SystemPackage

/// Removes a folder of our own with everything in it. Symbolic links are never followed, not even one in the folder's own
/// place.
///
/// - Throws: the first refusal; what could be removed before is gone. A folder that is not there is no error.
public func removeTree(_ path: FilePath) throws(SystemCallError) {
    guard exists(path) else { return }
    try emptyFolder(path)
    guard unsafe path.withPlatformString({ unsafe rmdir($0) }) == 0 else {
        throw SystemCallError("rmdir", "remove the folder", printable(path), errno: .current)
    }
}

/// Removes everything that is in a folder of our own, and leaves the folder. Symbolic links are removed, never followed.
///
/// - Throws: the first refusal; what could be removed before is gone. A folder that is not there is no error.
public func emptyFolder(_ path: FilePath) throws(SystemCallError) {
    do {
        try empty(Opening.folder(at: path))
    } catch .noSuchFileOrDirectory {
        return
    } catch {
        throw SystemCallError("unlinkat", "empty the folder", printable(path), errno: error)
    }
}

private func empty(_ folder: borrowing OwnedDescriptor) throws(Errno) {
    // The names first: a folder that is changed while it is read may leave entries out.
    var entries: [FolderReader.Entry] = []
    var reader = FolderReader()
    while let entry = try reader.next(of: folder) { entries.append(entry) }
    let parent = folder.rawValue
    for entry in entries {
        var isFolder = entry.kind == .directory
        if entry.kind == .unknown { isFolder = try FileStatus.of(entry.name, in: folder).kind == .directory }
        if isFolder { try empty(Opening.folder(entry.name, in: folder)) }
        let result = unsafe entry.name.withCString { unsafe unlinkat(parent, $0, isFolder ? AT_REMOVEDIR : 0) }
        if result != 0 && Errno.current != .noSuchFileOrDirectory { throw Errno.current }
    }
}
