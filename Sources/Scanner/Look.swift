internal import Journal
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
    let file: OwnedDescriptor
    /// The file when it was opened. Whatever differs afterwards was written to while it was looked at.
    var before: FileStatus
    /// Workers that died while they had it.
    var crashes = 0
    /// Whether it changed once already and is looked at again.
    var isSecondLook = false

    init(_ purpose: Purpose, _ file: consuming OwnedDescriptor, before: FileStatus) {
        self.purpose = purpose
        self.file = consume file
        self.before = before
    }

    /// Whether the file is still the one that was opened, byte for byte as far as the kernel can tell.
    ///
    /// Size and times with all their digits: libclamav's own test has a granularity of a second.
    var changedSince: Bool {
        guard let now = try? FileStatus.of(file) else { return true }
        return now.size != before.size || now.modified != before.modified || now.changed != before.changed
    }
}
