import LinuxSystem
import SQLite
import SystemPackage
import TestSupport
import Testing

/// Real database files, damaged on purpose.
@Suite struct StoredDatabaseTests {
    private static let schema = StoredDatabase.Schema(application: 0x6e67_7473, version: 2) { database in
        try database.execute("CREATE TABLE pair (name BLOB PRIMARY KEY, number INTEGER NOT NULL) STRICT")
    }

    private func open(_ path: FilePath, version: Int32 = 2) throws -> StoredDatabase {
        let schema = StoredDatabase.Schema(application: 0x6e67_7473, version: version, create: Self.schema.create)
        return try StoredDatabase(path, durability: .everyCommit, schema: schema)
    }

    private func fill(_ database: Database, rows: Int) throws {
        try database.transaction {
            let insert = try database.prepare("INSERT INTO pair VALUES (?, ?)")
            for row in 0..<rows { try insert.run(.blob(Array("name \(row)".utf8)), .integer(Int64(row))) }
        }
    }

    private func count(_ database: Database) throws -> Int64? {
        try database.prepare("SELECT count(*) FROM pair").first { try $0.integer(0) }
    }

    private func bytes(_ path: FilePath) throws -> [UInt8] {
        let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        return try file.closeAfter { try readToEnd(file) }
    }

    @Test func keepsValuesAsTheyAre() throws {
        let folder = try TemporaryFolder()
        let path = folder.path.appending("a.db")
        let name: [UInt8] = [0x2f, 0xff, 0x00, 0x0a]
        do {
            let stored = try open(path)
            #expect(stored.note == nil)
            let insert = try stored.database.prepare("INSERT INTO pair VALUES (?, ?)")
            try insert.run(.blob(name), .bits(.max))
            try insert.run(.blob([]), .integer(.min))
        }
        let stored = try open(path)
        let rows = try stored.database.prepare("SELECT name, number FROM pair ORDER BY number").all {
            (try $0.blob(0), try $0.integer(1))
        }
        #expect(rows.map(\.0) == [[], name])
        #expect(rows.map(\.1) == [.min, -1])
        #expect(try runProgram(["stat", "-c", "%a", path.string]).output == "600\n")
    }

    @Test func wrongTypesAreDamage() throws {
        let folder = try TemporaryFolder()
        let stored = try open(folder.path.appending("a.db"))
        try fill(stored.database, rows: 1)
        let error = #expect(throws: SQLiteError.self) {
            try stored.database.prepare("SELECT name FROM pair").first { try $0.text(0) }
        }
        #expect(error?.kind == .corrupt)
    }

    @Test func aFailedTransactionChangesNothing() throws {
        let folder = try TemporaryFolder()
        let stored = try open(folder.path.appending("a.db"))
        try fill(stored.database, rows: 3)
        #expect(throws: SQLiteError.self) { try fill(stored.database, rows: 9) }
        #expect(try count(stored.database) == 3)
        // And the next one goes on as if nothing had been.
        try stored.database.transaction { try stored.database.execute("DELETE FROM pair") }
        #expect(try count(stored.database) == 0)
    }

    /// What a bad disk, a stray program or a cut file leaves.
    @Test(arguments: ["noise", "cut", "page", "foreign", "text"])
    func damageIsSetAsideAndToldAndBegunAnew(_ damage: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path.appending("a.db")
        do { try fill(try open(path).database, rows: 5000) }
        switch damage {
        case "noise": try folder.write("a.db", String(repeating: "x", count: 40000))
        case "text": try folder.write("a.db", "not a database")
        case "cut": #expect(try runProgram(["truncate", "-s", "-8192", path.string]).status == 0)
        case "foreign":
            #expect(try runProgram(["rm", path.string]).status == 0)
            #expect(try runProgram(["sqlite3", path.string, "CREATE TABLE mine (x)"]).status == 0)
        default:
            // The middle of the file: the header and the schema stay readable.
            #expect(
                try runProgram([
                    "dd", "if=/dev/zero", "of=\(path)", "bs=4096", "seek=7", "count=2", "conv=notrunc",
                ]).status == 0)
        }
        let damaged = try bytes(path)
        let stored = try open(path)
        let note = try #require(stored.note)
        #expect(note.contains(path.string) && note.contains("begun anew"))
        #expect(try count(stored.database) == 0)
        try fill(stored.database, rows: 2)
        let names = try runProgram(["ls", folder.path.string]).output.split(separator: "\n").map(String.init)
        let aside = try #require(names.first { $0.hasPrefix("a.db.damaged-") && !$0.hasSuffix("-journal") })
        #expect(try bytes(folder.path.appending(aside)) == damaged)
    }

    @Test func whatAnotherHasOpenIsNotSetAside() throws {
        let folder = try TemporaryFolder()
        let path = folder.path.appending("a.db")
        var first: StoredDatabase? = try open(path)
        try fill(try #require(first?.database), rows: 5000)
        #expect(
            try runProgram(["dd", "if=/dev/zero", "of=\(path)", "bs=4096", "seek=7", "count=2", "conv=notrunc"]).status
                == 0)
        let error = #expect(throws: SQLiteError.self) { _ = try open(path) }
        #expect(error?.kind == .busy)
        first = nil
        #expect(try open(path).note != nil)
    }

    @Test func aLaterVersionIsLeftAlone() throws {
        let folder = try TemporaryFolder()
        let path = folder.path.appending("a.db")
        do { try fill(try open(path, version: 3).database, rows: 1) }
        let error = #expect(throws: SQLiteError.self) { _ = try open(path) }
        #expect(error?.kind == .newer)
        #expect(try count(try open(path, version: 3).database) == 1)
    }

    @Test func anEarlierVersionIsTakenOver() throws {
        let folder = try TemporaryFolder()
        let path = folder.path.appending("a.db")
        do { try fill(try open(path, version: 1).database, rows: 1) }
        let schema = StoredDatabase.Schema(application: 0x6e67_7473, version: 2, create: { _ in }) { database, from in
            #expect(from == 1)
            try database.execute("ALTER TABLE pair ADD COLUMN more TEXT")
        }
        let stored = try StoredDatabase(path, durability: .everyCommit, schema: schema)
        #expect(stored.note == nil)
        #expect(try stored.database.prepare("SELECT number, more FROM pair").first { $0.isNull(1) } == true)
    }

    @Test func aLinkIsNotFollowed() throws {
        let folder = try TemporaryFolder()
        let victim = try folder.write("victim", "")
        #expect(try runProgram(["ln", "-s", victim.string, "\(folder.path)/a.db"]).status == 0)
        #expect(throws: SQLiteError.self) { _ = try open(folder.path.appending("a.db")) }
        #expect(try runProgram(["stat", "-c", "%s", victim.string]).output == "0\n")
    }
}
