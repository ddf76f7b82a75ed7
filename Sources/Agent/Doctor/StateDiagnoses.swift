internal import Config
internal import LinuxSystem
internal import SystemPackage

/// The state folder: on a disk of this machine that lasts, with room.
@Sendable func diagnoseState(_ patient: Doctor.Patient) -> [Diagnosis] {
    let folder = printable(patient.settings.paths.state.path)
    var found: [Diagnosis] = []
    if !patient.machine.isStateWritable {
        found.append(
            patient.isRoot
                ? Diagnosis(
                    "state.read-only", .error,
                    "nothing can be written to \(folder): findings, ledger and a forced closing are not kept",
                    fix: "mount -o remount,rw the file system of \(folder), or correct paths.state")
                : .needsRoot("state.unknown", "whether the agent can write to \(folder)"))
    }
    if patient.machine.isStateOnNetwork {
        found.append(
            Diagnosis(
                "state.network", .error,
                "\(folder) is on a network file system: when that hangs, nodeguard hangs, and locks may not hold",
                fix: "set paths.state to a folder on a disk of this machine"))
    }
    guard let room = patient.machine.stateRoom else { return found }
    if room.isInMemory {
        found.append(
            Diagnosis(
                "state.in-memory", .error,
                "\(folder) is in memory: after a reboot every file is scanned again, findings and a forced closing are forgotten",
                fix: "set paths.state to a folder on a disk"))
    }
    // A ledger of a million files takes about 100 MB, and it is written anew beside the old one.
    if room.size > 0 && (room.free < 256 << 20 || room.free * 50 < room.size && room.free < 2 << 30) {
        found.append(
            Diagnosis(
                "state.full", .error,
                "the disk of \(folder) has \(room.free >> 20) MiB left: what cannot be kept is scanned again and again",
                fix: "make room: du -xh --max-depth=2 / | sort -h | tail"))
    }
    return found
}
