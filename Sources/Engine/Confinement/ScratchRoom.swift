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
    /// Bytes and files that are free as long as the folder is empty; 0 where others use the same file system.
    private static let emptyBytes = Atomic<UInt64>(0)
    private static let emptyFiles = Atomic<UInt64>(0)

    /// In the worker's slot, before its first look. Returns how large a file may become there.
    ///
    /// - Parameter isOwnMemory: whether nobody else writes to the slot's file system.
    static func begin(_ limits: EngineLimits, isOwnMemory: Bool) throws(ConfinementError) -> UInt64 {
        guard let room = Room() else { throw ConfinementError("statfs", "see the room in its scratch folder") }
        let largest = min(limits.fileBytes + (1 << 20), room.usable / 2)
        if isOwnMemory {
            emptyBytes.store(room.bytes, ordering: .relaxed)
            emptyFiles.store(room.files, ordering: .relaxed)
        }
        largestFile.store(largest, ordering: .relaxed)
        isUsedUp.store(false, ordering: .relaxed)
        // The write that was too much then fails with EFBIG.
        signal(SIGXFSZ) { _ in ScratchRoom.isUsedUp.store(true, ordering: .relaxed) }
        return largest
    }

    /// Before a look: removes what the one before may have left behind, which this one would miss.
    ///
    /// In memory of its own a worker sees with one system call that nothing is there, as after nearly every look.
    static func prepare() {
        if let room = Room(), room.files > 0, room.bytes == emptyBytes.load(ordering: .relaxed),
            room.files == emptyFiles.load(ordering: .relaxed)
        {
            return
        }
        // What stays is noticed: it is room that is missing.
        try? emptyFolder(".")
    }

    /// A look begins. Its room is looked at with its first layer, which is the file itself.
    static func beginLook() { isUsedUp.store(false, ordering: .relaxed) }

    /// Takes notice where little is left.
    static func check() {
        if (Room()?.usable ?? 0) < largestFile.load(ordering: .relaxed) { isUsedUp.store(true, ordering: .relaxed) }
    }

    /// Whether the look may have missed something for want of room.
    static var ranOut: Bool { isUsedUp.load(ordering: .relaxed) }

    /// What is free in the working directory.
    private struct Room {
        let bytes: UInt64
        let files: UInt64
        private let hasFixedFiles: Bool

        init?() {
            var status = CLinux.statfs()
            guard unsafe statfs(".", &status) == 0 else { return nil }
            bytes = UInt64(status.f_bavail) * UInt64(status.f_bsize)
            files = UInt64(status.f_ffree)
            // Btrfs and others have no fixed number of files, and say 0 of 0.
            hasFixedFiles = status.f_files > 0
        }

        /// Bytes that can be written; none where no file can be made any more.
        var usable: UInt64 { hasFixedFiles && files < 16 ? 0 : bytes }
    }
}
