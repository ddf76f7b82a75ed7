internal import CLinux
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// capabilities(7). The fear: a process of a harmless user that still holds a piece of root.
enum Capabilities {
    /// Reading any file: kept while the signatures are loaded, where it was there, since their folder may be somebody's
    /// own. Landlock holds it to that folder.
    private static let reading: UInt64 = 1 << UInt64(CAP_DAC_READ_SEARCH)

    /// Lets access(2) count the capability that is kept. libclamav asks it before it loads `daily.cvd` and the like, and
    /// passes over in silence what it may not read; without this the kernel forgets the capabilities of a user other than
    /// root for that question. Only who holds CAP_SETPCAP may; for others ``SignatureFolder`` refuses such a folder.
    static func keepForAccess() {
        // SECBIT_NO_SETUID_FIXUP of capabilities(7): the change of user no longer drops anything by itself, which
        // `keepOnlyReading` does right after.
        _ = nodeguard_prctl(Int32(PR_SET_SECUREBITS), 1 << 2)
    }

    /// Empties the bounding set, so that nothing started from here could gain any. Only who holds CAP_SETPCAP may; for
    /// others no_new_privs says the same.
    static func dropBounding() throws(ConfinementError) {
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

    /// Gives up every capability but the one to read, while there are signatures to be read.
    static func keepOnlyReading() throws(ConfinementError) {
        guard nodeguard_clear_ambient() == 0 else { throw ConfinementError("prctl", "clear its ambient capabilities") }
        try set(try held() & reading)
    }

    /// Gives up all of them.
    static func dropAll() throws(ConfinementError) {
        try set(0)
        guard try held() == 0 else {
            throw ConfinementError("the engine still holds capabilities after it dropped them")
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
