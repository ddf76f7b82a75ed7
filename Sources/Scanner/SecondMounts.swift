internal import LinuxSystem
internal import SystemPackage

/// Tells folders that a walk meets a second time through another mount: bind mounts of what it meets anyway, and the
/// merged views that overlay mounts give of layers it meets where they lie.
///
/// A folder is only left out where it was seen, by a look at it, that the walk gets to the same folder by another way.
struct SecondMounts {
    /// A folder from which the walk meets everything that is on its mount.
    private struct Covered {
        let mount: MountTable.Mount
        /// The folder as the file system has it.
        let inside: FilePath
        /// The folder as the machine that is looked at has it.
        let path: FilePath
    }

    private var table = MountTable([])
    private var covered: [Covered] = []
    private let isExcluded: (FilePath) -> Bool

    /// - Parameter isExcluded: whether the walk leaves out a path, or a folder above it.
    init(isExcluded: @escaping (FilePath) -> Bool) {
        self.isExcluded = isExcluded
    }

    /// The walk begins at a folder.
    mutating func begin(_ folder: borrowing OwnedDescriptor, _ status: FileStatus) {
        table = .current()
        cover(folder, status)
    }

    /// The walk has come upon a mount: where it meets the same folder else, or nil where this is the only way.
    mutating func otherWay(to folder: borrowing OwnedDescriptor, _ status: FileStatus) -> FilePath? {
        if table[status.mount] == nil { table = .current() }
        guard let mount = table[status.mount] else { return nil }
        for known in covered {
            if mount.type == "overlay" {
                guard let layer = mount.options.first(where: { $0.hasPrefix("upperdir=") }).map({ $0.dropFirst(9) })
                else { continue }
                let path = FilePath(String(layer))
                if path.starts(with: known.path), leads(path, known, nil) { return path }
            } else if mount.device == known.mount.device, mount.root.starts(with: known.inside) {
                var path = known.path
                path.append(mount.root.components.dropFirst(known.inside.components.count))
                if leads(path, known, status) { return path }
            }
        }
        cover(folder, status)
        return nil
    }

    /// Whether a path is on the covered mount, not hidden by another one, not left out, and, where it is given, this
    /// very folder.
    private func leads(_ path: FilePath, _ known: Covered, _ folder: FileStatus?) -> Bool {
        guard let found = try? Opening.start(onHost: path), let status = try? FileStatus.of(found),
            status.mount == known.mount.id, !isExcluded(path)
        else { return false }
        guard let folder else { return status.kind == .directory }
        return status.device == folder.device && status.inode == folder.inode
    }

    private mutating func cover(_ folder: borrowing OwnedDescriptor, _ status: FileStatus) {
        guard let mount = table[status.mount], let path = try? readLink(FilePath("/proc/self/fd/\(folder.rawValue)")),
            path.starts(with: mount.point), let own = HostRoot.path(ofKernels: path)
        else { return }
        var inside = mount.root
        inside.append(path.components.dropFirst(mount.point.components.count))
        covered.append(Covered(mount: mount, inside: inside, path: own))
    }
}
