internal import SQLite

/// What stands in `findings.db`.
enum FindingsSchema {
    /// "ngfd": how the file is told from any other database.
    private static let application: Int32 = 0x6e67_6664

    /// Version 1. Times are microseconds since 1970-01-01 UTC; device, inode and size are unsigned, see
    /// ``Statement/Value/bits(_:)``.
    static let current = StoredDatabase.Schema(application: application, version: 1) { database in
        try database.execute(
            """
            CREATE TABLE finding (
                id TEXT PRIMARY KEY,
                path BLOB NOT NULL,
                device INTEGER, inode INTEGER, modified_s INTEGER, modified_ns INTEGER, changed_s INTEGER,
                changed_ns INTEGER, size INTEGER, sha256 BLOB,
                signatures TEXT NOT NULL,
                target TEXT,
                scan_id TEXT NOT NULL,
                first_seen INTEGER NOT NULL,
                last_seen INTEGER NOT NULL,
                done TEXT NOT NULL,
                state TEXT NOT NULL CHECK (state IN ('open', 'acknowledged', 'gone', 'quarantined')),
                ack_reason TEXT, ack_who TEXT, ack_time INTEGER,
                gone_time INTEGER,
                quarantine_id TEXT,
                CHECK (state <> 'acknowledged' OR (ack_reason NOT NULL AND ack_who NOT NULL AND ack_time NOT NULL)),
                CHECK (state <> 'gone' OR gone_time NOT NULL),
                CHECK (state <> 'quarantined' OR quarantine_id NOT NULL)
            ) STRICT;
            -- One finding a path; what was set aside from there before is another.
            CREATE UNIQUE INDEX finding_path ON finding (path) WHERE state <> 'quarantined';
            CREATE INDEX finding_quarantine ON finding (quarantine_id) WHERE state = 'quarantined';

            CREATE TABLE scan (
                number INTEGER PRIMARY KEY,
                scan_id TEXT NOT NULL UNIQUE,
                target TEXT,
                reason TEXT NOT NULL,
                started INTEGER NOT NULL,
                ended INTEGER,
                interruption TEXT,
                counts TEXT,
                bytes INTEGER,
                CHECK (ended IS NULL OR counts NOT NULL)
            ) STRICT;
            """)
    }
}
