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

    private init(path: FilePath, lock: consuming OwnedDescriptor) {
        self.path = path
        self.lock = lock
    }

    deinit {
        // What cannot be removed now is removed by the next session.
        try? removeTree(path)
    }

    private static func locked(_ path: FilePath) -> OwnedDescriptor? {
        guard let start = try? Opening.start(at: path), let folder = try? Opening.readable(start),
            flock(folder.rawValue, LOCK_EX | LOCK_NB) == 0
        else { return nil }
        return folder
    }

    private static func removeLeftOvers(in parent: FilePath) {
        guard let start = try? Opening.start(at: parent), let folder = try? Opening.readable(start) else { return }
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
