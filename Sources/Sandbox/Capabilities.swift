internal import CLinux
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// capabilities(7). The fear: a process of a harmless user that still holds a piece of root.
public enum Capabilities {
    /// Empties the bounding set, so that nothing started from here could gain any. Only who holds CAP_SETPCAP may; for
    /// others no_new_privs says the same.
    public static func dropBounding() throws(ConfinementError) {
        for capability in 0..<UInt(64) {
            if nodeguard_prctl(Int32(PR_CAPBSET_DROP), capability) == 0 { continue }
            switch Errno.current {
            // Beyond the last one that this kernel knows.
            case .invalidArgument: return
            case .notPermitted: return
            default: throw ConfinementError("prctl", "empty its bounding set of capabilities")
            }
        }
    }

    /// Gives up every capability but those whose bits are in the mask.
    public static func keepOnly(_ mask: UInt64) throws(ConfinementError) {
        guard nodeguard_clear_ambient() == 0 else { throw ConfinementError("prctl", "clear its ambient capabilities") }
        try set(try held() & mask)
    }

    /// Gives up all of them.
    public static func dropAll() throws(ConfinementError) {
        try set(0)
        guard try held() == 0 else {
            throw ConfinementError("it still holds capabilities after it dropped them")
        }
    }

    private static func held() throws(ConfinementError) -> UInt64 {
        var mask: UInt64 = 0
        guard unsafe nodeguard_get_capabilities(&mask) == 0 else {
            throw ConfinementError("capget", "see its capabilities")
        }
        return mask
    }

    private static func set(_ mask: UInt64) throws(ConfinementError) {
        guard nodeguard_set_capabilities(mask) == 0 else { throw ConfinementError("capset", "drop its capabilities") }
    }
}
