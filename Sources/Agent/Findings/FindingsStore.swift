internal import FoundationEssentials
public import Journal
internal import LinuxSystem
internal import SQLite
public import SystemPackage

/// What was found and which scans there were, kept in `findings.db` in the state folder.
///
/// Every change is synchronised to the disk before the call returns (SQLite with a rollback journal and
/// `synchronous=EXTRA`): after a power cut it is there. Several processes may have it open at once.
public final class FindingsStore {
    private let stored: StoredDatabase
    var database: Database { stored.database }

    /// What was wrong with the file of earlier, and where that is now; nil where nothing was.
    public var note: String? { stored.note }

    /// Opens it in this state folder, which must be there; makes it where it is missing.
    public init(state: FilePath) throws {
        stored = try StoredDatabase(
            state.appending("findings.db"), durability: .everyCommit, schema: FindingsSchema.current)
    }

    /// Damaged files of earlier that were set aside and are still there.
    public static func damagedFiles(state: FilePath) -> [FilePath] {
        guard let start = try? Opening.start(at: state), let folder = try? Opening.readable(start) else { return [] }
        var reader = FolderReader()
        var found: [FilePath] = []
        while let entry = try? reader.next(of: folder) {
            let name = String(decoding: entry.name.bytes, as: UTF8.self)
            let isAside = name.hasPrefix("findings.db.damaged-") && !name.hasSuffix("-journal")
            if isAside { found.append(state.appending(name)) }
        }
        return found.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    }

    // MARK: Reading

    /// The findings, those met last first; without `all` only the open ones.
    public func findings(all: Bool) throws -> [Finding] {
        try database.prepare(
            """
            SELECT id, path, device, inode, modified_s, modified_ns, changed_s, changed_ns, size, sha256, signatures,
                target, scan_id, first_seen, last_seen, done, state, ack_reason, ack_who, ack_time, gone_time,
                quarantine_id
            FROM finding WHERE ?1 OR state = 'open' ORDER BY last_seen DESC, path
            """
        ).all(.integer(all ? 1 : 0), body: Self.finding)
    }

    /// No finding in any state that the metrics tell.
    static let none: [MetricsSnapshot.FindingState: UInt64] = [.open: 0, .acknowledged: 0, .quarantined: 0]

    /// How many findings there are in each state that the metrics tell, by the target whose scan met them last.
    func counts() throws -> [String?: [MetricsSnapshot.FindingState: UInt64]] {
        var counts: [String?: [MetricsSnapshot.FindingState: UInt64]] = [:]
        try database.prepare("SELECT target, state, count(*) FROM finding GROUP BY target, state").forEach { row in
            let target = row.isNull(0) ? nil : try row.text(0)
            guard let state = MetricsSnapshot.FindingState(rawValue: try row.text(1)) else { return }
            counts[target, default: Self.none][state] = try row.bits(2)
        }
        return counts
    }

    /// How many files are in the quarantine.
    func quarantined() throws -> UInt64 {
        try database.prepare("SELECT count(*) FROM finding WHERE state = 'quarantined'").first { try $0.bits(0) } ?? 0
    }

    private static func finding(_ row: borrowing Row) throws -> Finding {
        let id = ShortID(try row.text(0))
        let scanID = ScanID(try row.text(12))
        guard let id, let scanID else { throw damaged("an identifier") }
        let identity = row.isNull(2) ? nil : try FileIdentity(row)
        let state: Finding.State =
            switch try row.text(16) {
            case "open": .open
            case "acknowledged": .acknowledged(try acknowledgement(row))
            case "gone": .gone(since: UnixTime(microseconds: try row.integer(20)))
            case "quarantined":
                if let id = ShortID(try row.text(21)) { .quarantined(id) } else { throw damaged("a quarantine's id") }
            default: throw damaged("a state")
            }
        let signatures = try JSONDecoder().decode([String].self, from: Data(try row.text(10).utf8))
        return Finding(
            id: id, path: FilePath(bytes: try row.blob(1)), identity: identity,
            size: row.isNull(8) ? nil : try row.bits(8), sha256: row.isNull(9) ? nil : try row.blob(9),
            signatures: signatures, target: row.isNull(11) ? nil : try row.text(11), scanID: scanID,
            firstSeen: UnixTime(microseconds: try row.integer(13)),
            lastSeen: UnixTime(microseconds: try row.integer(14)), done: try row.text(15), state: state)
    }

    private static func acknowledgement(_ row: borrowing Row) throws -> Finding.Acknowledgement {
        Finding.Acknowledgement(
            reason: try row.text(17), who: try row.text(18), time: UnixTime(microseconds: try row.integer(19)))
    }

    static func damaged(_ what: String) -> SQLiteError {
        SQLiteError(.corrupt, "findings.db is damaged: \(what) in it is none; move it away and scan with --full")
    }

    // MARK: What scans tell

    /// An infected file was met.
    ///
    /// A finding that somebody accepted stays accepted only where the signatures and the content are the same.
    func met(_ report: FileReport, signatures: [String], sha256: [UInt8]? = nil, at now: UnixTime) throws {
        try database.transaction {
            let path = Statement.Value.blob(report.path.bytes)
            let known = try database.prepare(
                """
                SELECT id, path, device, inode, modified_s, modified_ns, changed_s, changed_ns, size, sha256, signatures,
                    target, scan_id, first_seen, last_seen, done, state, ack_reason, ack_who, ack_time, gone_time,
                    quarantine_id
                FROM finding WHERE path = ? AND state <> 'quarantined'
                """
            ).first(path) { row in
                (finding: try Self.finding(row), isAccepted: !row.isNull(17))
            }
            if let known {
                let isAccepted =
                    known.isAccepted
                    && known.finding.isSame(signatures, report.identity, size: report.size, sha256: sha256)
                try database.prepare(
                    """
                    UPDATE finding SET state = ?, gone_time = NULL,
                        ack_reason = CASE WHEN ?2 THEN ack_reason END, ack_who = CASE WHEN ?2 THEN ack_who END,
                        ack_time = CASE WHEN ?2 THEN ack_time END
                    WHERE id = ?3
                    """
                ).run(
                    .text(isAccepted ? "acknowledged" : "open"), .integer(isAccepted ? 1 : 0),
                    .text(known.finding.id.description))
            } else {
                try insert(path: path, at: now)
            }
            try describe(report, signatures: signatures, sha256: sha256, at: now)
        }
    }

    /// A new row; what is to be known of it is put in by ``describe``.
    private func insert(path: Statement.Value, at now: UnixTime) throws {
        let taken = try database.prepare("SELECT 1 FROM finding WHERE id = ?")
        var id = ShortID.random()
        while try taken.first(.text(id.description), body: { _ in true }) != nil { id = .random() }
        try database.prepare(
            """
            INSERT INTO finding (id, path, signatures, scan_id, first_seen, last_seen, done, state)
            VALUES (?, ?, '[]', '', ?, ?, '', 'open')
            """
        ).run(.text(id.description), path, .integer(now.microseconds), .integer(now.microseconds))
    }

    private func describe(
        _ report: FileReport, signatures: [String], sha256: [UInt8]?, at now: UnixTime
    ) throws {
        let file = report.identity
        try database.prepare(
            """
            UPDATE finding SET device = ?, inode = ?, modified_s = ?, modified_ns = ?, changed_s = ?, changed_ns = ?,
                size = ?, sha256 = ?, signatures = ?, target = ?, scan_id = ?, last_seen = ?, done = ?
            WHERE path = ? AND state <> 'quarantined'
            """
        ).run(
            file.map { .bits($0.device) } ?? .null, file.map { .bits($0.inode) } ?? .null,
            .optional(file?.modifiedSeconds), .optional(file.map { Int64($0.modifiedNanoseconds) }),
            .optional(file?.changedSeconds), .optional(file.map { Int64($0.changedNanoseconds) }),
            report.size.map { .bits($0) } ?? .null, .optional(sha256), .text(try Self.json(signatures)),
            .optional(report.target), .text(report.scanID.description), .integer(now.microseconds),
            .text(report.detail.map { "left where it is; \($0)" } ?? "left where it is"), .blob(report.path.bytes))
    }

    static func json(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }

    /// A scan looked where these findings were, and they are infected no more, or there no more.
    func gone(_ ids: [ShortID], at now: UnixTime) throws {
        try database.transaction {
            let update = try database.prepare(
                "UPDATE finding SET state = 'gone', gone_time = ? WHERE id = ? AND state IN ('open', 'acknowledged')")
            for id in ids { try update.run(.integer(now.microseconds), .text(id.description)) }
        }
    }

    // MARK: What the quarantine tells

    /// The infected file at this path was set aside.
    func setAside(_ event: FileQuarantined) throws {
        try database.prepare(
            """
            UPDATE finding SET state = 'quarantined', quarantine_id = ?, done = 'set aside',
                ack_reason = NULL, ack_who = NULL, ack_time = NULL
            WHERE path = ? AND state <> 'quarantined'
            """
        ).run(.text(event.quarantineID), .blob(event.path.bytes))
    }

    /// A file came back from the quarantine: it is open until somebody accepts it, or it is set aside again.
    public func restored(_ quarantineID: ShortID, to path: FilePath, identity: FileIdentity) throws {
        try database.transaction {
            let other = try database.prepare("SELECT 1 FROM finding WHERE path = ? AND state <> 'quarantined'").first(
                .blob(path.bytes)
            ) { _ in true }
            if other == true {
                // Something else was found at this path before: that finding speaks of it from now on.
                try end(quarantineID, done: "restored to \(printable(path))")
                try database.prepare(
                    "UPDATE finding SET state = 'open', gone_time = NULL WHERE path = ? AND state = 'gone'"
                ).run(.blob(path.bytes))
                return
            }
            try database.prepare(
                """
                UPDATE finding SET state = 'open', path = ?, device = ?, inode = ?, modified_s = ?, modified_ns = ?,
                    changed_s = ?, changed_ns = ?, done = 'restored from the quarantine', quarantine_id = NULL
                WHERE quarantine_id = ? AND state = 'quarantined'
                """
            ).run(
                .blob(path.bytes), .bits(identity.device), .bits(identity.inode), .integer(identity.modifiedSeconds),
                .integer(Int64(identity.modifiedNanoseconds)), .integer(identity.changedSeconds),
                .integer(Int64(identity.changedNanoseconds)), .text(quarantineID.description))
        }
    }

    /// A file was deleted from the quarantine.
    public func deleted(_ quarantineID: ShortID) throws {
        try end(quarantineID, done: "set aside, and deleted by hand")
    }

    private func end(_ quarantineID: ShortID, done: String) throws {
        try database.prepare(
            """
            UPDATE finding SET state = 'gone', gone_time = ?, done = ?, quarantine_id = NULL
            WHERE quarantine_id = ? AND state = 'quarantined'
            """
        ).run(.integer(UnixTime.now().microseconds), .text(done), .text(quarantineID.description))
    }

    // MARK: What a person decides

    /// Accepts an open or acknowledged finding.
    ///
    /// - Throws: ``NotAcceptable`` where the finding is not there any more, set aside or gone.
    public func acknowledge(_ id: ShortID, _ acknowledgement: Finding.Acknowledgement) throws {
        try database.prepare(
            """
            UPDATE finding SET state = 'acknowledged', ack_reason = ?, ack_who = ?, ack_time = ?
            WHERE id = ? AND state IN ('open', 'acknowledged')
            """
        ).run(
            .text(acknowledgement.reason), .text(acknowledgement.who), .integer(acknowledgement.time.microseconds),
            .text(id.description))
        guard database.changes == 1 else { throw NotAcceptable(id: id) }
    }

    /// Only a finding that is there can be accepted.
    public struct NotAcceptable: Error, Equatable, CustomStringConvertible {
        /// The finding.
        public let id: ShortID

        /// One sentence.
        public var description: String {
            "the finding \(id) is gone or in the quarantine: there is nothing to accept (nodeguard findings --all shows it)"
        }
    }
}

extension Finding {
    /// Whether this is what was accepted: the same signatures in the same content.
    ///
    /// By the content's hash where it is known of both. Otherwise the file must be untouched since, by all that the
    /// kernel knows: a change of its owner alone opens the finding again, rather that than a change that nobody sees.
    fileprivate func isSame(_ signatures: [String], _ identity: FileIdentity?, size: UInt64?, sha256: [UInt8]?) -> Bool
    {
        guard Set(self.signatures) == Set(signatures) else { return false }
        if let old = self.sha256, let new = sha256 { return old == new }
        return identity != nil && self.identity == identity && self.size == size
    }
}

extension FileIdentity {
    /// Columns 2 to 7 of a finding.
    fileprivate init(_ row: borrowing Row) throws {
        guard let modified = UInt32(exactly: try row.integer(5)), let changed = UInt32(exactly: try row.integer(7))
        else { throw FindingsStore.damaged("a moment") }
        self.init(
            device: try row.bits(2), inode: try row.bits(3), modifiedSeconds: try row.integer(4),
            modifiedNanoseconds: modified, changedSeconds: try row.integer(6), changedNanoseconds: changed)
    }
}
