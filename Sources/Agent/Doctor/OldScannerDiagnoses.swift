internal import LinuxSystem
internal import SystemPackage

/// Scanners from before: what nodeguard replaces, and what scans the same files a second time.
@Sendable func diagnoseOldScanners(_ patient: Doctor.Patient) -> [Diagnosis] {
    let files = patient.files
    var found: [Diagnosis] = []
    // cron(8): each user's table, the system's, its folders, and what run-parts starts.
    var tables = ["/etc/crontab"]
    var isHidden = false
    for folder in [
        "/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly",
        "/var/spool/cron", "/var/spool/cron/crontabs",
    ] {
        switch files.names(folder) {
        case .found(let names): tables += names.map { "\(folder)/\($0)" }
        case .missing: break
        case .unreadable: isHidden = true
        }
    }
    for table in tables {
        let line = files.lines(table).first { line in
            let text = line.drop { $0 == " " || $0 == "\t" }
            return !text.hasPrefix("#") && startsScanner(text)
        }
        guard let line else { continue }
        let name = printable(table.utf8)
        found.append(
            Diagnosis(
                "cron.clamscan", .warning,
                "\(name) runs a scanner of its own (\(printable(line.utf8))): it reads everything a second time, without any regard for the validators, and nodeguard replaces it",
                fix: table.hasPrefix("/var/spool/cron/crontabs/")
                    ? "crontab -u \(name.split(separator: "/").last ?? "root") -e, and delete the line"
                    : "delete that line: nano \(name)"))
    }
    for folder in ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system", "/run/systemd/system"] {
        for name in files.names(folder).value ?? [] where name.hasSuffix(".service") {
            let isScan = files.lines("\(folder)/\(name)").contains {
                $0.hasPrefix("ExecStart") && startsScanner($0)
            }
            let timer = String(name.dropLast(8)) + ".timer"
            guard isScan, files.exists("\(folder)/\(timer)"),
                folder != "/lib/systemd/system" || !files.exists("/usr/lib/systemd/system/\(name)")
            else { continue }
            found.append(
                Diagnosis(
                    "timer.clamscan", .warning,
                    "\(timer) starts a scanner of its own (\(printable("\(folder)/\(name)".utf8))), which nodeguard replaces",
                    fix: "systemctl disable --now \(timer)"))
        }
    }
    if isHidden { found.append(.needsRoot("cron.unknown", "whether a user's crontab runs clamscan")) }
    if let onAccess = patient.survey.processes.all.first(where: { $0.program == "clamonacc" }) {
        found.append(
            Diagnosis(
                "clamd.on-access", .warning,
                "\(onAccess.title) has every opened file scanned by clamd: the validators' databases wait for it",
                fix: "systemctl disable --now clamav-clamonacc"))
    }
    if let daemon = patient.survey.processes.all.first(where: { $0.program == "clamd" }) {
        found.append(
            Diagnosis(
                "clamd.running", .note,
                "\(daemon.title) keeps its own copy of the signatures in memory, more than 1 GiB; nodeguard does not use it",
                fix: "systemctl disable --now clamav-daemon clamav-daemon.socket, if nothing else does"))
    }
    return found
}

private func startsScanner(_ line: some StringProtocol) -> Bool {
    line.contains("clamscan") || line.contains("clamdscan")
}
