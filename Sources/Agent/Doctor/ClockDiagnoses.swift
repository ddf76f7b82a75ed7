internal import Journal
internal import LinuxSystem

/// The clock: kept in step, and not before this program was made. Validators miss their duties by a wrong one, and the age
/// of signatures and handshakes cannot be told.
@Sendable func diagnoseClock(_ patient: Doctor.Patient) -> [Diagnosis] {
    var found: [Diagnosis] = []
    let machine = patient.machine
    if let built = machine.built, machine.now < built {
        found.append(
            Diagnosis(
                "clock.past", .error,
                "the clock says \(UnixTime(seconds: machine.now)), which is before this program was built (\(UnixTime(seconds: built)))",
                fix: "systemctl restart chrony systemd-timesyncd; date"))
    }
    guard let clock = machine.clock else {
        found.append(
            Diagnosis(
                "clock.unknown", .unknown, "the kernel does not tell whether the clock is kept in step",
                fix: "timedatectl"))
        return found
    }
    if !clock.isSynchronised {
        found.append(
            Diagnosis(
                "clock.unsynchronised", .warning,
                "no program keeps the clock in step with others (adjtimex: STA_UNSYNC)",
                fix: "apt install chrony, then chronyc tracking; in a container the host's clock counts"))
    }
    return found
}
