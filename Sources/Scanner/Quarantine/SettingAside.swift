internal import Journal
internal import LinuxSystem
internal import SystemPackage

/// What a session does with infected files in targets that set them aside.
final class SettingAside {
    private let quarantine: Quarantine
    private let protected: ProtectedPlaces
    private let accepted: [FilePath: QuarantineOrder.AcceptedFile]
    /// Files with further names, of which one was removed here: that changed their ctime, and nobody else did.
    private var ownChanges: [InodeName: (from: FileStatus.Time, to: FileStatus.Time)] = [:]

    /// What names a file, whatever it is called.
    private struct InodeName: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    /// What the order wants; nil where no target wants anything set aside.
    ///
    /// - Throws: ``SessionFailure`` where it wants what cannot be: a target that cannot be written to.
    init?(_ order: SessionOrder) throws {
        let targets = order.targets.filter(\.setsAside)
        guard let wanted = order.quarantine, !targets.isEmpty else { return nil }
        for target in targets { try Self.requireWritable(target) }
        quarantine = try Quarantine(state: wanted.state)
        protected = try ProtectedPlaces(order.validatorFiles)
        accepted = Dictionary(wanted.accepted.map { ($0.path, $0) }) { first, _ in first }
    }

    /// Better no scan than one that finds at four in the morning that it cannot do what it is told.
    private static func requireWritable(_ target: SessionOrder.Target) throws {
        for path in target.paths {
            guard let start = try? Opening.start(onHost: path), let status = try? FileStatus.of(start) else { continue }
            let folder = status.kind == .directory ? path : path.removingLastComponent()
            guard let opened = try? Opening.start(onHost: folder.isEmpty ? "." : folder),
                isWritableFolder(FilePath("/proc/self/fd/\(opened.rawValue)"))
            else {
                throw SessionFailure(
                    """
                    target \(target.name ?? "") has the action quarantine, and \(printable(folder)) cannot be written to: \
                    write action: report for this target, or mount it so that it can be written to
                    """)
            }
        }
    }

    /// Finishes and tells what a killed session had begun.
    func recover(_ tell: (Event) throws -> Void) throws {
        for recovered in try quarantine.recover() {
            let manifest = recovered.manifest
            try tell(
                .fileQuarantined(
                    FileQuarantined(
                        path: manifest.path, signature: manifest.signatures[0], quarantineID: recovered.id.description,
                        target: manifest.target, scanID: manifest.scanID)))
            try quarantine.confirm(recovered)
        }
    }

    /// One name of an infected file.
    struct Found {
        let path: FilePath
        let signatures: [String]
        let target: String?
        let scanID: ScanID
    }

    /// Tells that a file is infected, and sets it aside if that is allowed and it is still what was scanned.
    ///
    /// - Parameters:
    ///   - tellOutcome: tells the outcome, with why it was not set aside.
    ///   - tell: tells that it was.
    func settle(
        _ look: Look, _ found: Found, _ tellOutcome: (String?) throws -> Void, _ tell: (Event) throws -> Void
    ) throws {
        if let known = accepted[found.path], known.signatures == Set(found.signatures),
            known.size == look.before.size, known.identity == FileIdentity(look.before)
        {
            return try tellOutcome("somebody has accepted it")
        }
        let aside: Quarantine.SetAside
        do {
            let candidate = try QuarantineCandidate(
                open(found.path, look), before: look.before, changed: expectedChange(look.before), path: found.path,
                protected: protected)
            aside = try quarantine.setAside(
                candidate, signatures: found.signatures, target: found.target, scanID: found.scanID)
        } catch {
            return try tellOutcome("not set aside: \(error)")
        }
        remember(aside.changed, look.before)
        try tellOutcome(nil)
        try tell(
            .fileQuarantined(
                FileQuarantined(
                    path: found.path, signature: found.signatures[0], quarantineID: aside.id.description,
                    target: found.target, scanID: found.scanID, remainingNames: aside.remainingNames)))
        try quarantine.confirm(aside)
    }

    /// The descriptor that was scanned; for another name of the same file, one that was opened by that name.
    private func open(_ path: FilePath, _ look: Look) throws -> OwnedDescriptor {
        if case .file(path.bytes) = look.purpose {
            return try FolderEntries.duplicate(FileDescriptor(rawValue: look.descriptor))
        }
        guard let component = path.lastComponent, let name = FileName(FilePath(root: nil, components: component).bytes)
        else { throw QuarantineRefusal("it has no name") }
        let folder = try Opening.readable(Opening.start(onHost: path.removingLastComponent()))
        let file = try Opening.file(name, in: folder)
        let status = try FileStatus.of(file)
        guard status.device == look.before.device, status.inode == look.before.inode else {
            throw QuarantineRefusal.changed
        }
        return file
    }

    /// The ctime that a file must have now to be the one of this look.
    private func expectedChange(_ before: FileStatus) -> FileStatus.Time? {
        let own = ownChanges[InodeName(device: before.device, inode: before.inode)]
        return own.flatMap { $0.from == before.changed ? $0.to : nil }
    }

    private func remember(_ changed: FileStatus.Time?, _ before: FileStatus) {
        guard let changed, before.links > 1 else { return }
        ownChanges[InodeName(device: before.device, inode: before.inode)] = (before.changed, changed)
    }
}
