internal import CLinux
internal import Glibc
internal import LinuxSystem

/// Another user. The fear: whatever a taken-over process can still do, it can do to its user's files and processes.
public enum UserChange {
    /// "nobody" of every Linux (the overflow user, user_namespaces(7)).
    public static let nobody: UInt32 = 65534

    /// Becomes this user with this one group, for good.
    ///
    /// - Parameters:
    ///   - keepsCapabilities: whether what is permitted stays so, to be dropped later; else nothing stays.
    ///   - remedy: what a person can do where it is refused.
    public static func become(
        user: UInt32, group: UInt32, keepsCapabilities: Bool = false, remedy: String
    ) throws(ConfinementError) {
        if keepsCapabilities {
            guard nodeguard_prctl(Int32(PR_SET_KEEPCAPS), 1) == 0 else {
                throw ConfinementError("prctl", "keep a capability")
            }
        }
        guard nodeguard_drop_groups() == 0 else {
            throw ConfinementError("setgroups", "leave its groups", remedy: remedy)
        }
        guard nodeguard_become_group(group) == 0 else {
            throw ConfinementError("setresgid", "change to group", "\(group)", remedy: remedy)
        }
        guard nodeguard_become_user(user) == 0 else {
            throw ConfinementError("setresuid", "change to user", "\(user)", remedy: remedy)
        }
        guard nodeguard_is_user(user) != 0 else {
            throw ConfinementError("it is still another user than \(user) after it changed")
        }
    }
}
