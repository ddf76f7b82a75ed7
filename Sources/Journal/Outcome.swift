/// What became of one file that a scan met. There is exactly one for each, and a wrong one cannot be written:
/// an infected file has a signature, an incomplete or skipped one has its reason.
public enum Outcome: Equatable, Sendable {
    /// Looked at in full by the engine, nothing found. The only outcome that is ever remembered as clean.
    case clean
    /// Clean before, and provably the same file with the same bytes; not looked at again.
    case unchanged
    /// At least one signature matched. `first` is the one that is shown, `others` whatever else matched.
    case infected(first: String, others: [String] = [])
    /// The look was begun and could not be finished: neither clean nor infected.
    case incomplete(IncompleteReason)
    /// Not looked at, on purpose or because it could not be.
    case skipped(SkipReason)

    /// Why a look could not be finished.
    public enum IncompleteReason: String, CaseIterable, Codable, Sendable {
        /// One of the engine's limits was reached (size, depth, number of members).
        case limit
        /// An archive or document whose content only its password opens.
        case encrypted
        /// The file could not be opened or read.
        case ioError = "io_error"
        /// The file was written to while it was looked at.
        case changed
        /// The engine took longer than a file may take.
        case timeout
        /// The engine's worker died of this file, twice.
        case engineCrash = "engine_crash"
        /// The engine reported an error or a warning of its own.
        case engineError = "engine_error"
    }

    /// Why a file was not looked at.
    public enum SkipReason: String, CaseIterable, Codable, Sendable {
        /// An exclusion, built in or configured.
        case excluded
        /// Not a regular file or a folder: a symbolic link, FIFO, socket or device.
        case special
        /// On another file system than the target, or on one of a kind that is not scanned.
        case otherFilesystem = "other_filesystem"
        /// Larger than libclamav can read.
        case tooLarge = "too_large"
        /// A validator's key: never opened.
        case keyFile = "key_file"
        /// Gone between being listed and being opened.
        case vanished
    }

    /// The outcome without its details: what is counted.
    public var kind: Kind {
        switch self {
        case .clean: .clean
        case .unchanged: .unchanged
        case .infected: .infected
        case .incomplete: .incomplete
        case .skipped: .skipped
        }
    }

    /// The reason as the contract spells it, for incomplete and skipped.
    public var reason: String? {
        switch self {
        case .clean, .unchanged, .infected: nil
        case .incomplete(let reason): reason.rawValue
        case .skipped(let reason): reason.rawValue
        }
    }

    /// The five outcomes, spelled as in metrics, journal and JSON.
    public enum Kind: String, CaseIterable, Codable, Sendable {
        case clean, unchanged, infected, incomplete, skipped
    }
}

/// How many files ended in which outcome.
public struct OutcomeCounts: Equatable, Sendable {
    private var counts: [Key: UInt64] = [:]

    private struct Key: Hashable {
        let kind: Outcome.Kind
        let reason: String?
    }

    /// No file counted yet.
    public init() {}

    /// Counts one file.
    public mutating func add(_ outcome: Outcome, _ files: UInt64 = 1) {
        counts[Key(kind: outcome.kind, reason: outcome.reason), default: 0] += files
    }

    /// Files with this outcome, whatever the reason.
    public subscript(kind: Outcome.Kind) -> UInt64 {
        counts.reduce(0) { $1.key.kind == kind ? $0 + $1.value : $0 }
    }

    /// Files with exactly this outcome and reason (an infected file counts whatever its signature).
    public subscript(outcome: Outcome) -> UInt64 {
        counts[Key(kind: outcome.kind, reason: outcome.reason)] ?? 0
    }

    /// All files: the sum over the outcomes.
    public var total: UInt64 { counts.values.reduce(0, +) }

    /// The reasons of one outcome with their counts, the most frequent first.
    public func reasons(of kind: Outcome.Kind) -> [(reason: String, files: UInt64)] {
        counts.compactMap { key, files in key.kind == kind ? key.reason.map { ($0, files) } : nil }
            .sorted { ($1.1, $0.0) < ($0.1, $1.0) }
    }
}
