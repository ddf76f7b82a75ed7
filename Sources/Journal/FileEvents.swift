public import SystemPackage

/// What became of one file.
public struct FileReport: EventPayload {
    /// One kind for each outcome; only findings and incomplete looks are journaled.
    public static let kinds = [
        EventKind(.fileClean, messageID: nil), EventKind(.fileUnchanged, messageID: nil),
        EventKind(.fileInfected, messageID: 0xb35b687f_c5524076_b354ee7f_0b562faa),
        EventKind(.fileIncomplete, messageID: 0x698a46ec_1b474a46_86b874fc_a72ef4cb),
        EventKind(.fileSkipped, messageID: nil),
    ]

    /// The file.
    public var path: FilePath
    /// What became of it.
    public var outcome: Outcome
    /// Its size in bytes; nil where it could not be asked for.
    public var size: UInt64?
    /// The target's name; nil where paths were given by hand.
    public var target: String?
    /// The scan that met it.
    public var scanID: ScanID
    /// What exactly happened, for a person: `cannot read …: Input/output error (read)`.
    public var detail: String?
    /// The SHA-256 of its content, 64 hexadecimal digits; nil where it was not read to its end, and for files of which
    /// nothing was found.
    public var sha256: String?
    /// Which file it was; told of infected ones.
    public var identity: FileIdentity?

    /// Tells what became of a file.
    public init(
        path: FilePath, outcome: Outcome, size: UInt64?, target: String?, scanID: ScanID, detail: String? = nil,
        sha256: String? = nil, identity: FileIdentity? = nil
    ) {
        self.path = path
        self.outcome = outcome
        self.size = size
        self.target = target
        self.scanID = scanID
        self.detail = detail
        self.sha256 = sha256
        self.identity = identity
    }

    /// The kind of its outcome.
    public var kind: EventKind {
        switch outcome.kind {
        case .clean: Self.kinds[0]
        case .unchanged: Self.kinds[1]
        case .infected: Self.kinds[2]
        case .incomplete: Self.kinds[3]
        case .skipped: Self.kinds[4]
        }
    }

    /// A finding is critical, a look that could not be finished needs attention.
    public var priority: Priority {
        switch outcome.kind {
        case .infected: .critical
        case .incomplete: .warning
        case .clean, .unchanged, .skipped: .info
        }
    }

    /// What a person reads.
    public var message: MessageText {
        switch outcome {
        case .infected(let first, let others) where others.isEmpty: "Found \(first) in \(path)."
        case .infected(let first, let others): "Found \(first) and \(others.count) more in \(path)."
        case .incomplete(let reason): "Could not look at \(path) in full (\(reason.rawValue))\(explained(detail))."
        case .skipped(let reason): "Skipped \(path) (\(reason.rawValue))\(explained(detail))."
        case .clean: "Found nothing in \(path)."
        case .unchanged: "Not looked at again, the same as when it was clean: \(path)."
        }
    }

    /// Path, outcome, and what goes with the outcome; every signature in a field of its own.
    public var fields: [JournalField] {
        var fields = [JournalField(.path, path), JournalField(.outcome, outcome.kind.rawValue)]
        if case .infected(let first, let others) = outcome {
            fields += ([first] + others).map { JournalField(.signature, $0) }
        }
        if let reason = outcome.reason { fields.append(JournalField(.reason, reason)) }
        return fields + scanFields(scanID, target) + detailField(detail)
    }

    /// The event.
    public var event: Event { .file(self) }

    /// Writes the outcome and the path, with its bytes where they are not plain text.
    public func encode(to encoder: any Encoder) throws {
        try outcome.encode(to: encoder)
        var container = encoder.container(keyedBy: EventKey.self)
        try container.encode(path: path, forKey: "path")
        try container.encodeIfPresent(size, forKey: "size")
        try container.encodeIfPresent(target, forKey: "target")
        try container.encode(scanID, forKey: "scanID")
        try container.encodeIfPresent(detail, forKey: "detail")
        try container.encodeIfPresent(sha256, forKey: "sha256")
        try container.encodeIfPresent(identity, forKey: "identity")
    }

    /// Reads what ``encode(to:)`` writes.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: EventKey.self)
        path = try container.decode(pathForKey: "path")
        outcome = try Outcome(from: decoder)
        size = try container.decodeIfPresent(UInt64.self, forKey: "size")
        target = try container.decodeIfPresent(String.self, forKey: "target")
        scanID = try container.decode(ScanID.self, forKey: "scanID")
        detail = try container.decodeIfPresent(String.self, forKey: "detail")
        sha256 = try container.decodeIfPresent(String.self, forKey: "sha256")
        identity = try container.decodeIfPresent(FileIdentity.self, forKey: "identity")
    }
}

/// An infected file was set aside.
public struct FileQuarantined: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.fileQuarantined, messageID: 0xe8f75b61_dfb74975_a2d24163_b3c29e91)]

    /// Where the file was.
    public var path: FilePath
    /// What was found in it.
    public var signature: String
    /// Its name in the quarantine.
    public var quarantineID: String
    /// The target's name; nil where paths were given by hand.
    public var target: String?
    /// The scan that found it.
    public var scanID: ScanID
    /// Other names (hard links) under which the same content is still there.
    public var remainingNames: UInt32

    /// Tells that a file was set aside.
    public init(
        path: FilePath, signature: String, quarantineID: String, target: String?, scanID: ScanID,
        remainingNames: UInt32 = 0
    ) {
        self.path = path
        self.signature = signature
        self.quarantineID = quarantineID
        self.target = target
        self.scanID = scanID
        self.remainingNames = remainingNames
    }

    /// Needs attention.
    public var priority: Priority { .warning }
    /// What a person reads.
    public var message: MessageText {
        remainingNames == 0
            ? "Set \(path) aside because of \(signature), as \(quarantineID)."
            : "Set \(path) aside because of \(signature), as \(quarantineID); \(remainingNames) other names of the same file remain."
    }
    /// Path, signature, the name in the quarantine, scan and target.
    public var fields: [JournalField] {
        [
            JournalField(.path, path), JournalField(.signature, signature), JournalField(.quarantineID, quarantineID),
        ] + scanFields(scanID, target)
    }
    /// The event.
    public var event: Event { .fileQuarantined(self) }

    /// Writes the path with its bytes where they are not plain text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: EventKey.self)
        try container.encode(path: path, forKey: "path")
        try container.encode(signature, forKey: "signature")
        try container.encode(quarantineID, forKey: "quarantineID")
        try container.encodeIfPresent(target, forKey: "target")
        try container.encode(scanID, forKey: "scanID")
        try container.encode(remainingNames, forKey: "remainingNames")
    }

    /// Reads what ``encode(to:)`` writes.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: EventKey.self)
        path = try container.decode(pathForKey: "path")
        signature = try container.decode(String.self, forKey: "signature")
        quarantineID = try container.decode(String.self, forKey: "quarantineID")
        target = try container.decodeIfPresent(String.self, forKey: "target")
        scanID = try container.decode(ScanID.self, forKey: "scanID")
        remainingNames = try container.decodeIfPresent(UInt32.self, forKey: "remainingNames") ?? 0
    }
}

/// A file that had been set aside was put back.
public struct FileRestored: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.fileRestored, messageID: 0x506858ce_fc1149a6_8f8bee5f_780ce9d2)]

    /// Where the file was before it was set aside.
    public var path: FilePath
    /// Where it was put.
    public var restoredTo: FilePath
    /// What was found in it.
    public var signature: String
    /// Its name in the quarantine until then.
    public var quarantineID: String

    /// Tells that a file was put back.
    public init(path: FilePath, restoredTo: FilePath, signature: String, quarantineID: String) {
        self.path = path
        self.restoredTo = restoredTo
        self.signature = signature
        self.quarantineID = quarantineID
    }

    /// Needs attention: something was found in this file once.
    public var priority: Priority { .warning }
    /// What a person reads.
    public var message: MessageText { "Restored \(quarantineID), set aside because of \(signature), to \(restoredTo)." }
    /// Both paths, signature, and the name in the quarantine.
    public var fields: [JournalField] {
        [
            JournalField(.path, path), JournalField(.restoredTo, restoredTo), JournalField(.signature, signature),
            JournalField(.quarantineID, quarantineID),
        ]
    }
    /// The event.
    public var event: Event { .fileRestored(self) }

    /// Writes the paths with their bytes where they are not plain text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: EventKey.self)
        try container.encode(path: path, forKey: "path")
        try container.encode(path: restoredTo, forKey: "restoredTo")
        try container.encode(signature, forKey: "signature")
        try container.encode(quarantineID, forKey: "quarantineID")
    }

    /// Reads what ``encode(to:)`` writes.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: EventKey.self)
        path = try container.decode(pathForKey: "path")
        restoredTo = try container.decode(pathForKey: "restoredTo")
        signature = try container.decode(String.self, forKey: "signature")
        quarantineID = try container.decode(String.self, forKey: "quarantineID")
    }
}
