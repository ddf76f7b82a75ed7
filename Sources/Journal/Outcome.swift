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
    public enum IncompleteReason: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
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
    public enum SkipReason: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
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
    public enum Kind: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
        case clean, unchanged, infected, incomplete, skipped
    }
}

extension Outcome: Codable {
    private enum Key: String, CodingKey {
        case outcome, signature, signatures, reason
    }

    /// Writes `"outcome"`, and with it `"reason"`, or `"signature"` (the first) and `"signatures"` (all of them).
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(kind, forKey: .outcome)
        try container.encodeIfPresent(reason, forKey: .reason)
        if case .infected(let first, let others) = self {
            try container.encode(first, forKey: .signature)
            try container.encode([first] + others, forKey: .signatures)
        }
    }

    /// Reads what ``encode(to:)`` writes.
    ///
    /// - Throws: `DecodingError` for an outcome without its signature or reason, or with an unknown one.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(Kind.self, forKey: .outcome) {
        case .clean: self = .clean
        case .unchanged: self = .unchanged
        case .infected:
            let first = try container.decode(String.self, forKey: .signature)
            let all = try container.decode([String].self, forKey: .signatures)
            guard all.first == first else {
                throw DecodingError.dataCorruptedError(
                    forKey: .signatures, in: container, debugDescription: "the first signature is another one")
            }
            self = .infected(first: first, others: Array(all.dropFirst()))
        case .incomplete: self = .incomplete(try container.decode(IncompleteReason.self, forKey: .reason))
        case .skipped: self = .skipped(try container.decode(SkipReason.self, forKey: .reason))
        }
    }
}
