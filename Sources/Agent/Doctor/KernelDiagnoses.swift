/// What the kernel lacks, and what that costs.
@Sendable func diagnoseKernel(_ patient: Doctor.Patient) -> [Diagnosis] {
    let files = patient.files
    var found: [Diagnosis] = []
    let newer = "use Debian 12's kernel or a newer one: apt install linux-image-amd64, then reboot"
    if !patient.machine.hasOpenat2 {
        found.append(
            Diagnosis(
                "kernel.openat2", .error,
                "there is no openat2(2), before Linux 5.6 or behind a filter: no scan can open a file safely",
                fix: newer))
    }
    if patient.machine.landlock == nil {
        found.append(
            Diagnosis(
                "kernel.landlock", .note,
                "there is no Landlock: the engine is confined by its user and its list of system calls, but not by folder",
                fix: "boot with lsm=landlock,… or " + newer))
    }
    if !files.exists("/proc/pressure/io") {
        found.append(
            Diagnosis(
                "kernel.psi", .note,
                "the kernel keeps no pressure figures: a scan cannot tell that others wait, and keeps to a fixed rate",
                fix: "boot with psi=1"))
    }
    let hierarchies = ["/sys/fs/cgroup/cgroup.controllers", "/sys/fs/cgroup/unified/cgroup.controllers"]
    if !hierarchies.contains(where: files.exists) {
        found.append(
            Diagnosis(
                "kernel.cgroup2", .note,
                "control groups of version 2 are not mounted: a scan sees the whole machine's pressure, its own with it, and is slower than it need be",
                fix: "boot with systemd.unified_cgroup_hierarchy=1"))
    }
    return found
}
