internal import CSQLite
internal import LinuxSystem
public import SystemPackage

/// One connection to one SQLite database in a file.
///
/// For one thread: it is not `Sendable`, and SQLite's own locks between threads are off. Other processes may have the
/// same file open; SQLite's locks on the file keep them apart, and ``transaction(_:)`` takes its lock first.
/// Safe: the handle never leaves the module, and every statement keeps its database alive.
@safe public final class Database {
    /// What a power cut may cost.
    public enum Durability: Sendable {
        /// Nothing that was committed: a rollback journal, with every file and the folder synchronised at each commit
        /// (`synchronous=EXTRA`). One file when it is closed. For what cannot be found out again.
        case everyCommit
        /// The last commits, never the consistency: a write-ahead log that is synchronised when it is checkpointed
        /// (`synchronous=NORMAL`). For what can be found out again. Leaves `-wal` and `-shm` beside the file.
        case consistency
    }

    /// The file.
    public let path: FilePath
    private let handle: OpaquePointer

    /// Opens the file, and makes it where it is missing, mode 0600. The folder must be there.
    ///
    /// Nothing is verified beyond what SQLite itself needs: see ``StoredDatabase`` for a file that survives sessions.
    ///
    /// - Parameter waitMilliseconds: how long a call waits for another process that holds the file.
    public init(_ path: FilePath, durability: Durability, waitMilliseconds: Int32 = 10_000) throws(SQLiteError) {
        self.path = path
        do {
            // SQLite would make it readable for others, as far as the umask lets it. To read, so that on a file system that
            // is read-only what is there can be: SQLite opens it for that alone then.
            let file = try FileDescriptor.open(
                path, .readOnly, options: [.create, .closeOnExec, .noFollow], permissions: .ownerReadWrite)
            try file.close()
        } catch {
            let reason = (error as? Errno).map(\.description) ?? "\(error)"
            throw SQLiteError(
                (error as? Errno) == .noSpace ? .full : .other, "cannot open \(printable(path)): \(reason)")
        }
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE
        let result = unsafe path.withPlatformString { unsafe sqlite3_open_v2($0, &opened, flags, nil) }
        guard result == SQLITE_OK, let handle = unsafe opened else {
            let message = unsafe String(cString: sqlite3_errstr(result))
            unsafe sqlite3_close_v2(opened)
            throw SQLiteError(code: result, message, "open", printable(path))
        }
        unsafe self.handle = unsafe handle
        unsafe sqlite3_busy_timeout(handle, waitMilliseconds)
        try check(unsafe nodeguard_defend(handle), "open")
        // A damaged page is noticed where it is read; a file that is cut while it is open must not be a SIGBUS.
        try execute("PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA foreign_keys = ON")
        switch durability {
        case .everyCommit: try execute("PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA")
        case .consistency: try execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        }
    }

    deinit {
        // Statements that are still there keep the handle alive until they go (sqlite3_close_v2).
        unsafe sqlite3_close_v2(handle)
    }

    /// Runs statements that give no rows and have no parameters. Their text is the program's own, never put together.
    public func execute(_ sql: StaticString) throws(SQLiteError) {
        try check(unsafe sqlite3_exec(handle, sql.description, nil, nil, nil), "write to")
    }

    /// Prepares one statement, to be run as often as wanted. Its text is the program's own; values are bound.
    public func prepare(_ sql: StaticString) throws(SQLiteError) -> Statement {
        var statement: OpaquePointer?
        let text = sql.description
        try check(
            unsafe sqlite3_prepare_v3(handle, text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil), "read")
        guard let statement = unsafe statement else { throw SQLiteError(.other, "an empty statement") }
        return unsafe Statement(statement, of: self)
    }

    /// Runs `body` so that all of its changes are kept, or none. The lock for writing is taken before it begins.
    ///
    /// Not to be nested.
    public func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        try execute("BEGIN IMMEDIATE")
        do {
            let result = try body()
            try execute("COMMIT")
            return result
        } catch {
            // SQLite has rolled back by itself after some errors: a full disk, for one.
            if unsafe sqlite3_get_autocommit(handle) == 0 { try? execute("ROLLBACK") }
            throw error
        }
    }

    /// How many rows the last statement that ended has changed.
    public var changes: Int { Int(unsafe sqlite3_changes64(handle)) }

    /// The number of the last row that was inserted.
    public var lastInsertedRow: Int64 { unsafe sqlite3_last_insert_rowid(handle) }

    /// The two numbers in a database's header that are the program's own.
    enum Pragma {
        case applicationID, userVersion
    }

    /// Sets one of them. A PRAGMA takes no bound value; a number cannot be anything else than a number.
    func setPragma(_ pragma: Pragma, _ number: Int32) throws(SQLiteError) {
        let sql =
            switch pragma {
            case .applicationID: "PRAGMA application_id = \(number)"
            case .userVersion: "PRAGMA user_version = \(number)"
            }
        try check(unsafe sqlite3_exec(handle, sql, nil, nil, nil), "write to")
    }

    /// - Throws: SQLite's message where the result is neither `SQLITE_OK`, `SQLITE_ROW` nor `SQLITE_DONE`.
    func check(_ result: Int32, _ intent: String) throws(SQLiteError) {
        guard result != SQLITE_OK && result != SQLITE_ROW && result != SQLITE_DONE else { return }
        throw SQLiteError(
            code: result, unsafe String(cString: sqlite3_errmsg(handle)), intent, printable(path),
            systemError: unsafe sqlite3_system_errno(handle))
    }
}
