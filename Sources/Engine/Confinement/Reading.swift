internal import CLinux
internal import Glibc
internal import LinuxSystem
internal import Sandbox

extension Capabilities {
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

    /// Gives up every capability but the one to read, while there are signatures to be read.
    static func keepOnlyReading() throws(ConfinementError) { try keepOnly(reading) }
}
