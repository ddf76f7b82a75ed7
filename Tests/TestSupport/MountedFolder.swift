import CTestSupport
import Glibc
public import SystemPackage

/// A file system of the test's own, mounted on a folder of the test's own until the last reference goes. Needs root.
public final class MountedFolder: Sendable {
    /// Where it is mounted.
    public let path: FilePath

    /// A tmpfs (tmpfs(5)) with room for so many bytes, writable for everybody, in a folder that is made where it is missing.
    public static func tmpfs(at path: FilePath, bytes: Int) throws -> MountedFolder {
        try MountedFolder(at: path, type: "tmpfs", options: "size=\(bytes),mode=0777")
    }

    /// Mounts, see mount(2).
    init(at path: FilePath, type: String, options: String) throws {
        self.path = path
        _ = unsafe path.withPlatformString { unsafe mkdir($0, 0o755) }
        let result = unsafe path.withPlatformString { target in
            unsafe options.withCString { unsafe mount("nodeguard-test", target, type, 0, $0) }
        }
        guard result == 0 else {
            throw ProgramFailure(description: "cannot mount a \(type) at \(path): \(Errno(rawValue: errno))")
        }
    }

    /// From now on nothing can be written there.
    public func makeReadOnly() throws {
        let flags = nodeguard_MS_RDONLY | nodeguard_MS_REMOUNT
        guard unsafe path.withPlatformString({ unsafe mount("nodeguard-test", $0, "tmpfs", flags, nil) }) == 0 else {
            throw ProgramFailure(description: "cannot remount \(path): \(Errno(rawValue: errno))")
        }
    }

    deinit {
        _ = unsafe path.withPlatformString { unsafe umount2($0, nodeguard_MNT_DETACH) }
    }
}
