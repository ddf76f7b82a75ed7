public import SystemPackage

/// The engine has loaded its signatures.
public struct SignaturesLoaded: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.signaturesLoaded, messageID: 0xbf73ebf5_e3084036_b03bfd12_a37ad555)]

    /// How many, and their version.
    public var signatures: SignatureSet
    /// The databases they come from.
    public var databases: [Database]
    /// The engine's version, `1.4.6`.
    public var engine: String
    /// What a person should know of them: exceptions that take files out of the scan, archives that stay closed.
    public var notes: [String]

    /// One signature database.
    public struct Database: Codable, Equatable, Sendable {
        /// Its name without folder and ending, `daily`.
        public var name: String
        /// Its own version; nil for a file without one.
        public var version: UInt32?
        /// When it was made; nil for a file that does not say.
        public var built: UnixTime?

        /// A database.
        public init(name: String, version: UInt32?, built: UnixTime?) {
            self.name = name
            self.version = version
            self.built = built
        }
    }

    /// Tells what was loaded.
    public init(signatures: SignatureSet, databases: [Database], engine: String, notes: [String] = []) {
        self.signatures = signatures
        self.databases = databases
        self.engine = engine
        self.notes = notes
    }

    /// Normal; a notice where there is something to know.
    public var priority: Priority { notes.isEmpty ? .info : .notice }
    /// What a person reads.
    public var message: MessageText {
        "\(signatures.count) signatures are loaded from \(databases.count) databases into ClamAV \(engine)\(explained(notes.isEmpty ? nil : notes.joined(separator: "; ")))."
    }
    /// The databases.
    public var fields: [JournalField] { databases.map { JournalField(.database, $0.name) } }
    /// The event.
    public var event: Event { .signaturesLoaded(self) }
}

/// A signature database has not been renewed for too long.
public struct SignaturesStale: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.signaturesStale, messageID: 0x4a916b28_25464f2c_99886465_ccce57b7)]

    /// Its name without folder and ending, `daily`.
    public var database: String
    /// Its age in seconds.
    public var ageSeconds: UInt64

    /// Tells that a database is old.
    public init(database: String, ageSeconds: UInt64) {
        self.database = database
        self.ageSeconds = ageSeconds
    }

    /// Needs attention.
    public var priority: Priority { .warning }
    /// What a person reads.
    public var message: MessageText { "The signatures \(database) are \(ageSeconds / 3600) hours old." }
    /// The database.
    public var fields: [JournalField] { [JournalField(.database, database)] }
    /// The event.
    public var event: Event { .signaturesStale(self) }
}

/// A new configuration is in force.
public struct ConfigReloaded: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.configReloaded, messageID: 0x5fb43e0f_c4dd4172_aa335d5b_8b6f37e2)]

    /// The files it was read from, in order.
    public var files: [FilePath]

    /// Tells that a new configuration is in force.
    public init(files: [FilePath]) {
        self.files = files
    }

    /// Normal, and worth remembering.
    public var priority: Priority { .notice }
    /// What a person reads.
    public var message: MessageText { "The configuration was read again from \(files.count) files." }
    /// The files.
    public var fields: [JournalField] { files.map { JournalField(.path, $0) } }
    /// The event.
    public var event: Event { .configReloaded(self) }

    /// Writes each file as `{"path":…}`, with its bytes where they are not plain text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: EventKey.self)
        try container.encode(paths: files, forKey: "files")
    }

    /// Reads what ``encode(to:)`` writes.
    public init(from decoder: any Decoder) throws {
        files = try decoder.container(keyedBy: EventKey.self).decode(pathsForKey: "files")
    }
}

/// A configuration is wrong; the last good one stays in force.
public struct ConfigRejected: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.configRejected, messageID: 0xcfc60e6e_d90a4b8d_b3f6d207_bcb333ff)]

    /// What is wrong, with file, place and fix.
    public var problem: String
    /// Further problems of the same configuration.
    public var more: [String]

    /// Tells that a configuration is wrong.
    public init(problem: String, more: [String] = []) {
        self.problem = problem
        self.more = more
    }

    /// Will not right itself.
    public var priority: Priority { .error }
    /// What a person reads.
    public var message: MessageText {
        let others: MessageText = more.isEmpty ? "" : " (and \(more.count) more)"
        return "The configuration is wrong, the last good one stays in force: \(problem)\(others)"
    }
    /// Every problem.
    public var fields: [JournalField] { ([problem] + more).map { JournalField(.reason, $0) } }
    /// The event.
    public var event: Event { .configRejected(self) }
}

/// The agent is up.
public struct AgentStarted: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.agentStarted, messageID: 0xcef6e258_1ed64155_a54dd8dc_5d0e2bb6)]

    /// nodeguard's version.
    public var version: String
    /// What the gate's decisions do to the ports.
    public var mode: GateMode

    /// Tells that the agent is up.
    public init(version: String, mode: GateMode) {
        self.version = version
        self.mode = mode
    }

    /// Normal, and worth remembering.
    public var priority: Priority { .notice }
    /// What a person reads.
    public var message: MessageText { "nodeguard \(version) is up, the gate's mode is \(mode.rawValue)." }
    /// Version and mode.
    public var fields: [JournalField] { [JournalField(.version, version), JournalField(.gateMode, mode.rawValue)] }
    /// The event.
    public var event: Event { .agentStarted(self) }
}

/// The agent stops, and the gate's lease with it.
public struct AgentStopped: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.agentStopped, messageID: 0xd6a14712_4c4b4107_8dfa91d9_346745fe)]

    /// Why.
    public var reason: Reason
    /// What exactly happened, where there is more to say.
    public var detail: String?

    /// Why the agent stops.
    public enum Reason: String, CaseIterable, Codable, Sendable {
        /// It was asked to.
        case requested
        /// It could not go on.
        case failed
    }

    /// Tells that the agent stops.
    public init(reason: Reason, detail: String? = nil) {
        self.reason = reason
        self.detail = detail
    }

    /// A failure will not right itself.
    public var priority: Priority { reason == .requested ? .notice : .error }
    /// What a person reads.
    public var message: MessageText { "nodeguard stops (\(reason.rawValue))\(explained(detail))." }
    /// Reason and detail.
    public var fields: [JournalField] { [JournalField(.reason, reason.rawValue)] + detailField(detail) }
    /// The event.
    public var event: Event { .agentStopped(self) }
}
