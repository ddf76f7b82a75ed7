/// Everything the metrics tell, at one moment.
///
/// What is nil or has no entry is not known, and is left out of the metrics rather than invented. It can be stored and
/// read back, so that the metrics of the last scan survive a restart.
public struct MetricsSnapshot: Codable, Equatable, Sendable {
    /// nodeguard's version.
    public var version: String
    /// When the agent started.
    public var up: UnixTime?
    /// When the agent's loop last came round.
    public var heartbeat: UnixTime?
    /// The last answer of each posture check.
    public var checks: [MetricLabel: CheckChanged.Status] = [:]
    /// Whether SELinux enforces its policy; nil where that is unknown.
    public var selinuxEnforcing: Bool?
    /// Whether the route of each family leaves as the configuration wants it.
    public var vpnRouteOK: [AddressFamily: Bool] = [:]
    /// Seconds since the last handshake, by WireGuard interface.
    public var vpnHandshakeAgeSeconds: [MetricLabel: UInt64] = [:]
    /// The gate.
    public var gate = Gate()
    /// When each signature database was made, by its name without folder and ending.
    public var signatureDatabases: [MetricLabel: UnixTime] = [:]
    /// Signatures in the engine when it last ran.
    public var signaturesLoaded: UInt64?
    /// The targets of the configuration by name.
    public var targets: [MetricLabel: Target] = [:]
    /// How long a look at an unchanged file counts (`scan.reverify`), so that alerts need not know the configuration.
    public var reverifySeconds: UInt64?
    /// Files in the quarantine.
    public var quarantinedFiles: UInt64?
    /// Key files with permissions or an owner they should not have.
    public var keyFileProblems: UInt64?

    /// Nothing known yet but the version.
    public init(version: String) {
        self.version = version
    }

    /// A family of addresses.
    public enum AddressFamily: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
        case ipv4, ipv6
    }

    /// What is known of the gate.
    public struct Gate: Codable, Equatable, Sendable {
        /// Whether it is open; nil where that is unknown.
        public var isOpen: Bool?
        /// What its decisions do to the ports.
        public var mode: GateMode?
        /// Whether a person has taken it into their own hands.
        public var isOverridden: Bool?
        /// How often it went to each state since it was first installed. Start both with 0.
        public var transitions: [State: UInt64] = [:]
        /// Packets it has dropped.
        public var droppedPackets: [Direction: UInt64] = [:]
        /// The same, by why it dropped them.
        public var droppedByReason: [Direction: [MetricLabel: UInt64]] = [:]

        /// Nothing known yet.
        public init() {}

        /// The two states.
        public enum State: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
            case open, closed
        }

        /// Seen from this node.
        public enum Direction: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
            case inbound, outbound
        }
    }

    /// What is known of the scans of one target.
    public struct Target: Codable, Equatable, Sendable {
        /// Whether a scan runs.
        public var isRunning: Bool?
        /// When the last scan began.
        public var lastStart: UnixTime?
        /// When a scan last came to its end, with everything met.
        public var lastCompletion: UnixTime?
        /// How long that scan took, in microseconds.
        public var lastDurationMicroseconds: UInt64?
        /// How its files ended.
        public var lastCounts: OutcomeCounts?
        /// Bytes of content it looked at.
        public var lastBytes: UInt64?
        /// When the file was looked at whose look is the longest ago.
        public var oldestVerified: UnixTime?
        /// When the next scan is due.
        public var nextScan: UnixTime?
        /// The printed paths of the key files that the last whole scan found wrong; nil: none has looked for them yet.
        /// Kept to count a file once that lies in two targets, never told as a metric.
        public var exposedKeyFiles: Set<String>?
        /// Findings by what became of them.
        public var findings: [FindingState: UInt64] = [:]

        /// Nothing known yet.
        public init() {}
    }

    /// What became of a finding.
    public enum FindingState: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
        /// Nothing yet.
        case open
        /// Somebody accepted it.
        case acknowledged
        /// The file was set aside.
        case quarantined
    }
}

// What is stored may be of an older version: what that one did not know is as if nothing were known of it yet.

extension MetricsSnapshot {
    /// Reads what was stored, also by an earlier version.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(version: try container.decode(String.self, forKey: .version))
        up = try container.decodeIfPresent(UnixTime.self, forKey: .up)
        heartbeat = try container.decodeIfPresent(UnixTime.self, forKey: .heartbeat)
        checks = try container.decodeIfPresent([MetricLabel: CheckChanged.Status].self, forKey: .checks) ?? checks
        selinuxEnforcing = try container.decodeIfPresent(Bool.self, forKey: .selinuxEnforcing)
        vpnRouteOK = try container.decodeIfPresent([AddressFamily: Bool].self, forKey: .vpnRouteOK) ?? vpnRouteOK
        vpnHandshakeAgeSeconds =
            try container.decodeIfPresent([MetricLabel: UInt64].self, forKey: .vpnHandshakeAgeSeconds)
            ?? vpnHandshakeAgeSeconds
        gate = try container.decodeIfPresent(Gate.self, forKey: .gate) ?? gate
        signatureDatabases =
            try container.decodeIfPresent([MetricLabel: UnixTime].self, forKey: .signatureDatabases)
            ?? signatureDatabases
        signaturesLoaded = try container.decodeIfPresent(UInt64.self, forKey: .signaturesLoaded)
        targets = try container.decodeIfPresent([MetricLabel: Target].self, forKey: .targets) ?? targets
        reverifySeconds = try container.decodeIfPresent(UInt64.self, forKey: .reverifySeconds)
        quarantinedFiles = try container.decodeIfPresent(UInt64.self, forKey: .quarantinedFiles)
        keyFileProblems = try container.decodeIfPresent(UInt64.self, forKey: .keyFileProblems)
    }
}

extension MetricsSnapshot.Gate {
    /// Reads what was stored, also by an earlier version.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        isOpen = try container.decodeIfPresent(Bool.self, forKey: .isOpen)
        mode = try container.decodeIfPresent(GateMode.self, forKey: .mode)
        isOverridden = try container.decodeIfPresent(Bool.self, forKey: .isOverridden)
        transitions = try container.decodeIfPresent([State: UInt64].self, forKey: .transitions) ?? transitions
        droppedPackets =
            try container.decodeIfPresent([Direction: UInt64].self, forKey: .droppedPackets) ?? droppedPackets
        droppedByReason =
            try container.decodeIfPresent([Direction: [MetricLabel: UInt64]].self, forKey: .droppedByReason)
            ?? droppedByReason
    }
}

extension MetricsSnapshot.Target {
    /// Reads what was stored, also by an earlier version.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        isRunning = try container.decodeIfPresent(Bool.self, forKey: .isRunning)
        lastStart = try container.decodeIfPresent(UnixTime.self, forKey: .lastStart)
        lastCompletion = try container.decodeIfPresent(UnixTime.self, forKey: .lastCompletion)
        lastDurationMicroseconds = try container.decodeIfPresent(UInt64.self, forKey: .lastDurationMicroseconds)
        lastCounts = try container.decodeIfPresent(OutcomeCounts.self, forKey: .lastCounts)
        lastBytes = try container.decodeIfPresent(UInt64.self, forKey: .lastBytes)
        oldestVerified = try container.decodeIfPresent(UnixTime.self, forKey: .oldestVerified)
        nextScan = try container.decodeIfPresent(UnixTime.self, forKey: .nextScan)
        exposedKeyFiles = try container.decodeIfPresent(Set<String>.self, forKey: .exposedKeyFiles)
        findings =
            try container.decodeIfPresent([MetricsSnapshot.FindingState: UInt64].self, forKey: .findings) ?? findings
    }
}
