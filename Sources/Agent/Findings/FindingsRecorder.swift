public import Journal
internal import LinuxSystem
public import Scanner
public import SystemPackage

/// Feeds the findings and the history with what a scan session tells. It runs in the parent: the session, which has
/// the privileges, never opens the store.
public final class FindingsRecorder {
    private let store: FindingsStore?
    private var known: [Finding] = []
    private var scan: Current?
    /// What could not be read or kept, each once: a sentence for a person.
    public private(set) var problems: [String] = []

    /// What the session that runs has told about findings of earlier. A scan that goes on walks all of its paths anew and
    /// tells every outcome again, of what it knows from before too: what came in this session alone is enough, and what
    /// sessions before have told is not believed any more.
    private struct Current {
        let paths: [FilePath]
        var outcomes: [[UInt8]: Outcome] = [:]
    }

    /// Opens the store. Where that fails the scan goes on, and ``problems`` tells.
    public init(state: FilePath) {
        do {
            // The first scan of all makes it.
            try makeFolder(state, permissions: .ownerReadWriteExecute)
            let store = try FindingsStore(state: state)
            self.store = store
            if let note = store.note { problems.append(note) }
        } catch {
            store = nil
            problems.append("findings and history are not kept: \(error)")
        }
        attempt("the findings of earlier cannot be read") {
            known =
                try store?.findings(all: true).filter {
                    switch $0.state {
                    case .open, .acknowledged: true
                    case .gone, .quarantined: false
                    }
                } ?? []
        }
    }

    /// What the session has to tell in any case: what became of the files with findings.
    public var watched: WatchedPaths { WatchedPaths(known.map(\.path)) }

    /// Files that somebody has accepted as they are.
    var accepted: [QuarantineOrder.AcceptedFile] {
        known.compactMap { finding in
            guard case .acknowledged = finding.state, let size = finding.size, let identity = finding.identity else {
                return nil
            }
            return QuarantineOrder.AcceptedFile(
                path: finding.path, signatures: Set(finding.signatures), size: size, identity: identity)
        }
    }

    /// Brings the metrics up to date; false where the findings cannot be read.
    func tell(_ metrics: MetricsStore) -> Bool {
        guard let store, let tally = try? FindingsTally(store) else { return false }
        metrics.tell(tally)
        return true
    }

    /// Takes in one event.
    public func record(_ event: Event) {
        let now = UnixTime.now()
        switch event {
        case .scanStarted(let started):
            scan = Current(paths: started.paths)
            attempt("the history is not kept") { try store?.began(started, at: now) }
        case .scanResumed(let resumed): scan = Current(paths: resumed.paths)
        case .file(let report):
            if watched.contains(report.path.bytes) { scan?.outcomes[report.path.bytes] = report.outcome }
            if case .infected(let first, let others) = report.outcome {
                attempt("a finding is not kept") {
                    try store?.met(report, signatures: [first] + others, at: now)
                }
            }
        case .fileQuarantined(let aside):
            attempt("a finding is not kept") { try store?.setAside(aside) }
        case .scanFinished(let finished):
            attempt("the history is not kept") { try store?.ended(finished, at: now) }
            if finished.totals.completeness == .complete {
                attempt("findings that are gone are not marked") { try store?.gone(goneFindings(), at: now) }
            }
            scan = nil
        case .scanInterrupted(let interrupted):
            attempt("the history is not kept") { try store?.ended(interrupted, at: now) }
            scan = nil
        default: break
        }
    }

    /// The findings of earlier whose place this scan has looked at without finding them again.
    private func goneFindings() -> [ShortID] {
        guard let scan else { return [] }
        return known.filter { finding in
            let path = finding.path.bytes
            guard scan.paths.contains(where: { path.isAtOrBeneath($0.bytes) }) else { return false }
            if let outcome = scan.outcomes[path] { return outcome.provesAbsence }
            // Not met. Its folder was walked, unless the scan says of a folder above it that it was not.
            return path.foldersAbove.allSatisfy { scan.outcomes[$0]?.provesAbsence ?? true }
        }.map(\.id)
    }

    private func attempt(_ failing: String, _ body: () throws -> Void) {
        do {
            try body()
        } catch {
            let problem = "\(failing): \(error)"
            if !problems.contains(problem) { problems.append(problem) }
        }
    }
}

extension Outcome {
    /// Whether nothing infected can be at the path any more (or beneath it, where it is a folder).
    fileprivate var provesAbsence: Bool {
        switch self {
        case .clean, .unchanged, .skipped(.vanished), .skipped(.special): true
        case .infected, .incomplete, .skipped: false
        }
    }
}
