internal import FoundationEssentials
public import Journal
internal import LinuxSystem
public import SystemPackage

/// The metrics as they were told last, kept in the state folder so that they survive a restart, and the file that
/// node-exporter reads.
public struct MetricsStore {
    private let state: FilePath
    private let textfile: MetricsFile?
    private var snapshot: MetricsSnapshot
    /// What could not be read or written, each once: a sentence for a person.
    public private(set) var problems: [String] = []

    /// The metrics of the last time, or none yet. A stored file that cannot be read is told and begun anew: metrics
    /// are a report, nothing is decided by them.
    public init(state: FilePath, textfile: FilePath?, version: String) {
        self.state = Self.file(in: state)
        self.textfile = textfile.map(MetricsFile.init)
        snapshot = MetricsSnapshot(version: version)
        do {
            if let stored = try Self.stored(in: state) { snapshot = stored }
            snapshot.version = version
        } catch {
            note("the metrics of earlier scans in \(printable(self.state)) cannot be read and are begun anew: \(error)")
        }
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
    public mutating func update(_ change: (inout MetricsSnapshot) -> Void) {
        change(&snapshot)
        do {
            try replaceFile(
                at: state, with: Array(JSONEncoder().encode(snapshot)), permissions: .ownerReadWrite)
        } catch {
            note("the metrics cannot be kept for the next time: \(error)")
        }
        guard let textfile else { return }
        do {
            try textfile.write(snapshot)
        } catch {
            note(error.description)
        }
    }

    private mutating func note(_ problem: String) {
        if !problems.contains(problem) { problems.append(problem) }
    }
}
