internal import Glibc
public import Journal
public import LinuxSystem
public import SystemPackage

/// The files that were set aside: `quarantine` in the state folder, a folder for each with its content, encoded, and its
/// manifest. For root alone.
///
/// A folder's name tells how far it is. `.new-ID` is being filled, or being removed; `.set-ID` is complete and on the
/// disk, and the original is being taken away; `ID` is what a person sees. So at any moment the original is in its place
/// or a complete copy is here, and ``recover()`` finishes what was killed in between.
public final class Quarantine {
    /// Where it is.
    public let path: FilePath
    private let folder: OwnedDescriptor
    /// Told before each step, so that a test can do what others might do in that moment.
    var willDo: (Step) throws -> Void = { _ in }

    /// The steps of setting a file aside.
    public enum Step: String, CaseIterable, Sendable {
        case makeFolder, copyPiece, writeManifest, complete, moveOriginal, removeOriginal, tell, confirm
    }

    /// A file in the quarantine.
    public struct Entry: Sendable {
        /// Its name.
        public let id: ShortID
        /// What is known of it.
        public let manifest: Result<QuarantineManifest, MalformedManifest>
    }

    private static let content = FileName("content".utf8)!
    private static let manifest = FileName("manifest.json".utf8)!

    /// Opens the quarantine of a state folder, and makes it where it is missing.
    ///
    /// - Throws: ``SystemCallError`` where it cannot be opened; ``UnsafeQuarantine`` where others could change it.
    public init(state: FilePath) throws {
        path = state.appending("quarantine")
        folder = try Self.open(state, path)
    }

    private static func open(_ state: FilePath, _ path: FilePath) throws -> OwnedDescriptor {
        let name = FileName("quarantine".utf8)!
        do {
            let parent = try Opening.readable(Opening.start(at: state))
            if (try? FileStatus.of(name, in: parent)) == nil { try FolderEntries.makeFolder(name, in: parent) }
            let folder = try Opening.folder(name, in: parent)
            let status = try FileStatus.of(folder)
            guard status.user == geteuid(), status.permissions & 0o077 == 0 else { throw UnsafeQuarantine(path: path) }
            return folder
        } catch let error as Errno {
            throw SystemCallError("openat2", "open the quarantine", printable(path), errno: error)
        }
    }

    /// What is done before each step of setting aside; for tests and for the probe that is killed at one of them.
    public func before(_ willDo: @escaping (Step) throws -> Void) { self.willDo = willDo }

    // MARK: Setting aside

    /// A file whose copy is complete and whose original is gone, until it was told.
    public struct SetAside: ~Copyable {
        /// Its name.
        public let id: ShortID
        /// Other names of the file that remain (hard links).
        public fileprivate(set) var remainingNames: UInt32
        /// The file's ctime since its name was removed: what another look at another name of it has to expect.
        public fileprivate(set) var changed: FileStatus.Time?
        /// Held until it is confirmed, so that nobody takes it for what a killed process left behind.
        fileprivate let entry: OwnedDescriptor
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
        let names = Names(aside.id)
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
        let names = Names(aside.id)
        try FolderEntries.rename(names.set, to: names.final, in: folder)
        try FolderEntries.synchronise(folder)
    }

    private func makeEntry() throws -> SetAside {
        while true {
            let id = ShortID.random()
            let names = Names(id)
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
            try willDo(.removeOriginal)
            let moved = try FileStatus.of(aside, in: candidate.folder)
            // Its ctime is the rename's now.
            guard moved.isSame(candidate.before) else {
                try putBack(aside, candidate)
                throw QuarantineRefusal.changed
            }
            try FolderEntries.remove(aside, in: candidate.folder)
            try FolderEntries.synchronise(candidate.folder)
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

    // MARK: After a kill

    /// What a killed process left, finished: unfinished copies are removed, files whose original was taken away and
    /// that were not told yet are returned, to be told and then confirmed.
    public func recover() throws -> [Recovered] {
        var recovered: [Recovered] = []
        for name in try names() {
            let text = String(decoding: name.bytes, as: UTF8.self)
            if text.hasPrefix(Names.newPrefix) {
                guard let entry = try lockedEntry(name) else { continue }
                try removeTree(path.appending(text))
                _ = consume entry
            } else if text.hasPrefix(Names.setPrefix), let id = ShortID(String(text.dropFirst(Names.setPrefix.count))) {
                guard let entry = try lockedEntry(name) else { continue }
                switch readManifest(entry) {
                case .failure:
                    // Complete once, damaged since: a person decides.
                    try confirm(SetAside(id: id, remainingNames: 0, entry: entry))
                case .success(let manifest):
                    if try finish(manifest, Names(id)) {
                        recovered.append(Recovered(id: id, manifest: manifest))
                    } else {
                        try FolderEntries.rename(name, to: Names(id).new, in: folder)
                        try removeTree(path.appending(Names(id).newText))
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
        let names = Names(recovered.id)
        // Another process may have told it as well.
        do throws(Errno) {
            try FolderEntries.rename(names.set, to: names.final, in: folder)
        } catch .noSuchFileOrDirectory { return }
        try FolderEntries.synchronise(folder)
    }

    /// Whether the original is gone; where it was renamed only, it is removed now.
    private func finish(_ manifest: QuarantineManifest, _ names: Names) throws -> Bool {
        let parent = manifest.place.removingLastComponent()
        guard let component = manifest.place.lastComponent,
            let name = FileName(FilePath(root: nil, components: component).bytes)
        else { return true }
        let original: OwnedDescriptor
        do throws(Errno) {
            original = try FolderEntries.folder(at: parent)
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

    // MARK: Looking

    /// What is in it, sorted by name.
    public func entries() throws -> [Entry] {
        var entries: [Entry] = []
        for name in try names() {
            guard let id = ShortID(String(decoding: name.bytes, as: UTF8.self)) else { continue }
            let entry: OwnedDescriptor
            do throws(Errno) {
                entry = try Opening.folder(name, in: folder)
            } catch .noSuchFileOrDirectory {
                continue
            } catch {
                entries.append(Entry(id: id, manifest: .failure(MalformedManifest(description: "\(error)"))))
                continue
            }
            entries.append(Entry(id: id, manifest: readManifest(entry)))
        }
        return entries.sorted { $0.id < $1.id }
    }

    private func names() throws -> [FileName] {
        // From the beginning: the descriptor has been read to its end before.
        let listing = try Opening.readable(folder)
        var reader = FolderReader()
        var names: [FileName] = []
        do throws(Errno) {
            while let entry = try reader.next(of: listing) { names.append(entry.name) }
        } catch {
            throw SystemCallError("getdents64", "read", printable(path), errno: error)
        }
        return names
    }

    /// The entry's folder, locked; nil where somebody else is at it, or it is gone.
    private func lockedEntry(_ name: FileName) throws -> OwnedDescriptor? {
        guard let entry = try? Opening.folder(name, in: folder), try FolderEntries.lock(entry) else { return nil }
        guard (try? FileStatus.of(name, in: folder)) != nil else { return nil }
        return entry
    }

    private func readManifest(
        _ entry: borrowing OwnedDescriptor
    ) -> Result<QuarantineManifest, MalformedManifest> {
        do {
            let file = try Opening.file(Self.manifest, in: entry)
            guard try FileStatus.of(file).size <= UInt64(QuarantineManifest.largest) else {
                throw MalformedManifest(description: "it is too large")
            }
            return .success(try QuarantineManifest(readToEnd(file.descriptor)))
        } catch let error as MalformedManifest {
            return .failure(error)
        } catch {
            return .failure(MalformedManifest(description: "it cannot be read: \(error)"))
        }
    }

    // MARK: Restoring and deleting

    /// What was put back.
    public struct Restored: Sendable {
        /// What was known of it.
        public let manifest: QuarantineManifest
        /// Where it is now.
        public let place: FilePath
        /// Which file it is now.
        public let identity: FileIdentity
    }

    /// Puts a file back with everything it had, at its old place or another: never over anything that is there, never
    /// through a symbolic link. Only when it is on the disk, it leaves the quarantine.
    ///
    /// - Parameter destination: a path from the root; nil: where it was.
    public func restore(_ id: ShortID, to destination: FilePath?) throws -> Restored {
        let names = Names(id)
        let entry = try open(id)
        let manifest = try readManifest(entry).get()
        let place = destination ?? manifest.place
        guard let component = place.lastComponent, place.isAbsolute,
            let name = FileName(FilePath(root: nil, components: component).bytes)
        else { throw RestoreFailure("\(printable(place)) is no place for a file: give a path from the root") }
        let parent = place.removingLastComponent()
        let into: OwnedDescriptor
        do throws(Errno) {
            into = try FolderEntries.folder(at: parent)
        } catch .tooManySymbolicLinkLevels {
            throw RestoreFailure(
                "there is a symbolic link on the way to \(printable(place)): give the real path with --to")
        } catch .noSuchFileOrDirectory {
            throw RestoreFailure(
                "the folder \(printable(parent)) is not there: make it, or give another place with --to")
        } catch {
            throw SystemCallError("openat2", "open the folder", printable(parent), errno: error)
        }
        // Before anything is written; the kernel asks again when the name is given.
        guard (try? FileStatus.of(name, in: into)) == nil else { throw RestoreFailure.occupied(place) }
        let file = try decode(entry, manifest, into, place)
        do throws(Errno) {
            try FolderEntries.give(file, name: name, in: into)
            try FolderEntries.synchronise(into)
        } catch .fileExists {
            throw RestoreFailure.occupied(place)
        } catch {
            throw SystemCallError("linkat", "restore", printable(place), errno: error)
        }
        let identity = FileIdentity(try FileStatus.of(file))
        try remove(names)
        return Restored(manifest: manifest, place: place, identity: identity)
    }

    /// The plain file, complete, with all its metadata, and without a name yet.
    private func decode(
        _ entry: borrowing OwnedDescriptor, _ manifest: QuarantineManifest, _ into: borrowing OwnedDescriptor,
        _ place: FilePath
    ) throws -> OwnedDescriptor {
        let file: OwnedDescriptor
        do throws(Errno) {
            file = try FolderEntries.makeUnnamedFile(in: into)
        } catch .notSupportedOnSocket {
            throw RestoreFailure(
                "the file system of \(printable(place)) cannot make a file without a name: give another place with --to"
            )
        } catch {
            throw SystemCallError("openat", "make a file in the folder of", printable(place), errno: error)
        }
        do {
            let content = try Opening.file(Self.content, in: entry)
            var encoding = EncodedContent(key: manifest.key)
            let output = file.descriptor
            try forEachPiece(of: content) { piece in
                encoding.decode(&piece)
                try output.writeAll(piece)
            }
            guard encoding.size == manifest.size, encoding.checksum == manifest.checksum else {
                throw RestoreFailure("its content in \(printable(path)) is damaged: it is not what was set aside")
            }
            try manifest.metadata.apply(to: file)
            try FolderEntries.synchronise(file)
        } catch let error as Errno {
            throw SystemCallError("write", "restore", printable(place), errno: error)
        }
        return file
    }

    /// Deletes a file for good, also one whose manifest is damaged.
    public func delete(_ id: ShortID) throws {
        let entry = try open(id)
        try remove(Names(id))
        _ = consume entry
    }

    private func open(_ id: ShortID) throws -> OwnedDescriptor {
        do throws(Errno) {
            let entry = try Opening.folder(Names(id).final, in: folder)
            guard try FolderEntries.lock(entry) else {
                throw .resourceBusy
            }
            return entry
        } catch {
            throw SystemCallError("openat2", "open in the quarantine", id.description, errno: error)
        }
    }

    private func remove(_ names: Names) throws {
        do throws(Errno) {
            try FolderEntries.rename(names.final, to: names.new, in: folder)
            try FolderEntries.synchronise(folder)
        } catch {
            throw SystemCallError("renameat2", "remove from", printable(path), errno: error)
        }
        try removeTree(path.appending(names.newText))
    }
}

/// The names of one entry on its way.
private struct Names {
    static let newPrefix = ".new-"
    static let setPrefix = ".set-"

    let newText: String
    let new: FileName
    let set: FileName
    let final: FileName
    /// What the original is called, in its own folder, between being renamed and being removed.
    let original: FileName

    init(_ id: ShortID) {
        newText = Self.newPrefix + id.description
        new = FileName(newText.utf8)!
        set = FileName((Self.setPrefix + id.description).utf8)!
        final = FileName(id.description.utf8)!
        original = FileName(".nodeguard-quarantine-\(id)".utf8)!
    }
}

/// The quarantine's folder could be changed by others than its owner.
public struct UnsafeQuarantine: Error, Equatable, CustomStringConvertible {
    let path: FilePath

    /// One sentence with the fix.
    public var description: String {
        "\(printable(path)) must belong to this user and be closed to all others: chown it, and chmod 700"
    }
}

/// Why a file was not restored; a sentence for a person.
public struct RestoreFailure: Error, Equatable, CustomStringConvertible {
    /// The sentence.
    public let description: String

    init(_ description: String) { self.description = description }

    static func occupied(_ place: FilePath) -> RestoreFailure {
        RestoreFailure(
            "there is something at \(printable(place)) already: move it away, or give another place with --to")
    }
}

extension FileStatus {
    /// Whether this is the file that was scanned, with nothing written to it since.
    fileprivate func isSame(_ before: FileStatus) -> Bool {
        kind == .regular && device == before.device && inode == before.inode && size == before.size
            && modified == before.modified
    }

    /// The same by the manifest, maybe after a reboot, which can change the number of a device.
    fileprivate func isSame(_ manifest: QuarantineManifest) -> Bool {
        kind == .regular && inode == manifest.inode && size == manifest.size && modified == manifest.metadata.modified
    }
}
