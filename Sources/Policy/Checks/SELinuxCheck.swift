import LinuxSystem
import SystemPackage

/// `selinux.enforcing`: a policy is loaded and enforced, now and after the next boot.
///
/// Several witnesses are heard (the kernel's own files, libselinux, the boot configuration). Where they contradict
/// each other the answer is unknown: a container without /etc/selinux/config, or a file system mounted over the
/// real one, must not make it a pass.
public struct SELinuxCheck: PostureCheck {
    /// What the owner requires.
    public let requirement: SELinuxRequirement
    /// What /etc/selinux/config was read to say; nil: it is read when it is looked at.
    private let boot: SELinuxReading.Found<SELinuxReading.BootMode>?

    /// A check of this host.
    public init(_ requirement: SELinuxRequirement) {
        self.init(requirement, boot: nil)
    }

    /// A check that reads no disk where it is told what the boot configuration says.
    init(_ requirement: SELinuxRequirement, boot: SELinuxReading.Found<SELinuxReading.BootMode>?) {
        self.requirement = requirement
        self.boot = boot
    }

    /// ``CheckName/selinuxEnforcing``.
    public var name: CheckName { .selinuxEnforcing }

    /// Looks now. The files are the kernel's own and answer at once, so the deadline has no bearing on it; only
    /// /etc/selinux/config lies on a disk.
    public func evaluate(deadline: ContinuousClock.Instant) -> CheckResult {
        Self.judge(requirement, SELinuxReading(boot: boot))
    }

    static func judge(_ requirement: SELinuxRequirement, _ reading: SELinuxReading) -> CheckResult {
        func result(_ verdict: Verdict, _ evidence: String) -> CheckResult {
            CheckResult(.selinuxEnforcing, verdict, evidence: evidence)
        }
        func fail(_ evidence: String, _ remedy: String) -> CheckResult { result(.fail(remedy: remedy), evidence) }
        func unknown(_ evidence: String, _ remedy: String) -> CheckResult { result(.unknown(remedy: remedy), evidence) }

        if requirement == .ignore { return result(.pass, "not looked at: policy.selinux.require is ignore") }
        let host = "run it on the host, or give the container the host's /sys/fs/selinux and /etc/selinux"
        let install =
            "install selinux-basics and selinux-policy-default, run selinux-activate and reboot; "
            + "to run without SELinux set policy.selinux.require to ignore"

        switch reading.mount {
        case .foreign(let magic):
            return unknown(
                "/sys/fs/selinux is not SELinux's own file system (its magic number is 0x\(String(magic, radix: 16)))",
                host)
        case .absent:
            if reading.libraryEnabled {
                return unknown("libselinux says SELinux is on, but /sys/fs/selinux is not there", host)
            }
            switch reading.kernelHasSELinux {
            case false?:
                return fail("SELinux is off: this kernel was built or booted without it", install)
            case true?:
                return unknown("the kernel runs SELinux, but its file system is not mounted at /sys/fs/selinux", host)
            case nil:
                return unknown("neither /sys/fs/selinux nor /proc/filesystems can be read", host)
            }
        case .selinuxfs: break
        }

        let enforcing: Bool
        switch reading.enforce {
        case .value(let value): enforcing = value
        case .missing: return unknown("/sys/fs/selinux/enforce is not there", host)
        case .unreadable(let reason): return unknown("/sys/fs/selinux/enforce cannot be read: \(reason)", host)
        }
        switch reading.policyLoads {
        case .value(0):
            return fail(
                "SELinux is on, but no policy is loaded, so nothing is refused",
                "install selinux-policy-default and reboot")
        case .value: break
        case .missing: return unknown("/sys/fs/selinux/status is not there, so a loaded policy cannot be proven", host)
        case .unreadable(let reason):
            return unknown("whether a policy is loaded cannot be read from /sys/fs/selinux/status: \(reason)", host)
        }
        if !enforcing && requirement == .enforcing && reading.libraryEnforcing != true {
            return fail(
                "SELinux is permissive: it logs, and refuses nothing",
                "look for denials (ausearch -m AVC), then run setenforce 1 and set SELINUX=enforcing in "
                    + "/etc/selinux/config")
        }
        guard reading.libraryEnabled, let libraryEnforcing = reading.libraryEnforcing else {
            return unknown(
                "the kernel says SELinux is \(enforcing ? "enforcing" : "permissive"), but libselinux says it is off",
                "make /etc/selinux/config readable here; \(host)")
        }
        guard libraryEnforcing == enforcing else {
            return unknown(
                "the kernel says SELinux is \(enforcing ? "enforcing" : "permissive"), libselinux the opposite",
                "run the check again; if it stays so, restart nodeguard")
        }
        let now = "SELinux is \(enforcing ? "enforcing" : "permissive"), a policy is loaded"
        return boot(requirement, reading, now)
    }

    /// What the next boot would bring.
    private static func boot(
        _ requirement: SELinuxRequirement, _ reading: SELinuxReading, _ now: String
    ) -> CheckResult {
        func unknown(_ evidence: String, _ remedy: String) -> CheckResult {
            CheckResult(.selinuxEnforcing, .unknown(remedy: remedy), evidence: "\(now); \(evidence)")
        }
        let fix = "set SELINUX=\(requirement.rawValue) in /etc/selinux/config"
        if let override = reading.commandLineOverride, requirement == .enforcing || override.hasPrefix("selinux=") {
            return unknown(
                "but the kernel was booted with \(printable(override.utf8)), which the next boot repeats",
                "remove it from the kernel's command line (GRUB_CMDLINE_LINUX in /etc/default/grub, update-grub)")
        }
        switch reading.bootMode {
        case .value(.enforcing):
            return CheckResult(.selinuxEnforcing, .pass, evidence: "\(now), and it is enforced after a boot too")
        case .value(.permissive) where requirement == .permissive:
            return CheckResult(.selinuxEnforcing, .pass, evidence: "\(now), and it is on after a boot too")
        case .value(let mode):
            return unknown("but after the next boot it is \(mode.rawValue) (/etc/selinux/config)", fix)
        case .missing: return unknown("but there is no /etc/selinux/config to say what the next boot brings", fix)
        case .unreadable(let reason): return unknown("but /etc/selinux/config is not understood: \(reason)", fix)
        }
    }
}
