internal import Journal

extension MetricsStore {
    /// Tells how many findings each target has in each state, and how many files are in the quarantine.
    public mutating func tell(_ findings: FindingsStore) throws {
        let counts = try findings.counts()
        let quarantined = try findings.quarantined()
        update { snapshot in
            for label in snapshot.targets.keys { snapshot.targets[label]?.findings = FindingsStore.none }
            for (target, states) in counts {
                guard let label = target.map(MetricLabel.init) ?? ScanReporter.manualTarget else { continue }
                snapshot.targets[label, default: MetricsSnapshot.Target()].findings = states
            }
            snapshot.quarantinedFiles = quarantined
        }
    }
}
