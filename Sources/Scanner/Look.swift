internal import LinuxSystem
internal import SystemPackage

/// One file on its way through the engine: opened once, and this descriptor is what is scanned and compared.
final class Look {
    /// What the answer is for.
    enum Purpose {
        /// A file of the target.
        case file(path: [UInt8])
        /// Known-bad bytes: this signature must be found.
        case canary(signature: String)
    }

    let purpose: Purpose
    /// The open file; nil once everything about its content is known.
    private(set) var file: OwnedDescriptor?
    /// The file when it was opened.
    private(set) var before: FileStatus
    /// Workers that died while they had it.
    var crashes = 0
    /// Whether it changed once already and is looked at again.
    private(set) var isSecondLook = false

    init(_ purpose: Purpose, _ file: consuming OwnedDescriptor, before: FileStatus) {
        self.purpose = purpose
        self.file = consume file
        self.before = before
    }

    /// The file's descriptor, to be lent for one call; -1, which every call refuses, once it is closed.
    var descriptor: Int32 { file?.rawValue ?? -1 }

    /// What the file is like now; nil where it cannot be asked any more.
    var now: FileStatus? {
        guard file != nil else { return nil }
        return try? FileStatus.of(file!)
    }

    /// Whether the file is not the one any more that was opened, as far as the kernel can tell.
    ///
    /// Size and times with all their digits: libclamav's own test has a granularity of a second.
    var hasChanged: Bool {
        guard let now else { return true }
        return now.size != before.size || now.modified != before.modified || now.changed != before.changed
    }

    /// Begins anew with the file as it is now.
    func lookAgain(at now: FileStatus) {
        before = now
        isSecondLook = true
    }

    /// Lets the file go: only its outcome is still to be told.
    func close() { file = nil }
}
