internal import Journal
internal import LinuxSystem
internal import SystemPackage

/// What a target leaves out.
struct WalkRules {
    /// Paths and names that are not entered.
    private let exclude: PathPatterns<Void>
    /// Whether file systems mounted beneath the root are left out.
    var oneFileSystem = true
    /// What is recognised as a validator's.
    var validatorFiles = ValidatorFileMatcher(ValidatorFiles())

    /// Rules; without any, what is on the root's file system is met.
    init(
        exclude: [PathGlob] = [], oneFileSystem: Bool = true,
        validatorFiles: ValidatorFileMatcher = ValidatorFileMatcher(ValidatorFiles())
    ) {
        self.exclude = PathPatterns(exclude.map { ($0.pattern, ()) })
        self.oneFileSystem = oneFileSystem
        self.validatorFiles = validatorFiles
    }

    /// What the path of a folder says about everything in it.
    struct Folder {
        fileprivate let exclude: PathPatterns<Void>.Folder
        fileprivate let validatorFiles: ValidatorFileMatcher.Folder
    }

    /// Asks the path of a folder.
    func folder(_ path: [UInt8]) -> Folder {
        Folder(exclude: exclude.folder(path), validatorFiles: validatorFiles.folder(path))
    }

    /// Whether an entry of that folder could be left out.
    fileprivate func mayExclude(_ name: NameHashes, in folder: Folder) -> Bool {
        exclude.mayMatch(name, in: folder.exclude)
    }

    /// Whether an entry of that folder could be a validator's.
    fileprivate func mayBeValidators(_ name: NameHashes, in folder: Folder) -> Bool {
        validatorFiles.mayConcern(name, in: folder.validatorFiles)
    }

    /// Whether a path is left out by itself.
    func excludes(_ path: [UInt8]) -> Bool { exclude.first(matching: path) != nil }

    /// Whether a path is left out, or a folder above it.
    func excludesAnyOf(_ path: FilePath) -> Bool {
        var path = path
        while !path.components.isEmpty {
            if excludes(path.bytes) { return true }
            path.removeLastComponent()
        }
        return false
    }
}

/// Meets every file beneath one root, folder by folder, each anchored on an open descriptor: no path is ever
/// looked up twice, and no symbolic link followed.
///
/// A folder's files are met before its subfolders are entered, so only the names of subfolders wait in memory. Of the
/// folders on the way down at most ``mostOpen`` stay open; one that was closed is found again from its child by
/// `..`, and believed only if it is the same inode.
struct Walk: ~Copyable {
    /// What the walk came across.
    enum Met {
        /// A file of which everything is known already: nobody asked for its path.
        case known
        /// A file that is to be looked at. ``Walk/open(_:)`` opens it, until the next step of the walk.
        case file(Candidate)
        /// A key file: it is not opened, and what is wrong with its owner and permissions is all there is to tell.
        case key(path: [UInt8], size: UInt64, exposure: KeyFileExposure?)
        /// Something whose outcome is known without a look.
        case settled(path: [UInt8], outcome: Outcome, size: UInt64?, detail: String?)
    }

    /// A regular file that was met and not opened yet.
    struct Candidate {
        /// Where it is.
        let path: [UInt8]
        /// What statx(2) said when it was met.
        let status: FileStatus
        /// The file system it is on; nil where that has no identity to be relied on.
        let fileSystem: FileSystemIdentity?
        /// Whether that is a file system of this machine; nil where it was not asked.
        let isLocal: Bool?
        /// Whether it is a part of a chain; nil: it is not.
        let chainData: ChainData?
        /// Its name in the folder that is open; nil for a root that is a file.
        fileprivate let name: FileName?
    }

    /// Folders held open on the way down.
    static let mostOpen = 64
    /// Bytes of names of one folder's subfolders that wait; then they are walked before the rest is listed.
    static let mostNames = 4 << 20

    private let root: FilePath
    private let rules: WalkRules
    private var stack: [Frame] = []
    private var reader = FolderReader()
    private var state = State.start
    /// The path of the folder on top of the stack.
    private var path: [UInt8] = []
    private var mounts: SecondMounts
    /// The root where it is a single file: an `O_PATH` descriptor.
    private var rootFile: OwnedDescriptor?

    private enum State {
        case start, walking, done
    }

    /// A folder on the way down.
    private final class Frame {
        /// Bytes of the walk's ``path`` that are this folder's.
        let pathLength: Int
        let status: FileStatus
        let fileSystem: FileSystemIdentity?
        /// Whether that is a file system of this machine.
        let isLocal: Bool
        /// What its path says about what is in it.
        let rules: WalkRules.Folder
        /// Whether everybody may enter it and every folder above it.
        let isReachable: Bool
        var descriptor: OwnedDescriptor?
        var isListed = false
        /// Moved away while it was being walked: what is left of it cannot be reached by any way that can be trusted.
        var isLost = false
        var subfolders = NameStack()
        /// Where to go on listing, once the subfolders so far were walked; nil: it was listed to its end.
        var unlistedFrom: Int64?

        init(
            pathLength: Int, status: FileStatus, fileSystem: FileSystemIdentity?, isLocal: Bool,
            rules: WalkRules.Folder,
            isReachable: Bool, descriptor: consuming OwnedDescriptor
        ) {
            self.isLocal = isLocal
            self.rules = rules
            self.pathLength = pathLength
            self.status = status
            self.fileSystem = fileSystem
            self.isReachable = isReachable && status.permissions & 0o001 != 0
            self.descriptor = consume descriptor
        }
    }

    /// A walk of everything at and beneath `root`; a symbolic link in the root itself is followed.
    init(root: FilePath, rules: WalkRules) {
        self.root = root
        self.rules = rules
        mounts = SecondMounts { rules.excludesAnyOf($0) }
    }

    /// What is asked of a file that was met, before its path is made up: what statx(2) said, the file system it is on,
    /// whether it is chain data that is written once.
    typealias IsKnown = (_ status: FileStatus, _ fileSystem: FileSystemIdentity?, _ isBulk: Bool) -> Bool

    /// The next file, or nil when everything was met.
    ///
    /// - Parameter isKnown: says of a file in a folder that nothing more has to be known of it.
    mutating func next(unless isKnown: IsKnown = { _, _, _ in false }) -> Met? {
        switch state {
        case .start:
            state = .walking
            if let met = begin() { return met }
        case .walking: break
        case .done: return nil
        }
        while let frame = stack.last {
            if !frame.isListed {
                if let met = list(frame, isKnown) { return met }
            } else if let name = frame.subfolders.popLast() {
                if let met = enter(name, of: frame) { return met }
            } else if let place = frame.unlistedFrom {
                if let met = listOn(frame, from: place) { return met }
            } else {
                leave(frame)
            }
        }
        state = .done
        return nil
    }

    /// Opens a file for reading, by its name in the folder that is being listed.
    func open(_ candidate: Candidate) throws(Errno) -> OwnedDescriptor {
        guard let name = candidate.name else {
            // Not `rootFile!`: Swift 6.3's optimiser crashes on that in a release build.
            switch rootFile {
            case .some(let file): return try Opening.readable(file)
            case .none: throw .badFileDescriptor
            }
        }
        return try Opening.file(name, in: stack[stack.count - 1].descriptor!)
    }

    // MARK: The root

    private mutating func begin() -> Met? {
        let path = root.bytes
        do {
            let start = try Opening.start(onHost: root)
            let status = try FileStatus.of(start)
            switch status.kind {
            case .directory:
                if try FileSystemKind.of(start) == .pseudo {
                    return settled(path, .skipped(.otherFilesystem), "a file system of the kernel's")
                }
                let folder = try Opening.readable(start)
                mounts.begin(folder, status)
                self.path = path
                let fileSystem = try FileSystemIdentity.of(folder)
                let isLocal = try FileSystemKind.of(folder) == .local
                let isReachable = Self.everyoneReaches(folder, status)
                stack.append(
                    Frame(
                        pathLength: path.count, status: status, fileSystem: fileSystem, isLocal: isLocal,
                        rules: rules.folder(path), isReachable: isReachable, descriptor: folder))
                return nil
            case .regular:
                let fileSystem = try FileSystemIdentity.of(start)
                rootFile = consume start
                return file(path, validatorFile: rules.validatorFiles(path), status, on: fileSystem, name: nil, in: nil)
            default:
                return settled(path, .skipped(.special), "\(status.kind.inWords), not a file or folder")
            }
        } catch {
            return settled(path, .incomplete(.ioError), "cannot open it: \(error)")
        }
    }

    /// Whether every folder above this one lets everybody through. What cannot be asked counts as open.
    private static func everyoneReaches(_ folder: borrowing OwnedDescriptor, _ status: FileStatus) -> Bool {
        guard var above = try? Opening.folder(.parent, in: folder), var here = try? FileStatus.of(above) else {
            return true
        }
        var below = status
        // The parent of the topmost folder is that folder itself, and the host's root has none of the host's.
        while !HostRoot.isRoot(below) && (here.inode != below.inode || here.device != below.device) {
            if here.permissions & 0o001 == 0 { return false }
            guard let next = try? Opening.folder(.parent, in: above), let its = try? FileStatus.of(next) else {
                return true
            }
            above = consume next
            below = here
            here = its
        }
        return true
    }

    // MARK: Listing

    private mutating func list(_ frame: Frame, _ isKnown: IsKnown) -> Met? {
        do {
            if frame.subfolders.size > Self.mostNames, reader.isDrained,
                let place = reader.place(in: frame.descriptor!)
            {
                frame.unlistedFrom = place
                frame.isListed = true
                return nil
            }
            guard let entry = try reader.next(of: frame.descriptor!) else {
                frame.isListed = true
                return nil
            }
            return meet(entry, in: frame, isKnown)
        } catch {
            frame.isListed = true
            return settled(path, .incomplete(.ioError), "cannot read the rest of this folder: \(error)")
        }
    }

    /// Goes on listing a folder whose first subfolders were walked.
    private mutating func listOn(_ frame: Frame, from place: Int64) -> Met? {
        frame.unlistedFrom = nil
        if frame.isLost {
            return settled(path, .incomplete(.ioError), "this folder was moved while it was scanned")
        }
        do {
            try reader.resume(frame.descriptor!, at: place)
            frame.isListed = false
            return nil
        } catch {
            return settled(path, .incomplete(.ioError), "cannot read the rest of this folder: \(error)")
        }
    }

    private func meet(_ entry: FolderReader.Entry, in frame: Frame, _ isKnown: IsKnown) -> Met? {
        let name = NameHashes(entry.name.bytes)
        var kind = entry.kind
        if rules.mayExclude(name, in: frame.rules), rules.excludes(path(of: entry.name)) {
            return settled(path(of: entry.name), .skipped(.excluded))
        }
        if kind == .directory {
            frame.subfolders.append(entry.name)
            return nil
        }
        if kind != .regular && kind != .unknown {
            return settled(path(of: entry.name), .skipped(.special), kind.inWords)
        }
        let status: FileStatus
        do {
            status = try FileStatus.of(entry.name, in: frame.descriptor!)
        } catch .noSuchFileOrDirectory {
            return settled(path(of: entry.name), .skipped(.vanished))
        } catch {
            return settled(path(of: entry.name), .incomplete(.ioError), "cannot look at it: \(error)")
        }
        kind = status.kind
        if kind == .directory {
            frame.subfolders.append(entry.name)
            return nil
        }
        guard kind == .regular else { return settled(path(of: entry.name), .skipped(.special), kind.inWords) }
        // A file can be a mount of its own; pods have hundreds of them.
        if rules.oneFileSystem && status.isElsewhere(than: frame.status) {
            return settled(path(of: entry.name), .skipped(.otherFilesystem), size: status.size)
        }
        var validatorFile: ValidatorFile?
        if rules.mayBeValidators(name, in: frame.rules) {
            validatorFile = rules.validatorFiles(path(of: entry.name))
        }
        // A file that is a mount of its own may be of any file system.
        let fileSystem = status.device == frame.status.device ? frame.fileSystem : nil
        switch validatorFile {
        case .key: break
        case .chainData(let kind): if isKnown(status, fileSystem, kind == .immutable) { return .known }
        case nil: if isKnown(status, fileSystem, false) { return .known }
        }
        return file(
            path(of: entry.name), validatorFile: validatorFile, status, on: fileSystem, name: entry.name, in: frame)
    }

    private func file(
        _ path: [UInt8], validatorFile: ValidatorFile?, _ status: FileStatus, on fileSystem: FileSystemIdentity?,
        name: FileName?, in frame: Frame?
    ) -> Met {
        var chainData: ChainData?
        switch validatorFile {
        case .key(let kind):
            let folder = frame.map { KeyFileExposure.Folder($0.status, isReachable: $0.isReachable) }
            return .key(path: path, size: status.size, exposure: KeyFileExposure(of: kind, status, in: folder))
        case .chainData(let kind): chainData = kind
        case nil: break
        }
        return .file(
            Candidate(
                path: path, status: status, fileSystem: fileSystem,
                isLocal: frame.flatMap { $0.status.device == status.device ? $0.isLocal : nil }, chainData: chainData,
                name: name))
    }

    /// The folder whose entries are being met.
    var folder: [UInt8] { path }

    // MARK: Down and up

    private mutating func enter(_ name: FileName, of frame: Frame) -> Met? {
        let path = path(of: name)
        if frame.isLost {
            return settled(path, .incomplete(.ioError), "the folder it is in was moved while it was scanned")
        }
        do {
            let folder = try Opening.folder(name, in: frame.descriptor!)
            let status = try FileStatus.of(folder)
            if status.isElsewhere(than: frame.status) {
                if rules.oneFileSystem { return settled(path, .skipped(.otherFilesystem)) }
                switch try FileSystemKind.of(folder) {
                case .local: break
                case .pseudo: return settled(path, .skipped(.otherFilesystem), "a file system of the kernel's")
                case .network:
                    return settled(
                        path, .skipped(.otherFilesystem),
                        "a file system of another machine or of a program: name it to have it scanned")
                }
            }
            if status.mount != frame.status.mount, let other = mounts.otherWay(to: folder, status) {
                return settled(
                    path, .skipped(.otherFilesystem),
                    "another mount of \(printable(other)), which is scanned where it lies")
            }
            let isSame = status.device == frame.status.device
            let fileSystem = isSame ? frame.fileSystem : try FileSystemIdentity.of(folder)
            let isLocal = isSame ? frame.isLocal : try FileSystemKind.of(folder) == .local
            reader.reset()
            self.path = path
            stack.append(
                Frame(
                    pathLength: path.count, status: status, fileSystem: fileSystem, isLocal: isLocal,
                    rules: rules.folder(path), isReachable: frame.isReachable, descriptor: folder))
            // The root stays open: it is where a lost way is found again.
            let surplus = stack.count - Self.mostOpen
            if surplus > 0 { stack[surplus].descriptor = nil }
            return nil
        } catch .noSuchFileOrDirectory {
            return settled(path, .skipped(.vanished))
        } catch .notDirectory, .tooManySymbolicLinkLevels {
            return settled(path, .skipped(.vanished), "it was replaced while its folder was read")
        } catch {
            return settled(path, .incomplete(.ioError), "cannot open this folder: \(error)")
        }
    }

    private mutating func leave(_ frame: Frame) {
        stack.removeLast()
        reader.reset()
        guard let parent = stack.last else { return }
        path.removeSubrange(parent.pathLength...)
        guard parent.descriptor == nil else { return }
        // Also where nothing is left to enter in it: it is the way to the folder above.
        if let found = climb(from: frame), isSame(found, parent) {
            parent.descriptor = consume found
        } else if parent.subfolders.isEmpty && parent.unlistedFrom == nil {
            return
        } else if let found = try? reopen(), isSame(found, parent) {
            parent.descriptor = consume found
        } else {
            parent.isLost = true
        }
    }

    /// The folder above; nil where the way was lost.
    private func climb(from frame: Frame) -> OwnedDescriptor? {
        guard frame.descriptor != nil else { return nil }
        return try? Opening.folder(.parent, in: frame.descriptor!)
    }

    private func isSame(_ folder: borrowing OwnedDescriptor, _ frame: Frame) -> Bool {
        guard let status = try? FileStatus.of(folder) else { return false }
        return status.device == frame.status.device && status.inode == frame.status.inode
    }

    /// The folder on top of the stack, found again by the names on the way down from the root.
    private func reopen() throws(Errno) -> OwnedDescriptor {
        let names = path[stack[0].pathLength...].split(separator: UInt8(ascii: "/"))
        var folder = try Opening.readable(stack[0].descriptor!)
        for name in names { folder = try Opening.folder(FileName(name)!, in: folder) }
        return folder
    }

    private func settled(
        _ path: [UInt8], _ outcome: Outcome, _ detail: String? = nil, size: UInt64? = nil
    ) -> Met {
        .settled(path: path, outcome: outcome, size: size, detail: detail)
    }

    /// The path of an entry of the folder on top of the stack.
    private func path(of name: FileName) -> [UInt8] {
        let slash = UInt8(ascii: "/")
        var joined: [UInt8] = []
        joined.reserveCapacity(path.count + name.bytes.count + 1)
        joined += path
        if joined.last != slash { joined.append(slash) }
        joined += name.bytes
        return joined
    }
}

extension FileStatus {
    /// Whether it lies on another file system than the folder that it was met in.
    ///
    /// The device alone does not tell: on overlayfs and btrfs a file can have another one than its folder. What has the
    /// same device but came by another mount, a folder bound to a second place, is not elsewhere either.
    fileprivate func isElsewhere(than folder: FileStatus) -> Bool {
        device != folder.device && (mount == 0 || mount != folder.mount)
    }
}

extension FileStatus.Kind {
    /// What a person calls it.
    var inWords: String {
        switch self {
        case .regular: "a file"
        case .directory: "a folder"
        case .symbolicLink: "a symbolic link"
        case .fifo: "a FIFO"
        case .socket: "a socket"
        case .characterDevice, .blockDevice: "a device"
        case .unknown: "of an unknown kind"
        }
    }
}
