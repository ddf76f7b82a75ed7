internal import CLinux
internal import EngineProtocol
internal import Glibc
internal import LinuxSystem
internal import Sandbox
internal import SystemPackage

/// setrlimit(2) and its kin. The fear: a file that makes its worker take the memory, the processor or the disk that a
/// validator needs.
enum ResourceLimits {
    /// CPU time of one look beyond libclamav's own limit, after which its worker ends, in milliseconds.
    private static let graceMilliseconds: UInt64 = 2000
    /// Address space that a look may need beside what is scanned and unpacked, in bytes. Measured with a 1.9 GB file:
    /// 420 MB.
    private static let looksOwnSpace: UInt64 = 512 << 20

    /// The engine's.
    static func begin() throws(ConfinementError) {
        try limit(Int32(RLIMIT_CORE.rawValue), 0, "core dumps")
        try limit(Int32(RLIMIT_NOFILE.rawValue), min(1024, try openFilesLimit()), "open files")
    }

    /// The first that the kernel ends when memory is short, oom_score_adj of proc(5). Nobody else is worth less: a
    /// worker, and the whole engine, can be started again. False where there is no /proc to write it to.
    static func volunteerForOutOfMemory() -> Bool {
        guard
            let file = try? FileDescriptor.open(FilePath("/proc/self/oom_score_adj"), .writeOnly, options: .closeOnExec)
        else {
            return false
        }
        return (try? file.closeAfter { try file.writeAll("1000".utf8) }) != nil
    }

    /// The machine's memory in bytes.
    static func machineMemory() -> UInt64 {
        UInt64(max(0, sysconf(Int32(_SC_PHYS_PAGES)))) * UInt64(max(1, sysconf(Int32(_SC_PAGESIZE))))
    }

    /// Address space in use, in bytes: the first number of /proc/self/statm is in pages.
    static func addressSpace() throws(ConfinementError) -> UInt64 {
        let path = FilePath("/proc/self/statm")
        guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec),
            let text = try? file.closeAfter({ try readToEnd(file) }),
            let pages = UInt64(String(decoding: text.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self))
        else { throw ConfinementError("open", "see how much memory the signatures take in", printable(path)) }
        return pages * UInt64(max(1, sysconf(Int32(_SC_PAGESIZE))))
    }

    /// A worker's: beyond the signatures as much address space as the file and what is unpacked of it may take, though no
    /// more than half of the machine's memory; no file larger than its scratch space has room for.
    static func beginWorker(
        _ limits: EngineLimits, loadedAddressSpace: UInt64, machineMemory memory: UInt64, hasOwnScratch: Bool
    ) throws(ConfinementError) {
        let content = limits.fileBytes + min(limits.contentBytes, UInt64(1) << 40)
        let space = loadedAddressSpace + min(content, memory / 2) + looksOwnSpace
        try limit(Int32(RLIMIT_AS.rawValue), space, "memory")
        try limit(Int32(RLIMIT_DATA.rawValue), space, "memory")
        let largest = try ScratchRoom.begin(limits, isOwnMemory: hasOwnScratch)
        try limit(Int32(RLIMIT_FSIZE.rawValue), largest, "the size of files")
        // libclamav holds one for each level of nested archives, and a few of its own.
        try limit(Int32(RLIMIT_NOFILE.rawValue), min(256, try openFilesLimit()), "open files")
        try limit(nodeguard_locked_memory, 0, "locked memory")
    }

    /// Ends this process by SIGPROF when the next look takes more CPU time than a look may, also where libclamav does
    /// not look at the clock and the session has stopped to. Between looks, where it waits, no CPU time passes.
    static func startLook(_ limits: EngineLimits) {
        // Its two arguments cannot be wrong; the session's own clock stands behind it.
        _ = nodeguard_cpu_timer(UInt64(limits.milliseconds) + graceMilliseconds)
    }

    private static func openFilesLimit() throws(ConfinementError) -> UInt64 {
        var now = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &now) == 0 else {
            throw ConfinementError("getrlimit", "see its limit of open files")
        }
        return UInt64(now.rlim_max)
    }
}
