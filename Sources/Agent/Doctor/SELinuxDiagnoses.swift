internal import Config

/// SELinux where the posture check does not look, since it is not required: installed, and without effect.
@Sendable func diagnoseSELinux(_ patient: Doctor.Patient) -> [Diagnosis] {
    // What is required is told by selinux.enforcing.
    guard patient.settings.policy.selinux.require == .ignore, patient.files.exists("/etc/selinux/config") else {
        return []
    }
    let isInKernel = patient.files.lines("/proc/filesystems").contains { $0.hasSuffix("selinuxfs") }
    if !isInKernel {
        return [
            Diagnosis(
                "selinux.disabled", .warning,
                "SELinux is installed (/etc/selinux/config), and the running kernel was booted without it; policy.selinux.require is ignore",
                fix: "selinux-activate && reboot, or apt purge selinux-basics")
        ]
    }
    let enforce = patient.files.lines("/sys/fs/selinux/enforce").first
    guard enforce == "0" else { return [] }
    return [
        Diagnosis(
            "selinux.permissive", .warning,
            "SELinux is on and permissive: it only logs; policy.selinux.require is ignore",
            fix: "setenforce 1, and SELINUX=enforcing in /etc/selinux/config")
    ]
}
