internal import Config

/// The journal: somebody listens.
@Sendable func diagnoseJournal(_ patient: Doctor.Patient) -> [Diagnosis] {
    guard patient.settings.journal.enabled, let problem = patient.machine.journalProblem else { return [] }
    return [
        Diagnosis(
            "journal.unreachable", .error, "no event reaches the journal: \(problem)",
            fix:
                "systemctl start systemd-journald.socket systemd-journald, or mount /run/systemd/journal into the container"
        )
    ]
}
