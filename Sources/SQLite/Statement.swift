internal import CSQLite
internal import LinuxSystem

/// A prepared statement of one ``Database``.
///
/// Safe: it is finalised once, and bytes are copied out of SQLite before the next step.
@safe public final class Statement {
    /// What is put in for one `?` of a statement.
    public enum Value: Equatable, Sendable {
        /// NULL
        case null
        /// A number. For `UInt64` see ``bits(_:)``.
        case integer(Int64)
        /// Text in UTF-8.
        case text(String)
        /// Bytes as they are: a path.
        case blob([UInt8])

        /// A number of 64 bits without a sign, which SQLite has not: the same bits with one. ``Row/bits(_:)`` reads it.
        public static func bits(_ number: UInt64) -> Value { .integer(Int64(bitPattern: number)) }
        /// Text, or NULL.
        public static func optional(_ text: String?) -> Value { text.map(Value.text) ?? .null }
        /// A number, or NULL.
        public static func optional(_ number: Int64?) -> Value { number.map(Value.integer) ?? .null }
        /// Bytes, or NULL.
        public static func optional(_ bytes: [UInt8]?) -> Value { bytes.map(Value.blob) ?? .null }
    }

    fileprivate let handle: OpaquePointer
    fileprivate let database: Database

    init(_ handle: OpaquePointer, of database: Database) {
        unsafe self.handle = unsafe handle
        self.database = database
    }

    deinit { unsafe sqlite3_finalize(handle) }

    /// Runs it to its end, for a statement that gives no rows.
    public func run(_ values: Value...) throws(SQLiteError) {
        defer { reset() }
        try bind(values)
        while try step() {}
    }

    /// Runs it and gives each row to `body`, in order, until the end or until `body` throws.
    public func forEach(_ values: Value..., body: (borrowing Row) throws -> Void) throws {
        defer { reset() }
        try bind(values)
        while try step() { try body(Row(statement: self)) }
    }

    /// Runs it and makes something of the first row; nil where there is none.
    public func first<Result>(_ values: Value..., body: (borrowing Row) throws -> Result) throws -> Result? {
        defer { reset() }
        try bind(values)
        // Not in one expression: Swift 6.3's optimiser crashes on that in a release build.
        guard try step() else { return nil }
        let row = Row(statement: self)
        return try body(row)
    }

    /// Runs it and makes something of each row.
    public func all<Result>(_ values: Value..., body: (borrowing Row) throws -> Result) throws -> [Result] {
        defer { reset() }
        try bind(values)
        var results: [Result] = []
        while try step() { results.append(try body(Row(statement: self))) }
        return results
    }

    private func step() throws(SQLiteError) -> Bool {
        let result = unsafe sqlite3_step(handle)
        try database.check(result, "use")
        return result == SQLITE_ROW
    }

    private func bind(_ values: [Value]) throws(SQLiteError) {
        guard values.count == Int(unsafe sqlite3_bind_parameter_count(handle)) else {
            throw SQLiteError(.other, "a statement was given another number of values than it has places for")
        }
        for (offset, value) in values.enumerated() {
            let index = Int32(offset + 1)
            let result =
                switch value {
                case .null: unsafe sqlite3_bind_null(handle, index)
                case .integer(let number): unsafe sqlite3_bind_int64(handle, index, number)
                case .text(let text):
                    unsafe text.withCString { unsafe nodeguard_bind_text(handle, index, $0, Int32(text.utf8.count)) }
                case .blob(let bytes):
                    unsafe bytes.withUnsafeBytes {
                        unsafe nodeguard_bind_blob(handle, index, $0.baseAddress, Int32($0.count))
                    }
                }
            try database.check(result, "use")
        }
    }

    private func reset() {
        // It repeats the error of the last step, which was thrown already.
        unsafe sqlite3_reset(handle)
        unsafe sqlite3_clear_bindings(handle)
    }
}

/// One row of a result, until the statement steps on. Columns are counted from 0.
///
/// A column of another type than asked for is an error of the kind `corrupt`: the program never wrote it.
public struct Row: ~Copyable {
    fileprivate let statement: Statement

    /// Whether there is no value.
    public func isNull(_ column: Int) -> Bool { type(column) == SQLITE_NULL }

    /// A number.
    public func integer(_ column: Int) throws(SQLiteError) -> Int64 {
        try expect(column, SQLITE_INTEGER)
        return unsafe sqlite3_column_int64(statement.handle, Int32(column))
    }

    /// A number that was written by ``Statement/Value/bits(_:)``.
    public func bits(_ column: Int) throws(SQLiteError) -> UInt64 { UInt64(bitPattern: try integer(column)) }

    /// Text; bytes that are not UTF-8 are an error.
    public func text(_ column: Int) throws(SQLiteError) -> String {
        try expect(column, SQLITE_TEXT)
        let bytes = bytes(column)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw wrong(column) }
        return text
    }

    /// Bytes.
    public func blob(_ column: Int) throws(SQLiteError) -> [UInt8] {
        try expect(column, SQLITE_BLOB)
        return bytes(column)
    }

    private func bytes(_ column: Int) -> [UInt8] {
        guard let start = unsafe sqlite3_column_blob(statement.handle, Int32(column)) else { return [] }
        let count = unsafe sqlite3_column_bytes(statement.handle, Int32(column))
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: Int(count)))
    }

    private func type(_ column: Int) -> Int32 { unsafe sqlite3_column_type(statement.handle, Int32(column)) }

    private func expect(_ column: Int, _ type: Int32) throws(SQLiteError) {
        guard self.type(column) == type else { throw wrong(column) }
    }

    private func wrong(_ column: Int) -> SQLiteError {
        SQLiteError(
            .corrupt,
            "\(printable(statement.database.path)) is damaged: column \(column) of a row has a value that it cannot have"
        )
    }
}
