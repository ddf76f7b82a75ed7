public import Journal
public import SystemPackage

/// An infected file that a scan met once, and what became of it.
public struct Finding: Equatable, Sendable {
    /// Its name.
    public let id: ShortID
    /// Where it was.
    public let path: FilePath
    /// Which file it was; nil where it was not told.
    public let identity: FileIdentity?
    /// Its size in bytes; nil where it was not told.
    public let size: UInt64?
    /// SHA-256 of its content, 32 bytes; nil where it is not known.
    public let sha256: [UInt8]?
    /// What matched, the first one first.
    public let signatures: [String]
    /// The target whose scan met it last; nil for a scan of paths given by hand.
    public let target: String?
    /// The scan that met it last.
    public let scanID: ScanID
    /// When it was met for the first time.
    public let firstSeen: UnixTime
    /// When it was met for the last time.
    public let lastSeen: UnixTime
    /// What was done with the file, for a person.
    public let done: String
    /// What it is now.
    public let state: State

    /// What a finding is now.
    public enum State: Equatable, Sendable {
        /// Somebody has to look at it.
        case open
        /// Somebody did, and accepted it: this signature in this content.
        case acknowledged(Acknowledgement)
        /// A later scan looked where it was, and it was infected no more, or there no more.
        case gone(since: UnixTime)
        /// The file was set aside.
        case quarantined(ShortID)

        /// Its name, as JSON has it.
        public var name: String {
            switch self {
            case .open: "open"
            case .acknowledged: "acknowledged"
            case .gone: "gone"
            case .quarantined: "quarantined"
            }
        }
    }

    /// That somebody accepted a finding.
    public struct Acknowledgement: Equatable, Sendable {
        /// Why.
        public let reason: String
        /// Who, as far as this machine knows.
        public let who: String
        /// When.
        public let time: UnixTime

        /// That `who` accepted it at `time` because of `reason`.
        public init(reason: String, who: String, time: UnixTime) {
            self.reason = reason
            self.who = who
            self.time = time
        }
    }
}

/// A scan of the past, of one target or of paths given by hand.
public struct PastScan: Equatable, Sendable {
    /// Its name in every event.
    public let scanID: ScanID
    /// The target; nil for paths given by hand.
    public let target: String?
    /// Who wanted it.
    public let trigger: ScanStarted.Trigger
    /// When it began.
    public let started: UnixTime
    /// How it ended; nil as long as it runs, and for good where it was killed.
    public let ending: Ending?

    /// How a scan ended.
    public struct Ending: Equatable, Sendable {
        /// When.
        public let time: UnixTime
        /// Why before its end; nil where it came to its end.
        public let interruption: String?
        /// How many files ended how.
        public let counts: OutcomeCounts
        /// Bytes looked at; nil where it was interrupted.
        public let bytes: UInt64?
    }
}
