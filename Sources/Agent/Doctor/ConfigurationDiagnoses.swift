internal import Config
internal import LinuxSystem

/// The configuration: there, right, and without doubts.
@Sendable func diagnoseConfiguration(_ patient: Doctor.Patient) -> [Diagnosis] {
    var found: [Diagnosis] = []
    if !exists(patient.main) {
        found.append(
            Diagnosis(
                "config.missing", .error,
                "there is no configuration \(printable(patient.main)): the built-in one knows no validator",
                fix: "touch \(printable(patient.main)) && nodeguard setup --write"))
    }
    for problem in patient.problems {
        let isError = problem.severity == .error
        found.append(
            Diagnosis(
                isError ? "config.invalid" : "config.warning", isError ? .error : .warning, problem.description,
                fix: "nodeguard config check \(printable(patient.main))"))
    }
    return found
}
