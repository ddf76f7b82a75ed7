internal import CLinux
internal import EngineProtocol
internal import Glibc
internal import LinuxSystem
internal import Sandbox
internal import Synchronization
internal import SystemPackage

/// Whether a look had room to unpack. The fear: libclamav calls some archives, mails among them, clean without a word
/// when it cannot write what it unpacks.
///
/// A worker may write files of at most half of the room that it began with, and more than that is free whenever it is
/// asked. So a write fails in one of two ways: by the size of the file, of which the kernel tells with SIGXFSZ, or
/// because little was left before, which is seen when the look begins and at each layer that libclamav looks into.
enum ScratchRoom {
    /// The largest file of this worker's, in bytes; also the least that must be free.
    private static let largestFile = Atomic<UInt64>(0)
    /// Whether the look that is going on, or the last one, ran out of room.
    private static let isUsedUp = Atomic(false)

    /// In the worker's slot, before its first look. Returns how large a file may become there.
    static func begin(_ limits: EngineLimits) throws(ConfinementError) -> UInt64 {
        guard let room = free() else { throw ConfinementError("statfs", "see the room in its scratch folder") }
        let largest = min(limits.fileBytes + (1 << 20), room / 2)
        largestFile.store(largest, ordering: .relaxed)
        isUsedUp.store(false, ordering: .relaxed)
        // The write that was too much then fails with EFBIG.
        signal(SIGXFSZ) { _ in ScratchRoom.isUsedUp.store(true, ordering: .relaxed) }
        return largest
    }

    /// A look begins.
    static func beginLook() {
        isUsedUp.store(false, ordering: .relaxed)
        check()
    }

    /// Takes notice where little is left.
    static func check() {
        if (free() ?? 0) < largestFile.load(ordering: .relaxed) { isUsedUp.store(true, ordering: .relaxed) }
    }

    /// Whether the look may have missed something for want of room.
    static var ranOut: Bool { isUsedUp.load(ordering: .relaxed) }

    /// Bytes that can be written in the working directory; none where no file can be made any more.
    private static func free() -> UInt64? {
        var status = CLinux.statfs()
        guard unsafe statfs(".", &status) == 0 else { return nil }
        // Btrfs and others have no fixed number of files, and say 0 of 0.
        if status.f_files > 0 && status.f_ffree < 16 { return 0 }
        return UInt64(status.f_bavail) * UInt64(status.f_bsize)
    }
}
