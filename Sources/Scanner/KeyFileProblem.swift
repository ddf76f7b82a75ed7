internal import Journal
internal import LinuxSystem

/// What is wrong with the owner and the permissions of a key file, by statx(2) alone: the file is not opened for it.
///
/// The rules are those of ssh(1) for its own keys, with two differences. What the group may do is no problem
/// where the group has the owner's own number: Debian gives every user such a group, and the deposit tool makes
/// keystores with mode 0440. And what others could do to a record of signatures counts only where they could write it: it is no secret.
struct KeyFileExposure: Equatable {
    /// What is wrong; never empty.
    let problems: [KeyFileExposed.Problem]
    /// The file's permission bits.
    let permissions: UInt16
    /// Its owner.
    let user: UInt32
    /// Its group.
    let group: UInt32

    /// The folder that a key file is in.
    struct Folder {
        let status: FileStatus
        /// Whether everybody may enter it and all folders above it, as far as they are known.
        let isReachable: Bool

        init(_ status: FileStatus, isReachable: Bool) {
            self.status = status
            self.isReachable = isReachable
        }
    }

    /// Looks for problems; nil: there are none. Without a folder (a file that was given to scan by its own path) only
    /// the file itself is judged.
    init?(of kind: KeyFiles.Kind, _ file: FileStatus, in folder: Folder?) {
        let mode = file.permissions
        var found: [KeyFileExposed.Problem] = []
        if kind == .secret {
            if mode & 0o004 != 0 { found.append(.readableByOthers) }
            if mode & 0o040 != 0, file.group != file.user { found.append(.readableByGroup) }
        }
        if mode & 0o002 != 0 { found.append(.writableByOthers) }
        if mode & 0o020 != 0, file.group != file.user { found.append(.writableByGroup) }
        if let folder {
            // Root may own anything anywhere; anybody else's file in somebody's folder is one too many who hold it.
            if file.user != 0, file.user != folder.status.user { found.append(.foreignOwner) }
            // Who may write to a folder may put another file in the place of this one; the sticky bit forbids it.
            let isSticky = folder.status.permissions & 0o1000 != 0
            if folder.status.permissions & 0o002 != 0, !isSticky, folder.isReachable { found.append(.replaceable) }
        }
        guard !found.isEmpty else { return nil }
        problems = found
        permissions = mode
        user = file.user
        group = file.group
    }
}
