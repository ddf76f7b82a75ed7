internal import LinuxSystem
public import SystemPackage

/// A scan of one target, or of paths given by hand, begins.
public struct ScanStarted: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.scanStarted, messageID: 0xcc14e58a_f0e04a83_9f6f0a23_2e5f556c)]

    /// The scan that begins.
    public var scanID: ScanID
    /// The target's name; nil where paths were given by hand.
    public var target: String?
    /// The folders and files it begins with.
    public var paths: [FilePath]
    /// Who wanted it.
    public var trigger: Trigger
    /// What is looked for; nil as long as no engine was needed.
    public var signatures: SignatureSet?

    /// Who wanted a scan.
    public enum Trigger: String, CaseIterable, Codable, Sendable {
        /// A person or a program, by `scan-now`.
        case manual
        /// The configured time came.
        case schedule
        /// The configured time came while the machine was off.
        case missedSchedule = "missed_schedule"
    }

    /// Tells that a scan begins.
    public init(
        scanID: ScanID, target: String?, paths: [FilePath], trigger: Trigger, signatures: SignatureSet? = nil
    ) {
        self.scanID = scanID
        self.target = target
        self.paths = paths
        self.trigger = trigger
        self.signatures = signatures
    }

    /// Normal.
    public var priority: Priority { .info }
    /// What a person reads.
    public var message: MessageText { "The scan of \(scanned(target)) begins (\(trigger.rawValue))." }
    /// Scan, target, and the paths it begins with.
    public var fields: [JournalField] {
        scanFields(scanID, target) + paths.map { JournalField(.path, $0) } + [JournalField(.reason, trigger.rawValue)]
    }
    /// The event.
    public var event: Event { .scanStarted(self) }
}

/// Which signatures are looked for.
public struct SignatureSet: Codable, Equatable, Sendable {
    /// How many there are.
    public var count: UInt64
    /// Their version as ClamAV tells it, `27700/2026-07-26`; nil where the databases have none.
    public var version: String?

    /// Signatures by number and version.
    public init(count: UInt64, version: String? = nil) {
        self.count = count
        self.version = version
    }
}

/// How far a scan has come.
public struct ScanProgress: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.scanProgress, messageID: nil)]

    /// The scan.
    public var scanID: ScanID
    /// The target's name; nil where paths were given by hand.
    public var target: String?
    /// Files met so far.
    public var files: UInt64
    /// Bytes of the files met so far.
    public var bytes: UInt64
    /// Files there are in all, once the walk knows.
    public var filesKnown: UInt64?
    /// Bytes there are in all, once the walk knows.
    public var bytesKnown: UInt64?
    /// The file that is being looked at.
    public var path: FilePath?

    /// Tells how far a scan has come.
    public init(
        scanID: ScanID, target: String?, files: UInt64, bytes: UInt64, filesKnown: UInt64? = nil,
        bytesKnown: UInt64? = nil, path: FilePath? = nil
    ) {
        self.scanID = scanID
        self.target = target
        self.files = files
        self.bytes = bytes
        self.filesKnown = filesKnown
        self.bytesKnown = bytesKnown
        self.path = path
    }

    /// Normal.
    public var priority: Priority { .info }
    /// What a person reads.
    public var message: MessageText { "The scan of \(scanned(target)) has met \(files) files, \(bytes) bytes." }
    /// None: it is never journaled.
    public var fields: [JournalField] { [] }
    /// The event.
    public var event: Event { .scanProgress(self) }
}

/// What a scan came to: of one target, or of all of them.
public struct ScanTotals: Equatable, Sendable {
    /// How many files ended how; they add up to the files met.
    public var counts: OutcomeCounts
    /// Bytes of content looked at.
    public var bytes: UInt64
    /// How long it took, in microseconds.
    public var durationMicroseconds: UInt64
    /// Infected files that nobody has accepted.
    public var findings: UInt64
    /// Whether everything that was to be looked at was met.
    public var completeness: Completeness

    /// Whether a scan came to its end.
    public enum Completeness: Equatable, Sendable {
        /// Everything was met; single files may still be incomplete or skipped.
        case complete
        /// It ended before, and why.
        case partial(because: String)
    }

    /// The sums of a scan.
    public init(
        counts: OutcomeCounts, bytes: UInt64, durationMicroseconds: UInt64, findings: UInt64,
        completeness: Completeness
    ) {
        self.counts = counts
        self.bytes = bytes
        self.durationMicroseconds = durationMicroseconds
        self.findings = findings
        self.completeness = completeness
    }

    /// A finding is critical; a file that could not be looked at, or a scan that broke off, needs attention.
    var priority: Priority {
        if findings > 0 { return .critical }
        return completeness == .complete && counts[.incomplete] == 0 ? .info : .warning
    }

    var message: MessageText {
        let sums: MessageText =
            "\(counts.total) files: \(counts[.clean]) clean, \(counts[.unchanged]) unchanged, \(counts[.infected]) infected, \(counts[.incomplete]) incomplete, \(counts[.skipped]) skipped"
        return switch completeness {
        case .complete: sums
        case .partial(let reason): "\(sums). It is not complete: \(reason)"
        }
    }

    var fields: [JournalField] {
        var fields = [
            JournalField(.filesClean, counts[.clean]), JournalField(.filesUnchanged, counts[.unchanged]),
            JournalField(.filesInfected, counts[.infected]), JournalField(.filesIncomplete, counts[.incomplete]),
            JournalField(.filesSkipped, counts[.skipped]), JournalField(.bytes, bytes),
            JournalField(.durationMicroseconds, durationMicroseconds), JournalField(.findings, findings),
        ]
        switch completeness {
        case .complete: fields.append(JournalField(.complete, "yes"))
        case .partial(let reason): fields += [JournalField(.complete, "no"), JournalField(.reason, reason)]
        }
        return fields
    }
}

extension ScanTotals: Codable {
    private enum Key: String, CodingKey {
        case counts, bytes, durationMicroseconds, findings, complete, partialBecause
    }

    /// Writes `"counts"`, `"bytes"`, `"durationMicroseconds"`, `"findings"`, `"complete"`, and `"partialBecause"` where
    /// that is false.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(counts, forKey: .counts)
        try container.encode(bytes, forKey: .bytes)
        try container.encode(durationMicroseconds, forKey: .durationMicroseconds)
        try container.encode(findings, forKey: .findings)
        try container.encode(completeness == .complete, forKey: .complete)
        if case .partial(let reason) = completeness { try container.encode(reason, forKey: .partialBecause) }
    }

    /// Reads what ``encode(to:)`` writes.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        counts = try container.decode(OutcomeCounts.self, forKey: .counts)
        bytes = try container.decode(UInt64.self, forKey: .bytes)
        durationMicroseconds = try container.decode(UInt64.self, forKey: .durationMicroseconds)
        findings = try container.decode(UInt64.self, forKey: .findings)
        completeness =
            try container.decode(Bool.self, forKey: .complete)
            ? .complete : .partial(because: try container.decode(String.self, forKey: .partialBecause))
    }
}

/// The scan of one target, or of paths given by hand, is done.
public struct ScanFinished: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.scanFinished, messageID: 0xac8348f2_e1074c17_ba0575c5_1c9873ff)]

    /// The scan that is done.
    public var scanID: ScanID
    /// The target's name; nil where paths were given by hand.
    public var target: String?
    /// What it came to.
    public var totals: ScanTotals
    /// When the file was looked at whose look is the longest ago, of those that are clean; nil where there is none.
    public var oldestVerified: UnixTime?

    /// Tells that a scan is done.
    public init(scanID: ScanID, target: String?, totals: ScanTotals, oldestVerified: UnixTime? = nil) {
        self.scanID = scanID
        self.target = target
        self.totals = totals
        self.oldestVerified = oldestVerified
    }

    /// By what it came to.
    public var priority: Priority { totals.priority }
    /// What a person reads.
    public var message: MessageText { "The scan of \(scanned(target)) is done: \(totals.message)." }
    /// Scan, target and sums.
    public var fields: [JournalField] { scanFields(scanID, target) + totals.fields }
    /// The event.
    public var event: Event { .scanFinished(self) }

    /// Writes the sums beside the scan and the target.
    public func encode(to encoder: any Encoder) throws {
        try totals.encode(to: encoder)
        var container = encoder.container(keyedBy: EventKey.self)
        try container.encode(scanID, forKey: "scanID")
        try container.encodeIfPresent(target, forKey: "target")
        try container.encodeIfPresent(oldestVerified, forKey: "oldestVerified")
    }

    /// Reads what ``encode(to:)`` writes.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: EventKey.self)
        scanID = try container.decode(ScanID.self, forKey: "scanID")
        target = try container.decodeIfPresent(String.self, forKey: "target")
        oldestVerified = try container.decodeIfPresent(UnixTime.self, forKey: "oldestVerified")
        totals = try ScanTotals(from: decoder)
    }
}

/// What a whole run of `scan-now` came to, over all its targets: the last line of its JSON Lines.
public struct ScanSummary: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.summary, messageID: nil)]

    /// The targets that were to be scanned; empty where paths were given by hand.
    public var targets: [String]
    /// What it came to.
    public var totals: ScanTotals

    /// Sums a run of `scan-now` up.
    public init(targets: [String], totals: ScanTotals) {
        self.targets = targets
        self.totals = totals
    }

    /// By what it came to.
    public var priority: Priority { totals.priority }
    /// What a person reads.
    public var message: MessageText { "Done: \(totals.message)." }
    /// None: it is never journaled.
    public var fields: [JournalField] { [] }
    /// The event.
    public var event: Event { .summary(self) }

    /// Writes the sums beside the targets.
    public func encode(to encoder: any Encoder) throws {
        try totals.encode(to: encoder)
        var container = encoder.container(keyedBy: EventKey.self)
        try container.encode(targets, forKey: "targets")
    }

    /// Reads what ``encode(to:)`` writes.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: EventKey.self)
        targets = try container.decode([String].self, forKey: "targets")
        totals = try ScanTotals(from: decoder)
    }
}

/// A scan stopped before its end and will go on later where it stopped.
public struct ScanInterrupted: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.scanInterrupted, messageID: 0x20a94899_b9cb4deb_adf971d0_951983e3)]

    /// The scan that stopped.
    public var scanID: ScanID
    /// The target's name; nil where paths were given by hand.
    public var target: String?
    /// Why it stopped.
    public var reason: Reason
    /// What exactly happened, where there is more to say.
    public var detail: String?
    /// How many files ended how until then.
    public var counts: OutcomeCounts

    /// Why a scan stopped.
    public enum Reason: String, CaseIterable, Codable, Sendable {
        /// The window in which it may run closed.
        case window
        /// The agent was stopped, or the machine.
        case shutdown
        /// A person or a program wanted it.
        case requested
        /// The scan session or its engine failed.
        case failed
    }

    /// Tells that a scan stopped.
    public init(scanID: ScanID, target: String?, reason: Reason, detail: String? = nil, counts: OutcomeCounts) {
        self.scanID = scanID
        self.target = target
        self.reason = reason
        self.detail = detail
        self.counts = counts
    }

    /// A failure needs attention, anything else is normal.
    public var priority: Priority { reason == .failed ? .error : .notice }
    /// What a person reads.
    public var message: MessageText {
        "The scan of \(scanned(target)) was interrupted after \(counts.total) files (\(reason.rawValue))\(explained(detail))."
    }
    /// Scan, target and reason.
    public var fields: [JournalField] {
        scanFields(scanID, target) + [JournalField(.reason, reason.rawValue)] + detailField(detail)
    }
    /// The event.
    public var event: Event { .scanInterrupted(self) }
}

/// A scan that was interrupted goes on.
public struct ScanResumed: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.scanResumed, messageID: 0x2679e8dd_cad94e49_aaafad63_be85a882)]

    /// The scan that goes on.
    public var scanID: ScanID
    /// The target's name; nil where paths were given by hand.
    public var target: String?
    /// The folders and files it goes through, all of them anew.
    public var paths: [FilePath]
    /// How many files ended how before it was interrupted.
    public var counts: OutcomeCounts

    /// Tells that a scan goes on.
    public init(scanID: ScanID, target: String?, paths: [FilePath], counts: OutcomeCounts) {
        self.scanID = scanID
        self.target = target
        self.paths = paths
        self.counts = counts
    }

    /// Normal.
    public var priority: Priority { .info }
    /// What a person reads.
    public var message: MessageText { "The scan of \(scanned(target)) goes on after \(counts.total) files." }
    /// Scan, target, and the paths it goes through.
    public var fields: [JournalField] { scanFields(scanID, target) + paths.map { JournalField(.path, $0) } }
    /// The event.
    public var event: Event { .scanResumed(self) }
}

func scanned(_ target: String?) -> MessageText {
    target.map { "target \($0)" } ?? "the given paths"
}

func explained(_ detail: String?) -> MessageText {
    detail.map { ": \($0)" } ?? ""
}

func scanFields(_ scanID: ScanID?, _ target: String?) -> [JournalField] {
    (scanID.map { [JournalField(.scanID, $0.description)] } ?? []) + (target.map { [JournalField(.target, $0)] } ?? [])
}

func detailField(_ detail: String?) -> [JournalField] {
    detail.map { [JournalField(.detail, $0)] } ?? []
}

extension EventPayload {
    /// The only kind of this payload; a payload of several kinds has its own.
    public var kind: EventKind { Self.kinds[0] }
}

// A path needs its own JSON form: see PathCoding.swift.

extension ScanStarted {
    /// Writes each path as `{"path":…}`, with its bytes where they are not plain text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: EventKey.self)
        try container.encode(scanID, forKey: "scanID")
        try container.encodeIfPresent(target, forKey: "target")
        try container.encode(paths: paths, forKey: "paths")
        try container.encode(trigger, forKey: "trigger")
        try container.encodeIfPresent(signatures, forKey: "signatures")
    }

    /// Reads what ``encode(to:)`` writes.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: EventKey.self)
        scanID = try container.decode(ScanID.self, forKey: "scanID")
        target = try container.decodeIfPresent(String.self, forKey: "target")
        paths = try container.decode(pathsForKey: "paths")
        trigger = try container.decode(Trigger.self, forKey: "trigger")
        signatures = try container.decodeIfPresent(SignatureSet.self, forKey: "signatures")
    }
}

extension ScanResumed {
    /// Writes each path as `{"path":…}`, with its bytes where they are not plain text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: EventKey.self)
        try container.encode(scanID, forKey: "scanID")
        try container.encodeIfPresent(target, forKey: "target")
        try container.encode(paths: paths, forKey: "paths")
        try container.encode(counts, forKey: "counts")
    }

    /// Reads what ``encode(to:)`` writes.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: EventKey.self)
        scanID = try container.decode(ScanID.self, forKey: "scanID")
        target = try container.decodeIfPresent(String.self, forKey: "target")
        paths = try container.decode(pathsForKey: "paths")
        counts = try container.decode(OutcomeCounts.self, forKey: "counts")
    }
}

extension ScanProgress {
    /// Writes the path with its bytes where they are not plain text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: EventKey.self)
        try container.encode(scanID, forKey: "scanID")
        try container.encodeIfPresent(target, forKey: "target")
        try container.encode(files, forKey: "files")
        try container.encode(bytes, forKey: "bytes")
        try container.encodeIfPresent(filesKnown, forKey: "filesKnown")
        try container.encodeIfPresent(bytesKnown, forKey: "bytesKnown")
        try container.encodeIfPresent(path: path, forKey: "path")
    }

    /// Reads what ``encode(to:)`` writes.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: EventKey.self)
        scanID = try container.decode(ScanID.self, forKey: "scanID")
        target = try container.decodeIfPresent(String.self, forKey: "target")
        files = try container.decode(UInt64.self, forKey: "files")
        bytes = try container.decode(UInt64.self, forKey: "bytes")
        filesKnown = try container.decodeIfPresent(UInt64.self, forKey: "filesKnown")
        bytesKnown = try container.decodeIfPresent(UInt64.self, forKey: "bytesKnown")
        path = try container.decodeIfPresent(pathForKey: "path")
    }
}
