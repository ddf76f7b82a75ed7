internal import CLinux
internal import EngineProtocol
internal import Glibc
internal import LinuxSystem
internal import Sandbox
internal import SystemPackage

/// Everything that the engine gives up, in the order in which it goes. docs/security-model.md tells why.
///
/// The fear: a hostile file takes a worker over through a mistake in one of libclamav's parsers. Then a worker must be
/// worth nothing: no name of the host's files, no network, no other process, nothing left behind.
///
/// A wall that this kernel or this start does not offer is told to the person who scans (``notes``). One that is there
/// and cannot be put up ends the engine before it has loaded anything.
struct Confinement {
    /// What is missing, a sentence each.
    private(set) var notes: [String] = []
    private let limits: EngineLimits
    private var space = ScratchSpace()
    private var landlock = Landlock.supported()
    private let filtersCalls = SystemCallFilter.isSupported
    /// Parts of the scratch space: one a worker, and some for those that were killed and cannot end yet.
    let slots: Int
    /// As many workers may hang in a disk or a server that is gone before no other takes their place.
    private static let spareSlots = 4
    /// Asked for while it can be.
    private let machineMemory = ResourceLimits.machineMemory()
    /// Address space that was in use when the signatures were loaded, in bytes.
    private var loadedAddressSpace: UInt64 = 0

    // MARK: The engine

    /// Before anything was read, from the session or from a file.
    static func begin() throws(ConfinementError) {
        dieWithParent()
        // Nothing that is started or read from here on can gain a right by a set-user-ID bit.
        try giveUpGainingRights()
        // libclamav looks for its plug-ins along LD_LIBRARY_PATH and for its temporary folder in TMPDIR.
        clearenv()
        // Each scan looks at the time zone: read it now, the file is out of reach later.
        tzset()
        try Descriptors.begin()
        try ResourceLimits.begin()
        // A crash is to be a crash: no handler that prints, waits or starts a debugger.
        for number in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS] { signal(number, SIG_DFL) }
    }

    /// Leaves the host: its network, its mounts, its users, its capabilities but the one to read the signatures.
    /// From here on the working directory is the scratch folder, the only name that is left.
    init(_ request: LoadRequest) throws(ConfinementError) {
        limits = request.limits
        if !ResourceLimits.volunteerForOutOfMemory() {
            notes.append(
                "the engine could not raise its oom_score_adj: short of memory the kernel may end others first")
        }
        let user = try EngineUser.find()
        notes += user.notes
        if user.isOther { notes += try Namespaces.leaveNetwork() }
        let workers = Int(request.workers)
        slots = workers + Self.spareSlots
        space = try ScratchSpace.enter(
            FilePath(bytes: request.scratch), for: user, slots: slots, workers: workers, bytes: limits.contentBytes,
            files: limits.members)
        notes += space.notes
        Capabilities.keepForAccess()
        try Capabilities.dropBounding()
        try user.become()
        try Capabilities.keepOnlyReading()
        // The kernel forgets both when the user changes (prctl(2)).
        dieWithParent()
        try forbidTracing()
        try space.makeSlots(slots)
        if landlock == nil {
            notes.append(
                "this kernel has no Landlock: workers could open files that everybody may read, though send them nowhere"
            )
        }
        if !filtersCalls {
            notes.append("this kernel has no seccomp filters: workers are held by their user and Landlock alone")
        }
    }

    /// Right before the signatures are loaded, after libclamav has loaded its plug-ins: of the host's files only those
    /// that loading needs.
    func beforeLoading(from signatures: FilePath) throws(ConfinementError) {
        guard let landlock else { return }
        // OpenSSL's settings, and the certificates of signed databases, are read when the first one is verified;
        // /proc/self/statm when all are loaded.
        try landlock.enter(
            reading: [signatures, "/etc/ssl", "/etc/clamav", "/usr/lib/ssl", "/proc/self"], writing: ["."])
    }

    /// The signatures are loaded: no capability, no file but the scratch folder's, only the supervisor's system calls.
    mutating func afterLoading() throws(ConfinementError) {
        loadedAddressSpace = try ResourceLimits.addressSpace()
        try Capabilities.dropAll()
        try landlock?.enter(reading: [], writing: ["."])
        if filtersCalls { try SystemCallFilter.supervisor().enter() }
    }

    // MARK: A worker

    /// A worker, right after the fork. Descriptor 3 is its socket, its slot of the scratch space its working directory.
    func beginWorker(socket: Int32, slot: Int) throws(ConfinementError) {
        dieWithParent()
        try forbidTracing()
        try ScratchSpace.enter(slot: slot)
        try landlock?.enter(reading: [], writing: ["."])
        try ResourceLimits.beginWorker(
            limits, loadedAddressSpace: loadedAddressSpace, machineMemory: machineMemory,
            hasOwnScratch: space.isMemory)
        try Descriptors.beginWorker(socket: socket)
        if filtersCalls { try SystemCallFilter.worker().enter() }
    }
}
