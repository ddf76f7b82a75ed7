public import Journal
internal import LinuxSystem
internal import SystemPackage

extension Quarantine {
    /// What a killed process left, finished: unfinished copies are removed, files whose original was taken away and
    /// that were not told yet are returned, to be told and then confirmed.
    public func recover() throws -> [Recovered] {
        var recovered: [Recovered] = []
        for name in try names() {
            let text = String(decoding: name.bytes, as: UTF8.self)
            if text.hasPrefix(QuarantineNames.newPrefix) {
                guard let entry = try lockedEntry(name) else { continue }
                try removeTree(path.appending(text))
                _ = consume entry
            } else if text.hasPrefix(QuarantineNames.setPrefix),
                let id = ShortID(String(text.dropFirst(QuarantineNames.setPrefix.count)))
            {
                guard let entry = try lockedEntry(name) else { continue }
                switch readManifest(entry) {
                case .failure:
                    // Complete once, damaged since: a person decides.
                    try confirm(SetAside(id: id, remainingNames: 0, entry: entry))
                case .success(let manifest):
                    if try finish(manifest, QuarantineNames(id)) {
                        recovered.append(Recovered(id: id, manifest: manifest))
                    } else {
                        try FolderEntries.rename(name, to: QuarantineNames(id).new, in: folder)
                        try removeTree(path.appending(QuarantineNames(id).newText))
                    }
                    _ = consume entry
                }
            }
        }
        return recovered
    }

    /// A file that was set aside by a process that was killed before it could tell.
    public struct Recovered: Sendable {
        /// Its name.
        public let id: ShortID
        /// What is known of it.
        public let manifest: QuarantineManifest
    }

    /// It has been told now.
    public func confirm(_ recovered: Recovered) throws {
        let names = QuarantineNames(recovered.id)
        // Another process may have told it as well.
        do throws(Errno) {
            try FolderEntries.rename(names.set, to: names.final, in: folder)
        } catch .noSuchFileOrDirectory { return }
        try FolderEntries.synchronise(folder)
    }

    /// Whether the original is gone; where it was renamed only, it is removed now.
    private func finish(_ manifest: QuarantineManifest, _ names: QuarantineNames) throws -> Bool {
        let parent = manifest.place.removingLastComponent()
        guard let component = manifest.place.lastComponent,
            let name = FileName(FilePath(root: nil, components: component).bytes)
        else { return true }
        let original: OwnedDescriptor
        do throws(Errno) {
            original = try FolderEntries.folder(onHost: parent)
        } catch .noSuchFileOrDirectory {
            return true
        } catch {
            throw SystemCallError("openat2", "look for the original in", printable(parent), errno: error)
        }
        if let moved = try? FileStatus.of(names.original, in: original), moved.isSame(manifest) {
            try FolderEntries.remove(names.original, in: original)
            try FolderEntries.synchronise(original)
            return true
        }
        guard let named = try? FileStatus.of(name, in: original) else { return true }
        return !named.isSame(manifest)
    }
}

extension FileStatus {
    /// The same by the manifest, maybe after a reboot, which can change the number of a device.
    fileprivate func isSame(_ manifest: QuarantineManifest) -> Bool {
        kind == .regular && inode == manifest.inode && size == manifest.size && modified == manifest.metadata.modified
    }
}
