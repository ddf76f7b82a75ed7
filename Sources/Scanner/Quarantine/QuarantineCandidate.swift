public import LinuxSystem
public import SystemPackage

/// A file that may be set aside: it was checked against keys, chain data and the validators' folders, and it is still
/// what was scanned. There is no other way to make one, and nothing else can be given to ``Quarantine``.
public struct QuarantineCandidate: ~Copyable {
    /// The open file that was scanned.
    let file: OwnedDescriptor
    /// What it was like when it was opened.
    let before: FileStatus
    /// The ctime that it must still have.
    let changed: FileStatus.Time
    /// The path by which the scan met it.
    let path: FilePath
    /// Its path as the kernel has it, seen from the machine's root: no symbolic link is in it.
    let place: FilePath
    /// The folder that it is in.
    let folder: OwnedDescriptor
    /// Its name there.
    let name: FileName

    /// Checks a file that was scanned.
    ///
    /// - Parameters:
    ///   - file: the open file that was scanned, or another descriptor of it.
    ///   - before: what it was like when it was opened.
    ///   - changed: its ctime since, where this program itself has removed another name of it; nil: as `before` has it.
    ///   - path: the path by which it was met.
    ///   - protected: the folders out of which nothing is taken.
    /// - Throws: ``QuarantineRefusal`` where it must stay where it is, or is not there any more.
    public init(
        _ file: consuming OwnedDescriptor, before: FileStatus, changed: FileStatus.Time? = nil, path: FilePath,
        protected: ProtectedPlaces
    ) throws(QuarantineRefusal) {
        let place = try Self.check(file, path, protected)
        guard let component = place.lastComponent,
            let name = FileName(FilePath(root: nil, components: component).bytes)
        else { throw QuarantineRefusal("it has no name") }
        self.folder = try Self.folder(of: place)
        self.file = file
        self.before = before
        self.changed = changed ?? before.changed
        self.path = path
        self.place = place
        self.name = name
    }

    private static func folder(of place: FilePath) throws(QuarantineRefusal) -> OwnedDescriptor {
        do {
            return try FolderEntries.folder(onHost: place.removingLastComponent())
        } catch {
            throw QuarantineRefusal("its folder cannot be opened: \(error)")
        }
    }

    /// Where the file is, if it may be taken away from there.
    private static func check(
        _ file: borrowing OwnedDescriptor, _ path: FilePath, _ protected: ProtectedPlaces
    ) throws(QuarantineRefusal) -> FilePath {
        let place: FilePath
        let mounted: MountedPlace
        do {
            guard
                let own = HostRoot.path(ofKernels: try readLink(FilePath("/proc/self/fd/\(file.rawValue)")))
            else { throw QuarantineRefusal("it is not on the machine that is looked at (paths.host)") }
            place = own
            mounted = try MountedPlace.of(file)
        } catch {
            throw QuarantineRefusal("\(error)")
        }
        for one in [path.bytes, place.bytes] {
            if let refusal = protected.refusal(one, mounted) { throw refusal }
        }
        return place
    }

    /// Whether nothing was written to it since it was opened to be scanned.
    var isUnchanged: Bool {
        guard let now = try? FileStatus.of(file) else { return false }
        return now.kind == .regular && now.size == before.size && now.modified == before.modified
            && now.changed == changed
    }

    /// Whether its name still stands for it.
    var isStillThere: Bool {
        guard let named = try? FileStatus.of(name, in: folder) else { return false }
        return named.device == before.device && named.inode == before.inode
    }
}

/// Why a file was not set aside; the rest of the sentence "not set aside: …".
public struct QuarantineRefusal: Error, Equatable, CustomStringConvertible {
    /// The reason.
    public let description: String

    init(_ description: String) { self.description = description }

    /// It was written to, renamed or replaced since it was scanned.
    static let changed = QuarantineRefusal("it was changed, moved or replaced since it was scanned; the next scan sees")
}
