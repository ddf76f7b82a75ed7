internal import LinuxSystem
internal import SystemPackage

/// The engine: there, with a user of its own, and able to unpack what it meets.
@Sendable func diagnoseEngine(_ patient: Doctor.Patient) -> [Diagnosis] {
    var found: [Diagnosis] = []
    if patient.machine.engine == nil {
        found.append(
            Diagnosis(
                "engine.missing", .error,
                "nodeguard-engine is neither beside nodeguard nor in ../libexec/nodeguard: no scan can begin",
                fix: "apt install --reinstall nodeguard"))
    }
    if patient.files.exists("/etc/passwd"), !patient.survey.users.all.contains(where: { $0.name == "nodeguard-engine" })
    {
        found.append(
            Diagnosis(
                "engine.user", .warning,
                "there is no user nodeguard-engine: the engine runs as user 65534, whose files and processes others may share",
                fix: "systemd-sysusers"))
    }
    // Where Debian and others keep libraries: /usr/lib/TRIPLET, /usr/lib64, /usr/local/lib.
    let folders =
        ["/usr/lib", "/usr/lib64", "/usr/local/lib"]
        + (patient.files.names("/usr/lib").value ?? []).filter { $0.hasSuffix("-linux-gnu") }.map { "/usr/lib/\($0)" }
    let hasUnrar = folders.contains { folder in
        (patient.files.names(folder).value ?? []).contains { $0.hasPrefix("libclamunrar_iface.so") }
    }
    if !hasUnrar {
        found.append(
            Diagnosis(
                "engine.unrar", .warning,
                "libclamunrar is not installed: what is in RAR archives is not looked at, and each ends as incomplete",
                fix: "apt install libclamunrar11 (Debian's non-free)"))
    }
    return found
}
