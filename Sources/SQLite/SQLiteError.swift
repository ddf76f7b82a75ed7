internal import CSQLite

/// SQLite's answer where it did not do what it was asked, told so that a person knows what happened and to which file.
public struct SQLiteError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What a caller decides by.
    public enum Kind: Equatable, Sendable {
        /// The file is damaged, is no database at all, or has something in it that this program never writes.
        case corrupt
        /// The file system has no room. What was committed before is safe.
        case full
        /// Another process kept the database for longer than this one waited.
        case busy
        /// The database is of a later version of the program.
        case newer
        /// Anything else.
        case other
    }

    /// What sort of failure it is.
    public let kind: Kind
    /// SQLite's extended result code; 0 where this module found the fault.
    public let code: Int32
    /// One sentence, with the file, already escaped for a terminal.
    public let description: String

    /// A failure that this module found.
    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        code = 0
        self.description = description
    }

    /// A result code of SQLite's (https://www.sqlite.org/rescode.html), met while trying to `intent` the file `subject`.
    ///
    /// - Parameter systemError: errno(3) behind it, where SQLite kept one.
    init(code: Int32, _ message: String, _ intent: String, _ subject: String, systemError: Int32 = 0) {
        self.code = code
        // ENOSPC and EDQUOT: SQLite answers a failed write at a full disk with an I/O error where it is not the
        // database itself that it writes.
        kind =
            switch code & 0xff {
            case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt
            case SQLITE_FULL: .full
            case SQLITE_IOERR where systemError == 28 || systemError == 122: .full
            case SQLITE_BUSY, SQLITE_LOCKED: .busy
            default: .other
            }
        let next =
            switch kind {
            case .full: "; make room on its file system. What was kept before is safe"
            case .busy: "; another nodeguard is using it: try again when that is done"
            case .corrupt, .newer, .other: ""
            }
        description = "cannot \(intent) \(subject): \(message) (SQLite \(code))\(next)"
    }
}
