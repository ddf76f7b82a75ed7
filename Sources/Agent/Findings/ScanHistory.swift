internal import FoundationEssentials
internal import Journal
internal import SQLite

extension FindingsStore {
    /// How many scans are remembered: of three targets a night, more than eight years.
    static let longestHistory: Int64 = 10_000

    /// The past scans, the latest first; of one target, or of all and of paths given by hand.
    public func history(target: String?) throws -> [PastScan] {
        try database.prepare(
            """
            SELECT scan_id, target, reason, started, ended, interruption, counts, bytes FROM scan
            WHERE ?1 IS NULL OR target = ?1 ORDER BY number DESC
            """
        ).all(.optional(target)) { row in
            guard let id = ScanID(try row.text(0)), let trigger = ScanStarted.Trigger(rawValue: try row.text(2)) else {
                throw Self.damaged("a scan")
            }
            let ending: PastScan.Ending? =
                row.isNull(4)
                ? nil
                : PastScan.Ending(
                    time: UnixTime(microseconds: try row.integer(4)),
                    interruption: row.isNull(5) ? nil : try row.text(5),
                    counts: try JSONDecoder().decode(OutcomeCounts.self, from: Data(try row.text(6).utf8)),
                    bytes: row.isNull(7) ? nil : try row.bits(7))
            return PastScan(
                scanID: id, target: row.isNull(1) ? nil : try row.text(1), trigger: trigger,
                started: UnixTime(microseconds: try row.integer(3)), ending: ending)
        }
    }

    /// A scan begins. One that was interrupted and goes on is the same scan.
    func began(_ scan: ScanStarted, at now: UnixTime) throws {
        try database.transaction {
            try database.prepare(
                """
                INSERT INTO scan (scan_id, target, reason, started) VALUES (?, ?, ?, ?)
                ON CONFLICT (scan_id) DO UPDATE SET ended = NULL, interruption = NULL, counts = NULL, bytes = NULL
                """
            ).run(
                .text(scan.scanID.description), .optional(scan.target), .text(scan.trigger.rawValue),
                .integer(now.microseconds))
            try database.prepare("DELETE FROM scan WHERE number <= (SELECT max(number) FROM scan) - ?").run(
                .integer(Self.longestHistory))
        }
    }

    /// A scan came to its end.
    func ended(_ scan: ScanFinished, at now: UnixTime) throws {
        var interruption: String?
        if case .partial(let reason) = scan.totals.completeness { interruption = reason }
        try end(scan.scanID, interruption, scan.totals.counts, bytes: scan.totals.bytes, now)
    }

    /// A scan stopped before its end.
    func ended(_ scan: ScanInterrupted, at now: UnixTime) throws {
        let reason = scan.detail.map { "\(scan.reason.rawValue): \($0)" } ?? scan.reason.rawValue
        try end(scan.scanID, reason, scan.counts, bytes: nil, now)
    }

    private func end(
        _ id: ScanID, _ interruption: String?, _ counts: OutcomeCounts, bytes: UInt64?, _ now: UnixTime
    ) throws {
        try database.prepare(
            "UPDATE scan SET ended = ?, interruption = ?, counts = ?, bytes = ? WHERE scan_id = ?"
        ).run(
            .integer(now.microseconds), .optional(interruption), .text(try Self.json(counts)),
            bytes.map { .bits($0) } ?? .null, .text(id.description))
    }
}
