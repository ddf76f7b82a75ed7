internal import FoundationEssentials
public import Journal
internal import LinuxSystem
public import SystemPackage

/// The metrics as they were told last, kept in the state folder so that they survive a restart, and the file that
/// node-exporter reads.
public final class MetricsStore {
    private let state: FilePath
    private var textfile: MetricsFile?
    /// What is told now.
    public private(set) var snapshot: MetricsSnapshot
    private var kept: MetricsSnapshot
    private var keptAt: UInt64 = 0
    private var startProblems: [String] = []
    private var lastProblems: [String] = []

    /// How often packets that are only counted are kept for the next start, in nanoseconds.
    private static let countersInterval: UInt64 = 60_000_000_000

    /// What could not be read at the start or written at last: a sentence each, for a person.
    public var problems: [String] { startProblems + lastProblems }

    /// The metrics of the last time, or none yet. A stored file that cannot be read is told and begun anew: metrics
    /// are a report, nothing is decided by them.
    public init(state: FilePath, textfile: FilePath?, version: String) {
        self.state = Self.file(in: state)
        self.textfile = textfile.map(MetricsFile.init)
        snapshot = MetricsSnapshot(version: version)
        kept = snapshot
        do {
            if let stored = try Self.stored(in: state) { snapshot = stored }
            snapshot.version = version
        } catch {
            startProblems.append(
                "the metrics of earlier scans in \(printable(self.state)) cannot be read and are begun anew: \(error)")
        }
    }

    /// Takes up another file for node-exporter. The one of before is removed: it would tell for ever what was once.
    public func adopt(textfile path: FilePath?) {
        guard path != textfile?.path else { return }
        textfile?.remove()
        textfile = path.map(MetricsFile.init)
        update { _ in }
    }

    private static func file(in state: FilePath) -> FilePath { state.appending("metrics.json") }

    /// The metrics as they were kept last in this state folder; nil where none are yet.
    static func stored(in state: FilePath) throws -> MetricsSnapshot? {
        do {
            let stored = try FileDescriptor.open(file(in: state), .readOnly, options: [.closeOnExec, .noFollow])
            let bytes = try stored.closeAfter { try readToEnd(stored) }
            return try JSONDecoder().decode(MetricsSnapshot.self, from: Data(bytes))
        } catch Errno.noSuchFileOrDirectory {
            return nil
        }
    }

    /// Changes what is told and writes it. Where the disk does not take it, the scan goes on and ``problems`` tells.
    ///
    /// Kept for the next start is only what is worth it: a sign of life is not, and a disk is spared that every few seconds.
    public func update(_ change: (inout MetricsSnapshot) -> Void) {
        change(&snapshot)
        lastProblems = []
        let now = monotonicNanoseconds()
        var worthKeeping = snapshot
        worthKeeping.heartbeat = kept.heartbeat
        worthKeeping.vpnHandshakeAgeSeconds = kept.vpnHandshakeAgeSeconds
        if now - keptAt < Self.countersInterval {
            worthKeeping.gate.droppedPackets = kept.gate.droppedPackets
            worthKeeping.gate.droppedByReason = kept.gate.droppedByReason
        }
        if worthKeeping != kept {
            do {
                try replaceFile(
                    at: state, with: Array(JSONEncoder().encode(snapshot)), permissions: .ownerReadWrite)
                kept = snapshot
                keptAt = now
            } catch {
                lastProblems.append("the metrics cannot be kept for the next time: \(error)")
            }
        }
        guard let textfile else { return }
        do {
            try textfile.write(snapshot)
        } catch {
            lastProblems.append(error.description)
        }
    }
}
