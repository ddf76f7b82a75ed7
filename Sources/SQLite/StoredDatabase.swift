internal import Glibc
internal import LinuxSystem
public import SystemPackage

/// A database that survives sessions: verified when it is opened, never trusted when it is damaged.
///
/// A file that fails is set aside under another name, so that nothing is destroyed that a person might still read, and
/// an empty one takes its place; ``note`` says so. A file of a later version of the program is an error and is left.
public final class StoredDatabase {
    /// How a database of this program is told from any other, and what is in it.
    public struct Schema: Sendable {
        /// SQLite's `application_id`: which of this program's databases it is.
        public let application: Int32
        /// SQLite's `user_version`, from 1 on.
        public let version: Int32
        /// Makes everything in an empty database. Run in one transaction with the two numbers.
        public let create: @Sendable (Database) throws -> Void
        /// Brings a database of an earlier version, 1 or more, to this one, in one transaction; nil: it is begun anew.
        public let migrate: (@Sendable (Database, _ from: Int32) throws -> Void)?

        /// A schema.
        public init(
            application: Int32, version: Int32, create: @escaping @Sendable (Database) throws -> Void,
            migrate: (@Sendable (Database, _ from: Int32) throws -> Void)? = nil
        ) {
            self.application = application
            self.version = version
            self.create = create
            self.migrate = migrate
        }
    }

    /// How much is read to find damage when it is opened.
    public enum Verification: Sendable {
        /// Every page and every index against its table (`integrity_check`).
        case full
        /// Every page, without the indexes (`quick_check`).
        case quick
    }

    /// The open database.
    public let database: Database
    /// What was wrong with the file and where it is now; nil where nothing was.
    public let note: String?
    /// As long as somebody has it open, nobody sets it aside.
    private let lock: OwnedDescriptor

    /// Opens, verifies, and makes or sets aside.
    ///
    /// - Throws: ``SQLiteError`` where the file cannot be used and cannot be replaced either: no room, no permission,
    ///   a later version, or damage while another process has it open.
    public init(
        _ path: FilePath, durability: Database.Durability, schema: Schema, verification: Verification = .full
    ) throws {
        let lock = try Self.openLock(beside: path)
        try Self.lock(lock, LOCK_SH, path)
        var note: String?
        let database: Database
        do {
            database = try Self.open(path, durability, schema, verification)
        } catch let error as SQLiteError where error.kind == .corrupt {
            guard flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0 else {
                throw SQLiteError(
                    .busy, "\(error); another nodeguard has it open: end that one first, then it is set aside")
            }
            // Somebody may have set it aside between the two locks: what is there now is judged, not what was.
            if let repaired = try? Self.open(path, durability, schema, verification) {
                database = repaired
            } else {
                let aside = try Self.setAside(path)
                database = try Self.open(path, durability, schema, verification)
                note = "\(error). It was set aside as \(printable(aside)) and begun anew"
            }
            try Self.lock(lock, LOCK_SH, path)
        }
        self.database = database
        self.note = note
        self.lock = lock
    }

    private static func open(
        _ path: FilePath, _ durability: Database.Durability, _ schema: Schema, _ verification: Verification
    ) throws -> Database {
        let database = try Database(path, durability: durability)
        var (application, version) = try numbers(of: database)
        if application == 0 && version == 0 {
            try database.transaction {
                // Another process may have been faster.
                (application, version) = try numbers(of: database)
                guard application == 0 && version == 0 else { return }
                guard try database.prepare("SELECT count(*) FROM sqlite_schema").first(body: { try $0.integer(0) }) == 0
                else {
                    throw SQLiteError(.corrupt, "\(printable(path)) is not a database of nodeguard's")
                }
                try schema.create(database)
                try setNumbers(of: database, schema)
            }
            return database
        }
        guard application == schema.application else {
            throw SQLiteError(.corrupt, "\(printable(path)) is not a database of nodeguard's")
        }
        guard version <= schema.version else {
            throw SQLiteError(
                .newer,
                "\(printable(path)) was written by a later version of nodeguard (\(version), this one knows "
                    + "\(schema.version)): install that version again, or move the file away")
        }
        try verify(database, verification)
        if version < schema.version {
            guard let migrate = schema.migrate, version > 0 else {
                throw SQLiteError(.corrupt, "\(printable(path)) is of an earlier version that cannot be taken over")
            }
            try database.transaction {
                try migrate(database, version)
                try setNumbers(of: database, schema)
            }
        }
        return database
    }

    private static func numbers(of database: Database) throws -> (application: Int32, version: Int32) {
        let application = try database.prepare("PRAGMA application_id").first { try $0.integer(0) }
        let version = try database.prepare("PRAGMA user_version").first { try $0.integer(0) }
        return (Int32(truncatingIfNeeded: application ?? 0), Int32(truncatingIfNeeded: version ?? 0))
    }

    private static func setNumbers(of database: Database, _ schema: Schema) throws {
        try database.setPragma(.applicationID, schema.application)
        try database.setPragma(.userVersion, schema.version)
    }

    private static func verify(_ database: Database, _ verification: Verification) throws {
        let check =
            switch verification {
            case .full: try database.prepare("PRAGMA integrity_check(1)")
            case .quick: try database.prepare("PRAGMA quick_check(1)")
            }
        let answer = try check.first { try $0.text(0) }
        guard answer == "ok" else {
            throw SQLiteError(
                .corrupt, "\(printable(database.path)) is damaged: \(printable((answer ?? "no answer").utf8))")
        }
    }

    // MARK: Setting aside

    /// Renames the file and what belongs to it. Its journal first: with a new database it would be played back into that.
    private static func setAside(_ path: FilePath) throws -> FilePath {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        let aside = FilePath(bytes: path.bytes + Array(".damaged-\(now.tv_sec)-\(now.tv_nsec)".utf8))
        for suffix in ["-journal", "-wal", "-shm", ""] {
            let from = FilePath(bytes: path.bytes + Array(suffix.utf8))
            let to = FilePath(bytes: aside.bytes + Array(suffix.utf8))
            let result = unsafe from.withPlatformString { from in
                unsafe to.withPlatformString { unsafe rename(from, $0) }
            }
            guard result == 0 || Errno.current == .noSuchFileOrDirectory else {
                throw SystemCallError("rename", "set aside the damaged", printable(from), errno: .current)
            }
        }
        return aside
    }

    private static func openLock(beside path: FilePath) throws(SystemCallError) -> OwnedDescriptor {
        let name = FilePath(bytes: path.bytes + Array(".lock".utf8))
        do {
            // A lock needs no right to write (flock(2)), and a file system that is read-only gives none.
            return OwnedDescriptor(
                owning: try FileDescriptor.open(
                    name, .readOnly, options: [.create, .closeOnExec, .noFollow], permissions: .ownerReadWrite))
        } catch {
            throw SystemCallError("open", "open the lock", printable(name), errno: error as? Errno ?? .ioError)
        }
    }

    private static func lock(_ lock: borrowing OwnedDescriptor, _ kind: Int32, _ path: FilePath) throws(SystemCallError)
    {
        while flock(lock.rawValue, kind) != 0 {
            guard Errno.current == .interrupted else {
                throw SystemCallError("flock", "lock", printable(path), errno: .current)
            }
        }
    }
}
