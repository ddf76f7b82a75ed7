internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// A folder for what the engine unpacks, private to one session and removed with it.
///
/// The session holds a lock on it as long as it lives; a folder without a lock was left behind by one that was
/// killed, and the next session removes it.
struct ScratchFolder: ~Copyable {
    let path: FilePath
    private let lock: OwnedDescriptor

    private static let prefix = "scan-"

    /// Makes one inside `parent`, which is made where it is missing, readable by its owner alone.
    static func make(in parent: FilePath) throws(SystemCallError) -> ScratchFolder {
        if unsafe parent.withPlatformString({ unsafe mkdir($0, 0o700) }) != 0 && Errno.current != .fileExists {
            throw SystemCallError("mkdir", "make the folder for unpacked content", printable(parent), errno: .current)
        }
        try refuseForeign(parent)
        removeLeftOvers(in: parent)
        var template = Array(parent.appending(prefix + "XXXXXX").bytes.map(CChar.init(bitPattern:))) + [0]
        guard unsafe template.withUnsafeMutableBufferPointer({ unsafe mkdtemp($0.baseAddress!) }) != nil else {
            throw SystemCallError("mkdtemp", "make a scratch folder in", printable(parent), errno: .current)
        }
        let path = FilePath(bytes: template.dropLast().map(UInt8.init(bitPattern:)))
        guard let lock = locked(path) else {
            throw SystemCallError("flock", "lock the scratch folder", printable(path), errno: .current)
        }
        return ScratchFolder(path: path, lock: lock)
    }

    /// In /tmp anybody can have made the folder before, or a link in its place: who owns it could exchange what we make
    /// in it, and have us write to and remove files of other folders.
    private static func refuseForeign(_ parent: FilePath) throws(SystemCallError) {
        let intent = "use the folder for unpacked content (remove it, it is not this user's alone):"
        let status: FileStatus
        do throws(Errno) {
            status = try FileStatus.of(Opening.folder(at: parent))
        } catch {
            throw SystemCallError("openat2", intent, printable(parent), errno: error)
        }
        guard status.user == geteuid(), status.permissions & 0o022 == 0 else {
            throw SystemCallError("statx", intent, printable(parent), errno: .permissionDenied)
        }
    }

    private init(path: FilePath, lock: consuming OwnedDescriptor) {
        self.path = path
        self.lock = lock
    }

    deinit {
        // What cannot be removed now is removed by the next session.
        try? removeTree(path)
    }

    private static func locked(_ path: FilePath) -> OwnedDescriptor? {
        guard let folder = try? Opening.folder(at: path),
            flock(folder.rawValue, LOCK_EX | LOCK_NB) == 0
        else { return nil }
        return folder
    }

    private static func removeLeftOvers(in parent: FilePath) {
        guard let folder = try? Opening.folder(at: parent) else { return }
        var reader = FolderReader()
        var leftOvers: [FilePath] = []
        while let entry = try? reader.next(of: folder) {
            let name = String(decoding: entry.name.bytes, as: UTF8.self)
            guard entry.kind == .directory, name.hasPrefix(prefix) else { continue }
            leftOvers.append(parent.appending(name))
        }
        for path in leftOvers {
            guard let lock = locked(path) else { continue }
            try? removeTree(path)
            _ = consume lock
        }
    }
}
