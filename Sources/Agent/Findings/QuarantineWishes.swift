public import Config
public import Scanner

extension SessionOrder {
    /// Adds what the configuration and the findings say about setting files aside: only targets of the configuration whose
    /// action is `quarantine`. Paths given by hand are only reported, and so are files that somebody has accepted, and
    /// everything in a validator's folder, whatever target meets it.
    public mutating func addQuarantine(_ settings: Configuration, _ findings: FindingsRecorder) {
        for index in targets.indices {
            let configured = settings.scan.targets.first { $0.name.text == targets[index].name }
            targets[index].setsAside = configured.map { settings.scan.action(of: $0) == .quarantine } ?? false
        }
        quarantine = QuarantineOrder(state: settings.paths.state.path, accepted: findings.accepted)
    }
}
