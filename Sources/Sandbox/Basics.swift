internal import CLinux
internal import Glibc
internal import LinuxSystem

/// No set-user-ID bit, file capability or SELinux transition gives this process or its children a right from now on
/// (PR_SET_NO_NEW_PRIVS of prctl(2)).
public func giveUpGainingRights() throws(ConfinementError) {
    guard nodeguard_prctl(Int32(PR_SET_NO_NEW_PRIVS), 1) == 0 else {
        throw ConfinementError("prctl", "give up gaining rights")
    }
}

/// No core dump, which would hold what this process has read, and no debugger of the same user. The kernel forgets it when
/// the user changes.
public func forbidTracing() throws(ConfinementError) {
    guard nodeguard_prctl(Int32(PR_SET_DUMPABLE), 0) == 0 else {
        throw ConfinementError("prctl", "forbid core dumps")
    }
}

/// Closes every descriptor from this number on.
public func closeDescriptors(from first: UInt32) throws(ConfinementError) {
    guard nodeguard_close_range(first, UInt32.max) == 0 else {
        throw ConfinementError("close_range", "close what it inherited")
    }
}

/// No process or thread is started from here on, and no memory is locked.
public func limitToItself() throws(ConfinementError) {
    try limit(nodeguard_process_count, 0, "processes")
    try limit(nodeguard_locked_memory, 0, "locked memory")
}

/// setrlimit(2): the soft and the hard limit of a resource, never to be raised again.
public func limit(_ resource: Int32, _ value: UInt64, _ name: String) throws(ConfinementError) {
    guard nodeguard_limit(resource, value) == 0 else { throw ConfinementError("setrlimit", "limit", name) }
}
