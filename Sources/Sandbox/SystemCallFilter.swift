internal import CLinux
internal import CSeccomp
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// A list of system calls; any other ends the process (seccomp(2), by libseccomp). The fear: the kernel itself, whose
/// rarely used calls are where a taken-over process breaks out.
///
/// It kills rather than refuses: a call that is not on the list means that the process is not doing what it was written
/// for. The lists are in SupervisorCalls.swift and WorkerCalls.swift of the engine, and in the agent's ListenerCalls.swift.
public struct SystemCallFilter {
    /// One call, and what its arguments must be.
    public struct Rule: Sendable {
        /// Its name.
        public let call: String
        let conditions: [Condition]
        /// Refused with this error instead of allowed: for calls that a library tries and can do without.
        let refusal: Int32?

        /// A call with any arguments, or only those that meet every condition.
        public static func allow(_ call: String, _ conditions: Condition...) -> Rule {
            Rule(call: call, conditions: conditions, refusal: nil)
        }

        /// A call that always fails with this error.
        public static func refuse(_ call: String, _ errno: Int32) -> Rule {
            Rule(call: call, conditions: [], refusal: errno)
        }
    }

    /// What an argument must be.
    public enum Condition: Sendable {
        /// Argument number `argument`, from 0, has this value.
        case equal(argument: UInt32, UInt64)
        /// None of these bits is set in it.
        case without(argument: UInt32, UInt64)
    }

    /// The list.
    public let rules: [Rule]

    /// A list.
    public init(rules: [Rule]) {
        self.rules = rules
    }

    /// Whether the kernel has filters that can kill a whole process (SECCOMP_GET_ACTION_AVAIL, Linux 4.14).
    public static var isSupported: Bool { seccomp_api_get() >= 3 }

    /// From now on, for this process and its children. Inside an earlier filter both hold.
    public func enter() throws(ConfinementError) {
        // On a call with the number of another architecture as well.
        guard let filter = unsafe seccomp_init(SCMP_ACT_KILL_PROCESS) else {
            throw ConfinementError("libseccomp has no memory")
        }
        defer { unsafe seccomp_release(filter) }
        try check(
            unsafe seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "another architecture")
        for rule in rules {
            let number = unsafe seccomp_syscall_resolve_name(rule.call)
            guard number != __NR_SCMP_ERROR else { throw ConfinementError("libseccomp knows no call \(rule.call)") }
            let action = rule.refusal.map { nodeguard_refuse(UInt32($0)) } ?? SCMP_ACT_ALLOW
            let conditions = rule.conditions.map(\.comparison)
            try check(
                unsafe seccomp_rule_add_array(filter, action, number, UInt32(conditions.count), conditions), rule.call)
        }
        try check(unsafe seccomp_load(filter), "the list")
    }

    private func check(_ result: Int32, _ what: String) throws(ConfinementError) {
        guard result == 0 else {
            throw ConfinementError("seccomp (\(what)): \(Errno(rawValue: -result))")
        }
    }
}

extension SystemCallFilter.Rule {
    /// Memory, never executable.
    public static func memory() -> [SystemCallFilter.Rule] {
        let executable = UInt64(PROT_EXEC)
        return [
            .allow("brk"), .allow("munmap"), .allow("mremap"), .allow("madvise"),
            .allow("mmap", .without(argument: 2, executable)),
            .allow("mprotect", .without(argument: 2, executable)),
        ]
    }
}

extension SystemCallFilter.Condition {
    fileprivate var comparison: scmp_arg_cmp {
        switch self {
        case .equal(let argument, let value):
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_EQ, datum_a: value, datum_b: 0)
        case .without(let argument, let bits):
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_MASKED_EQ, datum_a: bits, datum_b: 0)
        }
    }
}
