internal import Journal
internal import LinuxSystem
internal import SystemPackage

/// The findings in numbers.
public struct FindingsTally: Equatable, Sendable {
    /// How many are in each state, by the target whose scan met them last; nil for paths given by hand.
    let counts: [String?: [MetricsSnapshot.FindingState: UInt64]]
    /// Files in the quarantine.
    let quarantined: UInt64

    /// What a store tells.
    public init(_ findings: FindingsStore) throws {
        counts = try findings.counts()
        quarantined = try findings.quarantined()
    }

    /// What is kept in a state folder; nil where nothing is, or it cannot be read.
    static func kept(in state: FilePath) -> FindingsTally? {
        // Opening it would make it.
        guard exists(state.appending("findings.db")) else { return nil }
        return try? FindingsTally(FindingsStore(state: state))
    }
}

extension MetricsSnapshot {
    /// Targets that are not configured any more are told no longer, but for their findings: what was found is still there,
    /// until somebody accepts it or a scan proves it gone.
    mutating func retireTargets(except configured: Set<String>) {
        for (label, target) in targets where label != ScanReporter.manualTarget {
            guard !configured.contains(label.description) else { continue }
            var findings = Target()
            findings.findings = target.findings
            targets[label] = target.findings.values.contains { $0 > 0 } ? findings : nil
        }
        if keyFileProblems != nil { countKeyFiles() }
    }

    /// Counts the key files with problems of all targets; one that lies in two of them is one file.
    mutating func countKeyFiles() {
        let all = targets.values.compactMap(\.exposedKeyFiles).reduce(into: Set()) { $0.formUnion($1) }
        keyFileProblems = UInt64(all.count)
    }
}

extension MetricsStore {
    /// Tells how many findings each target has in each state, and how many files are in the quarantine.
    public func tell(_ tally: FindingsTally) {
        update { snapshot in
            for label in snapshot.targets.keys { snapshot.targets[label]?.findings = FindingsStore.none }
            for (target, states) in tally.counts {
                guard let label = target.map(MetricLabel.init) ?? ScanReporter.manualTarget else { continue }
                snapshot.targets[label, default: MetricsSnapshot.Target()].findings = states
            }
            snapshot.quarantinedFiles = tally.quarantined
        }
    }
}
