internal import CLinux
internal import Glibc
internal import Synchronization
public import SystemPackage

/// The root of the machine that is looked at, where that is not this process's own: in a container it is mounted in some
/// folder. Every path that a person sees is the machine's own, as if there were no such folder.
///
/// Beneath that folder the kernel takes its root for the root (openat2(2), `RESOLVE_IN_ROOT`): an absolute symbolic link of
/// the machine's, or a `..`, leads to where it leads there, never to a file of the container's.
///
/// A process looks at one machine, so this is a property of the process, set before anything is opened.
public enum HostRoot {
    private struct Place: Sendable {
        /// Open as long as the process lives.
        let descriptor: Int32
        /// Where the kernel has it, seen from this process.
        let path: FilePath
        let status: FileStatus
    }

    private static let place = Mutex<Place?>(nil)

    /// Looks at the machine whose root is this folder from now on; `/` is this process's own.
    ///
    /// - Throws: where there is no such folder.
    public static func use(_ path: FilePath) throws(SystemCallError) {
        guard path != "/" else { return }
        let descriptor = unsafe path.withPlatformString {
            unsafe nodeguard_openat2(AT_FDCWD, $0, UInt64(nodeguard_o_path | O_DIRECTORY | O_CLOEXEC), 0, 0)
        }
        guard descriptor >= 0 else {
            throw SystemCallError("openat2", "open the root of the host (paths.host)", printable(path), errno: .current)
        }
        let seen = try readLink(FilePath("/proc/self/fd/\(descriptor)"))
        guard seen != "/" else { return }
        let status: FileStatus
        do {
            status = try FileStatus.of(OwnedDescriptor(owning: FileDescriptor(rawValue: dup(descriptor))))
        } catch {
            throw SystemCallError("statx", "look at the root of the host (paths.host)", printable(path), errno: error)
        }
        place.withLock { $0 = Place(descriptor: descriptor, path: seen, status: status) }
    }

    /// Whether this is the root of the machine, above which there is nothing of it. Only known where it is another than
    /// this process's own.
    public static func isRoot(_ status: FileStatus) -> Bool {
        guard let root = place.withLock({ $0?.status }) else { return false }
        return status.inode == root.inode && status.device == root.device && status.mount == root.mount
    }

    /// The machine's own path for one that the kernel told, as `/proc/self/fd` does; nil: it is none of the machine's.
    public static func path(ofKernels path: FilePath) -> FilePath? {
        guard let root = place.withLock({ $0?.path }) else { return path }
        var rest = path
        guard rest.removePrefix(root) else { return nil }
        return FilePath("/").appending(rest.components)
    }

    /// From where, and by which rules, the kernel is to resolve a path of the machine's.
    static var way: (folder: Int32, resolve: UInt64) {
        place.withLock { place in place.map { ($0.descriptor, UInt64(RESOLVE_IN_ROOT)) } ?? (AT_FDCWD, 0) }
    }
}
