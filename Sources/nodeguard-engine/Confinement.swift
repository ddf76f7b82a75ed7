internal import CLinux
internal import Glibc
internal import LinuxSystem

/// What the engine and its workers give up before they touch anything that is not ours.
enum Confinement {
    /// The engine itself, before anything else.
    static func beginEngine() {
        dieWithParent()
        // Nothing that is started or read from here on can gain a right by a set-user-ID bit.
        _ = nodeguard_prctl(Int32(PR_SET_NO_NEW_PRIVS), 1)
        // libclamav looks for its plug-ins along LD_LIBRARY_PATH and for its temporary folder in TMPDIR.
        clearenv()
        // Each scan looks at the time zone: read it now, the file is out of reach later.
        tzset()
    }

    /// A worker, right after the fork: only its own socket, as descriptor 3, is left to it.
    static func beginWorker(socket: Int32) {
        dieWithParent()
        // A core dump would hold the content of scanned files.
        _ = nodeguard_prctl(Int32(PR_SET_DUMPABLE), 0)
        let null = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
        for descriptor in 0...2 where null >= 0 { dup2(null, Int32(descriptor)) }
        dup2(socket, 3)
        nodeguard_close_range(4, UInt32.max)
    }
}
