internal import CLinux
internal import Glibc

/// From now on the kernel ends this process when the one that started it is gone (PR_SET_PDEATHSIG of prctl(2)).
public func dieWithParent() {
    let parent = getppid()
    _ = nodeguard_prctl(Int32(PR_SET_PDEATHSIG), UInt(SIGKILL))
    // Gone before the line above took effect: nobody would send the signal.
    if getppid() != parent { exit(1) }
}
