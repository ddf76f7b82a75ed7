public import Journal

/// What the checks of the node's state are told: scans, findings, key files and signatures, as somebody else has read
/// them. Policy itself reads nothing of it and knows nothing of scanning.
public struct StateFacts: Equatable, Sendable {
    /// Something that was read, or why that was not possible and what to do about it.
    public enum Known<Value: Equatable & Sendable>: Equatable, Sendable {
        case known(Value)
        case unknown(why: String, remedy: String)
    }

    /// A signature database.
    public struct Database: Equatable, Sendable {
        /// Its name without folder and ending: `daily`.
        public var name: String
        /// When it was made; nil where it does not say.
        public var built: UnixTime?

        /// A database.
        public init(name: String, built: UnixTime?) {
            self.name = name
            self.built = built
        }
    }

    /// A configured target.
    public struct Target: Equatable, Sendable {
        /// Its name.
        public var name: String
        /// When a scan of it last came to its end; nil: never.
        public var lastCompletion: UnixTime?
        /// From when on it is too long ago (or too long that there was none); nil where that is not known.
        public var limit: UnixTime?

        /// A target.
        public init(name: String, lastCompletion: UnixTime?, limit: UnixTime?) {
            self.name = name
            self.lastCompletion = lastCompletion
            self.limit = limit
        }
    }

    /// The findings that somebody has to look at.
    public struct Findings: Equatable, Sendable {
        /// How many.
        public var open: Int
        /// One of them, safe to print.
        public var example: String?

        /// Findings.
        public init(open: Int, example: String?) {
            self.open = open
            self.example = example
        }
    }

    /// The validators' key files.
    public struct KeyFiles: Equatable, Sendable {
        /// Those with an owner or permissions that they should not have, safe to print.
        public var exposed: [String]
        /// The targets that no whole scan has looked through for them.
        public var notLookedAt: [String]

        /// Key files.
        public init(exposed: [String], notLookedAt: [String]) {
            self.exposed = exposed
            self.notLookedAt = notLookedAt
        }
    }

    /// When it was read, by a clock that nobody sets.
    public var read: ContinuousClock.Instant
    /// The signature databases.
    public var databases: Known<[Database]>
    /// The configured targets.
    public var targets: Known<[Target]>
    /// The findings.
    public var findings: Known<Findings>
    /// The key files.
    public var keyFiles: Known<KeyFiles>

    /// What was read.
    public init(
        read: ContinuousClock.Instant = .now, databases: Known<[Database]>, targets: Known<[Target]>,
        findings: Known<Findings>, keyFiles: Known<KeyFiles>
    ) {
        self.read = read
        self.databases = databases
        self.targets = targets
        self.findings = findings
        self.keyFiles = keyFiles
    }

    /// The checks that judge it.
    public var checks: [any PostureCheck] {
        [
            KeysPermissionsCheck(self), SignaturesAgeCheck(self), ScanAgeCheck(self), FindingsOpenCheck(self),
        ]
    }

    /// What was read longer ago than this proves nothing: whoever reads it hangs on a disk.
    public static let freshness = Duration.seconds(600)

    /// Judges one of the facts, where it is known and was read lately.
    func judge<Value>(
        _ check: CheckName, _ fact: Known<Value>, at now: ContinuousClock.Instant = .now, _ body: (Value) -> CheckResult
    ) -> CheckResult {
        let age = read.duration(to: now)
        guard age <= Self.freshness else {
            return CheckResult(
                check,
                .unknown(
                    remedy: "look whether the disk with the state folder or the signatures hangs (journalctl -k), and "
                        + "restart nodeguard"),
                evidence: "what is known of it was read \(age.components.seconds / 60) minutes ago")
        }
        switch fact {
        case .known(let value): return body(value)
        case .unknown(let why, let remedy): return CheckResult(check, .unknown(remedy: remedy), evidence: why)
        }
    }
}

/// The first few of a list for a person, and how many more there are.
func shortList(_ items: [String], shown: Int = 3) -> String {
    let more = items.count > shown ? " and \(items.count - shown) more" : ""
    return items.prefix(shown).joined(separator: ", ") + more
}

/// How long something is, in the largest unit that leaves a number to look at.
func inWords(_ duration: Duration) -> String {
    let seconds = duration.components.seconds
    switch seconds {
    case ..<7200: return "\(max(0, seconds / 60)) minutes"
    case ..<172_800: return "\(seconds / 3600) hours"
    default: return "\(seconds / 86400) days"
    }
}

extension UnixTime {
    func span(to later: UnixTime) -> Duration {
        let (difference, overflow) = later.microseconds.subtractingReportingOverflow(microseconds)
        return .microseconds(overflow ? .max : difference)
    }
}
