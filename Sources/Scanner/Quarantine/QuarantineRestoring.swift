public import Journal
internal import LinuxSystem
public import SystemPackage

extension Quarantine {
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
        let names = QuarantineNames(id)
        let entry = try open(id)
        let manifest = try readManifest(entry).get()
        let place = destination ?? manifest.place
        guard let component = place.lastComponent, place.isAbsolute,
            let name = FileName(FilePath(root: nil, components: component).bytes)
        else { throw RestoreFailure("\(printable(place)) is no place for a file: give a path from the root") }
        let parent = place.removingLastComponent()
        let into: OwnedDescriptor
        do throws(Errno) {
            into = try FolderEntries.folder(onHost: parent)
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
        try remove(QuarantineNames(id))
        _ = consume entry
    }

    private func open(_ id: ShortID) throws -> OwnedDescriptor {
        do throws(Errno) {
            let entry = try Opening.folder(QuarantineNames(id).final, in: folder)
            guard try FolderEntries.lock(entry) else {
                throw .resourceBusy
            }
            return entry
        } catch {
            throw SystemCallError("openat2", "open in the quarantine", id.description, errno: error)
        }
    }

    private func remove(_ names: QuarantineNames) throws {
        do throws(Errno) {
            try FolderEntries.rename(names.final, to: names.new, in: folder)
            try FolderEntries.synchronise(folder)
        } catch {
            throw SystemCallError("renameat2", "remove from", printable(path), errno: error)
        }
        try removeTree(path.appending(names.newText))
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
