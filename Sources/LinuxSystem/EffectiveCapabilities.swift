internal import CLinux

/// A capability of capabilities(7), by its number in <linux/capability.h>.
public enum Capability: UInt64, Sendable {
    /// CAP_KILL
    case kill = 5
    /// CAP_NET_ADMIN
    case networkAdministration = 12
    /// CAP_SYS_PTRACE
    case trace = 19
}

/// From now on the calling thread, and every thread it starts, uses these capabilities only, as far as it has them
/// (capset(2)). Permitted ones stay permitted.
public func keepEffectiveCapabilities(_ kept: [Capability]) {
    let mask = kept.reduce(UInt64(0)) { $0 | 1 << $1.rawValue }
    // Giving up what one has is always allowed.
    _ = nodeguard_keep_effective(mask)
}

/// From now on the calling thread, and every thread it starts, uses these capabilities as well, as far as they are permitted
/// (capset(2)).
public func addEffectiveCapabilities(_ added: [Capability]) {
    _ = nodeguard_add_effective(added.reduce(UInt64(0)) { $0 | 1 << $1.rawValue })
}
