internal import CLinux
internal import Glibc
internal import LinuxSystem
internal import Sandbox
internal import SystemPackage

/// namespaces(7). The fear: a worker that talks to the outside, or to a service of this machine's that trusts whoever
/// can reach it. In an empty network there is nobody.
enum Namespaces {
    /// Moves to a network namespace of its own without even a loopback. Returns what to tell where that is not permitted.
    static func leaveNetwork() throws(ConfinementError) -> [String] {
        if nodeguard_unshare(nodeguard_new_network) == 0 { return [] }
        guard isNotOffered(.current) else { throw ConfinementError("unshare", "leave the network") }
        return [
            "the engine may not make a network namespace of its own (CAP_SYS_ADMIN): its network is cut off by seccomp alone"
        ]
    }

    /// Moves to a mount namespace of its own. False where that is not permitted.
    static func leaveMounts() throws(ConfinementError) -> Bool {
        guard nodeguard_unshare(nodeguard_new_mounts) == 0 else {
            guard isNotOffered(.current) else { throw ConfinementError("unshare", "get mounts of its own") }
            return false
        }
        guard nodeguard_detach_mounts() == 0 else {
            // A container's AppArmor profile allows the namespace and forbids every mount in it.
            guard isNotOffered(.current) else { throw ConfinementError("mount", "keep its mounts to itself") }
            return false
        }
        return true
    }

    /// Whether the kernel has no such thing, or does not offer it to this process, which is no failure of what it has.
    /// ENOSPC: an administrator has set user.max_*_namespaces to nothing.
    static func isNotOffered(_ errno: Errno) -> Bool {
        [.notPermitted, .permissionDenied, .noFunction, .invalidArgument, .noSpace].contains(errno)
    }
}
