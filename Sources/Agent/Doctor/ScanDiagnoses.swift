internal import Config
internal import FoundationEssentials
internal import Journal
internal import SystemPackage

/// Scans: those that should have been, and what they said of key files. From the metrics kept in the state folder.
@Sendable func diagnoseScans(_ patient: Doctor.Patient) -> [Diagnosis] {
    let file = patient.settings.paths.state.path.appending("metrics.json").string
    let bytes: [UInt8]
    switch patient.files.bytes(file) {
    case .found(let found): bytes = found
    case .missing:
        guard patient.isRoot || !patient.files.exists(patient.settings.paths.state.path.string) else {
            return [.needsRoot("scan.unknown", "when the targets were scanned")]
        }
        return [
            Diagnosis(
                "scan.never", .warning, "no scan was ever made here, or nothing of it was kept",
                fix: "nodeguard scan-now")
        ]
    case .unreadable: return [.needsRoot("scan.unknown", "when the targets were scanned")]
    }
    guard let snapshot = try? JSONDecoder().decode(MetricsSnapshot.self, from: Data(bytes)) else {
        return [
            Diagnosis(
                "scan.unknown", .unknown, "\(file) cannot be understood", fix: "nodeguard scan-now (it is begun anew)")
        ]
    }
    var found: [Diagnosis] = []
    for target in patient.settings.scan.targets {
        let name = target.name.text
        let known = MetricLabel(name).flatMap { snapshot.targets[$0] }
        guard let known, let last = known.lastCompletion else {
            found.append(
                Diagnosis(
                    "scan.never", .warning, "the target \(name) was never scanned to its end",
                    fix: "nodeguard scan-now --target \(name)"))
            continue
        }
        let now = patient.machine.now
        let age = now - last.microseconds / 1_000_000
        let due = known.nextScan.map { $0.microseconds / 1_000_000 }
        if let due, due < now - 3600, known.isRunning != true {
            found.append(
                Diagnosis(
                    "scan.overdue", .error,
                    "the scan of \(name) was due \((now - due) / 3600) hours ago and did not begin",
                    fix: "systemctl status \(agentUnit); nodeguard scan-now --target \(name)"))
        } else if due == nil && age > 8 * 86400 {
            // Without an agent nobody has worked out when the next is due; a week is longer than most schedules.
            found.append(
                Diagnosis(
                    "scan.overdue", .warning, "the target \(name) was last scanned to its end \(age / 86400) days ago",
                    fix: "nodeguard scan-now --target \(name)"))
        }
        if let window = patient.settings.scan.window, let took = known.lastDurationMicroseconds {
            // Over midnight it ends on the next day.
            let minutes = (window.end - window.start + 1440) % 1440
            if took / 60_000_000 > UInt64(max(minutes, 1)) {
                found.append(
                    Diagnosis(
                        "scan.window", .warning,
                        "the last scan of \(name) took \(took / 60_000_000) minutes, and scan.window (\(window.text)) is open for \(minutes) a day: it needs several nights",
                        fix: "widen scan.window, or raise scan.throttle.bytesPerSecond"))
            }
        }
    }
    if let problems = snapshot.keyFileProblems, problems > 0 {
        found.append(
            Diagnosis(
                "keys.permissions", .error,
                "\(problems) key file\(problems == 1 ? " has an owner or permissions" : "s have owners or permissions") that let others at them",
                fix:
                    "journalctl -t nodeguard NODEGUARD_EVENT=key_file.exposed tells which; chmod 600 each, and think of the keys as known to others"
            ))
    }
    return found
}
