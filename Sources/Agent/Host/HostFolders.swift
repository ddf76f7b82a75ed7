internal import LinuxSystem
internal import SystemPackage

extension HostFiles {
    /// Where a folder that a process sees lies on the host: a volume of a pod under its path on the node. Nil where that
    /// cannot be told.
    func hostFolder(_ seen: String, by process: HostProcess) -> String? {
        guard let theirs = bytes("/proc/\(process.id)/mountinfo").value, let ours = bytes("/proc/self/mountinfo").value
        else {
            return nil
        }
        let folder = FilePath(seen).lexicallyNormalized()
        func mount(of path: FilePath, _ mounts: [MountTable.Mount]) -> MountTable.Mount? {
            mounts.filter { path.starts(with: $0.point) }.max {
                ($0.point.components.count, $0.id) < ($1.point.components.count, $1.id)
            }
        }
        guard let inside = mount(of: folder, MountTable(theirs).all) else { return nil }
        var place = inside.root
        place.append(contentsOf: folder.components.dropFirst(inside.point.components.count))
        // The same file system, seen by the host: the mount that shows the most of it.
        let outside = MountTable(ours).all
            .filter { $0.device == inside.device && place.starts(with: $0.root) }
            .min { ($0.root.components.count, $0.id) < ($1.root.components.count, $1.id) }
        guard let outside else { return nil }
        var found = outside.point
        found.append(contentsOf: place.components.dropFirst(outside.root.components.count))
        return String(decoding: found.bytes, as: UTF8.self)
    }
}

extension FilePath {
    fileprivate mutating func append(contentsOf names: some Collection<Component>) {
        for name in names { append(name) }
    }
}
