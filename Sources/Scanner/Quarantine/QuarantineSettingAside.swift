public import Journal
public import LinuxSystem
internal import SystemPackage

extension Quarantine {
    /// A file whose copy is complete and whose original is gone, until it was told.
    public struct SetAside: ~Copyable {
        /// Its name.
        public let id: ShortID
        /// Other names of the file that remain (hard links).
        public internal(set) var remainingNames: UInt32
        /// The file's ctime since its name was removed: what another look at another name of it has to expect.
        public internal(set) var changed: FileStatus.Time?
        /// Held until it is confirmed, so that nobody takes it for what a killed process left behind.
        let entry: OwnedDescriptor
    }

    /// Sets a file aside: copies the descriptor that was scanned, and when the copy is on the disk, removes the name if
    /// it still stands for that file.
    ///
    /// - Throws: why it was not set aside; the original is where it was then, and no copy is left.
    public func setAside(
        _ candidate: consuming QuarantineCandidate, signatures: [String], target: String?, scanID: ScanID
    ) throws -> SetAside {
        guard candidate.isUnchanged, candidate.isStillThere else { throw QuarantineRefusal.changed }
        try willDo(.makeFolder)
        var aside = try makeEntry()
        let names = QuarantineNames(aside.id)
        do {
            try fill(aside.entry, with: candidate, signatures: signatures, target: target, scanID: scanID)
            try willDo(.complete)
            try FolderEntries.rename(names.new, to: names.set, in: folder)
            try FolderEntries.synchronise(folder)
        } catch {
            try? removeTree(path.appending(names.newText))
            throw error
        }
        do {
            try takeAway(candidate, names.original)
        } catch {
            // The original is there: the copy goes. Where that fails, the next start does it.
            if (try? FolderEntries.rename(names.set, to: names.new, in: folder)) != nil {
                try? removeTree(path.appending(names.newText))
            }
            throw error
        }
        try willDo(.tell)
        let left = try? FileStatus.of(candidate.file)
        aside.remainingNames = left?.links ?? 0
        aside.changed = left?.changed
        return aside
    }

    /// What was set aside has been told: from now on a person sees it.
    public func confirm(_ aside: consuming SetAside) throws {
        try willDo(.confirm)
        let names = QuarantineNames(aside.id)
        try FolderEntries.rename(names.set, to: names.final, in: folder)
        try FolderEntries.synchronise(folder)
    }

    private func makeEntry() throws -> SetAside {
        while true {
            let id = ShortID.random()
            let names = QuarantineNames(id)
            if (try? FileStatus.of(names.set, in: folder)) != nil { continue }
            if (try? FileStatus.of(names.final, in: folder)) != nil { continue }
            do throws(Errno) {
                try FolderEntries.makeFolder(names.new, in: folder)
                let entry = try Opening.folder(names.new, in: folder)
                // Somebody else's start may have taken the empty folder for a leftover before it was locked.
                if try FolderEntries.lock(entry), try FileStatus.of(entry).links > 0 {
                    return SetAside(id: id, remainingNames: 0, entry: entry)
                }
            } catch .fileExists, .noSuchFileOrDirectory {
            } catch {
                throw SystemCallError("mkdirat", "make a folder in", printable(path), errno: error)
            }
        }
    }

    private func fill(
        _ entry: borrowing OwnedDescriptor, with candidate: borrowing QuarantineCandidate, signatures: [String],
        target: String?, scanID: ScanID
    ) throws {
        var encoding = EncodedContent()
        do {
            // Before it is read, which may change when it was last read.
            let metadata = try FileMetadata(of: candidate.file)
            let copy = try FolderEntries.makeFile(Self.content, in: entry)
            // Its number: a closure that captures its owner is more than Swift 6.3 can compile.
            let (output, willDo) = (copy.descriptor, willDo)
            try forEachPiece(of: candidate.file) { piece in
                try willDo(.copyPiece)
                encoding.encode(&piece)
                try output.writeAll(piece)
            }
            try FolderEntries.synchronise(copy)
            try willDo(.writeManifest)
            guard encoding.size == candidate.before.size, candidate.isUnchanged else { throw QuarantineRefusal.changed }
            let manifest = QuarantineManifest(
                path: candidate.path, place: candidate.place, signatures: signatures, target: target, scanID: scanID,
                time: .now(), size: encoding.size, inode: candidate.before.inode, metadata: metadata, key: encoding.key,
                checksum: encoding.checksum)
            let file = try FolderEntries.makeFile(Self.manifest, in: entry)
            try file.descriptor.writeAll(manifest.encoded())
            try FolderEntries.synchronise(file)
            try FolderEntries.synchronise(entry)
        } catch let error as Errno {
            throw SystemCallError("write", "copy it to the quarantine", printable(path), errno: error)
        }
    }

    /// Removes the file's name, if it is the file's. No system call removes a name only if it stands for a certain file, so
    /// it is first renamed to one that nobody else uses, and looked at there.
    private func takeAway(
        _ candidate: borrowing QuarantineCandidate, _ aside: FileName
    ) throws {
        do {
            try willDo(.moveOriginal)
            guard candidate.isUnchanged else { throw QuarantineRefusal.changed }
            do throws(Errno) {
                try FolderEntries.rename(candidate.name, to: aside, in: candidate.folder)
            } catch .noSuchFileOrDirectory {
                throw QuarantineRefusal.changed
            }
            do {
                try willDo(.removeOriginal)
                // Its ctime is the rename's now.
                guard try FileStatus.of(aside, in: candidate.folder).isSame(candidate.before) else {
                    throw QuarantineRefusal.changed
                }
                try FolderEntries.remove(aside, in: candidate.folder)
            } catch {
                try putBack(aside, candidate)
                throw error
            }
            // It is gone, and the copy is on the disk: a removal that a power cut takes back costs nothing.
            try? FolderEntries.synchronise(candidate.folder)
        } catch let error as Errno {
            throw SystemCallError("renameat2", "take away", printable(candidate.place), errno: error)
        }
    }

    private func putBack(_ aside: FileName, _ candidate: borrowing QuarantineCandidate) throws {
        do throws(Errno) {
            try FolderEntries.rename(aside, to: candidate.name, in: candidate.folder)
        } catch {
            throw QuarantineRefusal(
                "while it was replaced, another file took its name; what was there in between is now "
                    + printable(candidate.place.removingLastComponent().bytes + [UInt8(ascii: "/")] + aside.bytes))
        }
    }
}

extension FileStatus {
    /// Whether this is the file that was scanned, with nothing written to it since.
    fileprivate func isSame(_ before: FileStatus) -> Bool {
        kind == .regular && device == before.device && inode == before.inode && size == before.size
            && modified == before.modified
    }
}
