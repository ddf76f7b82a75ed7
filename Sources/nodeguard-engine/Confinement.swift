internal import CLinux
internal import Glibc

/// What the engine and its workers give up before they touch anything that is not ours.
enum Confinement {
    /// The engine itself, before anything else.
    static func beginEngine() {
        diesWithParent()
        // Nothing that is started or read from here on can gain a right by a set-user-ID bit.
        _ = nodeguard_prctl(Int32(PR_SET_NO_NEW_PRIVS), 1)
        // libclamav looks for its plug-ins along LD_LIBRARY_PATH and for its temporary folder in TMPDIR.
        clearenv()
        // Each scan looks at the time zone: read it now, the file is out of reach later.
        tzset()
    }

    /// A worker, right after the fork: only its own socket, as descriptor 3, is left to it.
    static func beginWorker(socket: Int32) {
        diesWithParent()
        // A core dump would hold the content of scanned files.
        _ = nodeguard_prctl(Int32(PR_SET_DUMPABLE), 0)
        let null = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
        for descriptor in 0...2 where null >= 0 { dup2(null, Int32(descriptor)) }
        dup2(socket, 3)
        nodeguard_close_range(4, UInt32.max)
    }

    /// The kernel ends this process when the one that started it is gone (PR_SET_PDEATHSIG of prctl(2)).
    private static func diesWithParent() {
        let parent = getppid()
        _ = nodeguard_prctl(Int32(PR_SET_PDEATHSIG), UInt(SIGKILL))
        // Gone before the line above took effect: nobody would send the signal.
        if getppid() != parent { exit(1) }
    }
}
