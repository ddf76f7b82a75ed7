public import Journal
internal import LinuxSystem

/// Tells the outside what a scan session tells its parent: the journal, the metrics, the findings and the history.
///
/// A sink that does not take an event never stops the scan; what was not told is told by ``problems``.
public struct ScanReporter {
    /// The label of scans of paths that were given by hand.
    public static let manualTarget = MetricLabel("manual")!

    private let journal: JournalQueue
    private let metrics: MetricsStore
    private let findings: FindingsRecorder?
    /// Key files with problems that the scan of a target has met so far, by their printed paths.
    private var exposed: [MetricLabel: Set<String>] = [:]

    /// Reports to the journal, to the metrics, and to the findings where they are kept.
    public init(journal: JournalQueue, metrics: MetricsStore, findings: FindingsRecorder?) {
        self.journal = journal
        self.metrics = metrics
        self.findings = findings
    }

    /// What could not be told, and where; a sentence each.
    public var problems: [String] {
        (journal.complaint.map { [$0] } ?? []) + metrics.problems + (findings?.problems ?? [])
    }

    /// Passes one event on to whoever is concerned.
    public mutating func report(_ event: Event) {
        journal.send(event)
        findings?.record(event)
        switch event {
        case .scanStarted(let scan):
            let now = UnixTime.now()
            if let label = scan.target.flatMap(MetricLabel.init) { exposed[label] = [] }
            update(scan.target) {
                $0.isRunning = true
                $0.lastStart = now
            }
        case .keyFileExposed(let key):
            if let label = key.target.flatMap(MetricLabel.init) { exposed[label]?.insert(printable(key.path)) }
        case .scanFinished(let scan):
            countExposed(in: scan.target)
            update(scan.target) {
                $0.isRunning = false
                $0.lastCompletion = UnixTime.now()
                $0.lastDurationMicroseconds = scan.totals.durationMicroseconds
                $0.lastCounts = scan.totals.counts
                $0.lastBytes = scan.totals.bytes
                $0.oldestVerified = scan.oldestVerified
            }
            // Where the findings are not kept, at least what this scan has met.
            if findings?.tell(metrics) != true {
                update(scan.target) { $0.findings[.open] = scan.totals.findings }
            }
        case .scanResumed(let scan):
            // What goes on walks everything anew, and so meets every key file.
            if let label = scan.target.flatMap(MetricLabel.init) { exposed[label] = [] }
            update(scan.target) { $0.isRunning = true }
        case .scanInterrupted(let scan): update(scan.target) { $0.isRunning = false }
        case .signaturesLoaded(let loaded):
            metrics.update { snapshot in
                snapshot.signaturesLoaded = loaded.signatures.count
                snapshot.signatureDatabases = [:]
                for database in loaded.databases {
                    if let label = MetricLabel(database.name) { snapshot.signatureDatabases[label] = database.built }
                }
            }
        default: break
        }
    }

    /// The session ended without telling so: nothing runs any more.
    public mutating func sessionEnded() {
        metrics.update { snapshot in
            for label in snapshot.targets.keys { snapshot.targets[label]?.isRunning = false }
        }
    }

    /// Key files of all targets; one that lies in two of them is one file. Paths given by hand are no part of it: what
    /// they add would never go away.
    private mutating func countExposed(in target: String?) {
        guard let label = target.flatMap(MetricLabel.init), let paths = exposed.removeValue(forKey: label) else {
            return
        }
        metrics.update { snapshot in
            snapshot.targets[label, default: MetricsSnapshot.Target()].exposedKeyFiles = paths
            snapshot.countKeyFiles()
        }
    }

    private mutating func update(_ target: String?, _ change: (inout MetricsSnapshot.Target) -> Void) {
        guard let label = target.map(MetricLabel.init) ?? Self.manualTarget else { return }
        metrics.update { change(&$0.targets[label, default: MetricsSnapshot.Target()]) }
    }
}
