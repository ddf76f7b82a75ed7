internal import CLinux
internal import Glibc
internal import LinuxSystem
internal import Sandbox
internal import SystemPackage

/// Where workers unpack: one slot each. The fear: an archive, or a taken-over worker, that fills the disk of a machine
/// that must go on writing its chain, or the slot of another worker, which would then find nothing.
///
/// With the right to mount, each slot is a tmpfs of its own with a cap on bytes and files, in a mount namespace of the
/// engine's, gone with it whatever happens. Without, the slots are folders on disk; there RLIMIT_FSIZE caps each file
/// but not their sum.
struct ScratchSpace {
    /// What to tell of it.
    private(set) var notes: [String] = []
    /// The options of a slot's mount; nil where slots are plain folders.
    private var mount: String?
    /// Whether each slot is memory of its own.
    var isMemory: Bool { mount != nil }

    /// The folder of a slot, seen from the top of the scratch space, which is the working directory.
    static func folder(slot: Int) -> FilePath { FilePath("slot-\(slot)") }

    /// Goes into the session's scratch folder, as whoever started the engine, and makes it the user's own.
    static func enter(
        _ path: FilePath, for user: EngineUser, slots: Int, workers: Int, bytes: UInt64, files: UInt32
    ) throws(ConfinementError) -> ScratchSpace {
        var space = ScratchSpace()
        let cap = size(workers: workers, wanted: bytes)
        let owner = "mode=0700,uid=\(user.user),gid=\(user.group)"
        // The top is root's, who makes the slots in it: without CAP_DAC_OVERRIDE root may not write what is another user's.
        if user.isOther, try Namespaces.leaveMounts(), try mountMemory(path, "size=4m,mode=1777") {
            // A few more than one look may unpack: libclamav keeps a folder for each archive in an archive.
            space.mount = "size=\(cap),nr_inodes=\(UInt64(files) * 2 + 4096),\(owner)"
        } else {
            space.notes.append(
                "the engine unpacks to disk, where only the size of each single file is capped; started by root with CAP_SYS_ADMIN it unpacks to memory with a cap on all"
            )
        }
        let opened = unsafe path.withPlatformString { unsafe open($0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
        guard opened >= 0 else { throw ConfinementError("open", "use the scratch folder", printable(path)) }
        let folder = OwnedDescriptor(owning: FileDescriptor(rawValue: opened))
        if user.isOther && space.mount == nil {
            guard fchown(folder.rawValue, user.user, user.group) == 0 else {
                throw ConfinementError("fchown", "take over the scratch folder", printable(path))
            }
        }
        guard fchdir(folder.rawValue) == 0 else {
            throw ConfinementError("fchdir", "enter the scratch folder", printable(path))
        }
        // Mounting needs the rights that are dropped next.
        if let options = space.mount {
            for slot in 0..<slots {
                try makeFolder(slot)
                guard try mountMemory(Self.folder(slot: slot), options) else {
                    throw ConfinementError("mount", "make scratch space in memory for worker", "\(slot)")
                }
            }
        }
        return space
    }

    /// Makes the slots where they are plain folders: as the user, who shall own them.
    func makeSlots(_ slots: Int) throws(ConfinementError) {
        guard mount == nil else { return }
        for slot in 0..<slots { try Self.makeFolder(slot) }
    }

    /// A worker's slot becomes its working directory.
    static func enter(slot: Int) throws(ConfinementError) {
        guard unsafe folder(slot: slot).withPlatformString({ unsafe chdir($0) }) == 0 else {
            throw ConfinementError("chdir", "enter the scratch folder", printable(folder(slot: slot)))
        }
    }

    /// Removes what a worker left behind in its slot.
    static func clear(slot: Int) {
        // What stays only takes room from the same slot, and a worker that finds none misses its canary.
        try? emptyFolder(folder(slot: slot))
    }

    /// Bytes of a slot: what a look may unpack, and for all workers together at most an eighth of the machine's memory,
    /// but never less than 32 MiB, of which small files need a part.
    private static func size(workers: Int, wanted: UInt64) -> UInt64 {
        let share = ResourceLimits.machineMemory() / 8 / UInt64(max(1, workers))
        return max(min(wanted, share), 32 << 20)
    }

    private static func makeFolder(_ slot: Int) throws(ConfinementError) {
        let path = folder(slot: slot)
        guard unsafe path.withPlatformString({ unsafe mkdir($0, 0o700) }) == 0 else {
            throw ConfinementError("mkdir", "make the scratch folder", printable(path))
        }
    }

    /// False where mounting is not permitted.
    private static func mountMemory(_ folder: FilePath, _ options: String) throws(ConfinementError) -> Bool {
        let result = unsafe folder.withPlatformString { path in
            unsafe options.withCString { unsafe nodeguard_mount_memory(path, $0) }
        }
        if result == 0 { return true }
        guard Namespaces.isNotOffered(.current) else {
            throw ConfinementError("mount", "make scratch space in memory at", printable(folder))
        }
        return false
    }
}
