internal import Config
internal import Policy

/// The posture: what `nodeguard check` says, with its own evidence and remedies, and what is true of SELinux besides.
@Sendable func diagnosePosture(_ patient: Doctor.Patient) -> [Diagnosis] {
    let posture = patient.survey.posture(
        PosturePolicy(patient.loaded).placing { name in
            patient.settings.validators.first { $0.name.text == name }.map { podAddresses(of: $0, patient) } ?? []
        })
    return posture.results.compactMap { result in
        guard let remedy = result.verdict.remedy else { return nil }
        let severity: Diagnosis.Severity =
            switch result.verdict.kind {
            case .unknown: .unknown
            case .fail: patient.settings.policy.gate.mode == .enforce ? .error : .warning
            case .pass: .note
            }
        return Diagnosis("check.\(result.check.rawValue)", severity, result.evidence, fix: remedy)
    }
}
