public import EngineProtocol
public import Journal
public import SystemPackage

/// Everything that a scan session is told: what to scan, with what, and how much to say about it.
///
/// It reaches the session as one JSON document on its standard input.
public struct SessionOrder: Codable, Sendable {
    /// One thing to scan.
    public struct Target: Codable, Sendable {
        /// The target's name; nil for paths given by hand.
        public var name: String?
        /// Folders and files to begin with.
        public var paths: [FilePath]
        /// Patterns, see ``PathGlob``.
        public var exclude: [String]
        /// Whether file systems mounted beneath the paths are left out.
        public var oneFileSystem: Bool
        /// Whether infected files are set aside; else they are only reported. Needs ``SessionOrder/quarantine``.
        public var setsAside = false

        /// A target, or paths given by hand where `name` is nil.
        public init(name: String?, paths: [FilePath], exclude: [String] = [], oneFileSystem: Bool = true) {
            self.name = name
            self.paths = paths
            self.exclude = exclude
            self.oneFileSystem = oneFileSystem
        }
    }

    /// Which files get an event of their own.
    public enum Report: String, Codable, Sendable {
        /// Every file that was met.
        case everything
        /// Infected and incomplete ones, and those that are too large or are keys.
        case notable
    }

    /// What is scanned, one after the other, by one engine.
    public var targets: [Target]
    /// The folder with the signature databases.
    public var signatures: FilePath
    /// Files scanned at once; nil: one for each processor this process may run on.
    public var workers: Int?
    /// The limits of a look at one file.
    public var limits: EngineLimits
    /// The folder in which the session makes its scratch folder.
    public var scratchParent: FilePath
    /// What is recognised as a validator's, in every target.
    public var validatorFiles: ValidatorFiles
    /// Which files get an event.
    public var report: Report
    /// Who wanted the scan.
    public var trigger: ScanStarted.Trigger
    /// Whether to count, beside the scan, what there is to scan, so that the time left can be told.
    public var estimatesTotals: Bool
    /// Files of which every outcome is told, whatever ``report`` says.
    public var watched = WatchedPaths([])
    /// Where infected files are set aside, and which are not; nil where no target wants it.
    public var quarantine: QuarantineOrder?
    /// How the session makes room for others.
    public var throttle = Throttle.none
    /// Outside of it the session ends; nil: it never does for that reason.
    public var window: ScanWindow?

    /// Where the root of the machine that is scanned is; every other path of targets and validators is seen from there.
    public var host: FilePath = "/"
    /// The folder of the state, in which the ledger is; nil: nothing is remembered from one session to the next.
    public var state: FilePath?
    /// How long a look counts, in seconds.
    public var reverifySeconds: UInt64 = 30 * 86400
    /// Whether every file is looked at, whatever the ledger says.
    public var isFull = false
    /// Whether the session only tells what there would be to do.
    public var plan: PlanBounds?

    /// An order with everything that has no sensible default given.
    public init(
        targets: [Target], signatures: FilePath, workers: Int? = nil, limits: EngineLimits = .standard,
        scratchParent: FilePath, validatorFiles: ValidatorFiles = ValidatorFiles(), report: Report = .notable,
        trigger: ScanStarted.Trigger = .manual,
        estimatesTotals: Bool = false
    ) {
        self.targets = targets
        self.signatures = signatures
        self.workers = workers
        self.limits = limits
        self.scratchParent = scratchParent
        self.validatorFiles = validatorFiles
        self.report = report
        self.trigger = trigger
        self.estimatesTotals = estimatesTotals
    }
}
