internal import Config
internal import LinuxSystem
internal import SystemPackage

/// The signatures: there, recent, readable, and nothing beside them that blinds the engine. What freshclam does about
/// them is told by ``Doctor/Patient/freshclam``.
@Sendable func diagnoseSignatures(_ patient: Doctor.Patient) -> [Diagnosis] {
    let folder = patient.settings.scan.signatures.path.string
    let shown = printable(folder.utf8)
    let names: [String]
    switch patient.files.names(folder) {
    case .found(let found): names = found
    case .missing:
        return [
            Diagnosis(
                "signatures.none", .error,
                "there is no folder \(shown), so there are no signatures and no scan can begin",
                fix: "apt install clamav-freshclam")
        ]
    case .unreadable(let errno):
        return [
            patient.isRoot
                ? Diagnosis(
                    "signatures.unreadable", .error, "\(shown) cannot be read: \(errno)", fix: "chmod 0755 \(shown)")
                : .needsRoot("signatures.unreadable", "what is in \(shown) (\(errno))")
        ]
    }
    var found = patient.freshclam(patient)
    let databases = names.filter { name in [".cvd", ".cld"].contains(where: name.hasSuffix) }
    if databases.isEmpty {
        let loose = names.filter { name in [".ndb", ".hdb", ".hsb", ".ldb", ".yara"].contains(where: name.hasSuffix) }
        found.append(
            Diagnosis(
                "signatures.none", .error,
                loose.isEmpty
                    ? "there is no database of signatures in \(shown): no scan can begin"
                    : "there is no database of ClamAV's in \(shown), only \(loose.joined(separator: ", "))",
                fix: "apt install clamav-freshclam && systemctl start clamav-freshclam"))
    } else {
        found += diagnoseAge(of: databases, in: folder, patient)
    }
    for name in names where [".fp", ".sfp", ".ign", ".ign2"].contains(where: name.hasSuffix) {
        let path = printable((folder + "/" + name).utf8)
        found.append(
            Diagnosis(
                "signatures.exception", .warning,
                "\(path) takes files or signatures out of every scan: whoever wrote it decides what is not found",
                fix: "less \(path); rm \(path) if it is not yours"))
    }
    for path in [folder] + names.map({ folder + "/" + $0 }) {
        guard let status = patient.files.status(path), status.permissions & 0o002 != 0, status.kind != .symbolicLink
        else {
            continue
        }
        found.append(
            Diagnosis(
                "signatures.writable", .error,
                "everybody may write \(printable(path.utf8)), and could blind the scan: the engine refuses it",
                fix: "chmod o-w \(printable(path.utf8))"))
    }
    for path in [folder] + databases.map({ folder + "/" + $0 }) {
        guard let status = patient.files.status(path), status.permissions & 0o004 == 0 else { continue }
        found.append(
            Diagnosis(
                "signatures.unreadable", .error,
                "the engine, which is no user's but its own, may not read \(printable(path.utf8))",
                fix: "chmod o+rX \(printable(path.utf8))"))
    }
    return found
}

/// `signatures.stale` of the journal begins after three days.
private let stale: Int64 = 3 * 86400

private func diagnoseAge(of databases: [String], in folder: String, _ patient: Doctor.Patient) -> [Diagnosis] {
    // ClamAV-VDB:date:version:signatures:level:checksum:signature:builder:seconds since 1970 (manual, "CVD header").
    let built = databases.compactMap { name -> Int64? in
        guard let header = patient.files.bytes("\(folder)/\(name)", limit: 512).value,
            header.starts(with: "ClamAV-VDB:".utf8)
        else { return nil }
        let fields = String(decoding: header, as: UTF8.self).split(separator: ":", omittingEmptySubsequences: false)
        return fields.count > 8 ? Int64(fields[8].filter { $0.isNumber }) : nil
    }
    guard let newest = built.max() else {
        return [
            Diagnosis(
                "signatures.damaged", .error,
                "none of \(databases.joined(separator: ", ")) in \(printable(folder.utf8)) begins as a database does",
                fix:
                    "systemctl stop clamav-freshclam && rm \(printable(folder.utf8))/*.c?d && systemctl start clamav-freshclam"
            )
        ]
    }
    let age = patient.machine.now - newest
    guard age > stale else { return [] }
    return [
        Diagnosis(
            "signatures.old", .error,
            "the newest database was made \(age / 86400) days ago: what appeared since then is not found",
            fix: "systemctl enable --now clamav-freshclam && journalctl -u clamav-freshclam -n 20")
    ]
}
