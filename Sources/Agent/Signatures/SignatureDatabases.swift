internal import EngineProtocol
public import Journal
internal import LinuxSystem
public import SystemPackage

/// Which signature databases there are, read without libclamav and without loading any of them.
public struct SignatureDatabases: Equatable, Sendable {
    /// One file that libclamav would load.
    public struct Database: Equatable, Sendable {
        /// The file's name: `daily.cvd`.
        public let file: String
        /// What the name is in metrics and events, without ending: `daily`.
        public var name: String { file.split(separator: ".").first.map(String.init) ?? file }
        /// Its version; nil for a loose file, which has none.
        public let version: UInt32?
        /// When it was made: as its header says, or when a loose file was last changed. Nil for a damaged header.
        public let built: UnixTime?
        /// Whether it is a container with a header.
        public let hasHeader: Bool
        /// Bytes.
        public let size: UInt64
    }

    /// Tells one state of the folder from another without reading a file: a new database, a deleted one, one that was changed.
    public struct Fingerprint: Equatable, Sendable {
        struct Entry: Equatable, Sendable {
            let name: String
            let inode: UInt64
            let size: UInt64
            let modified: FileStatus.Time
            let changed: FileStatus.Time
        }
        let entries: [Entry]
    }

    /// The databases, by name.
    public let databases: [Database]
    /// What it was read from, to be compared with ``fingerprint(of:)`` later.
    public let fingerprint: Fingerprint
    /// What is wrong: damaged headers, files that others may write or the engine may not read. A sentence each.
    public let problems: [String]
    /// What a person should know: files that take signatures or files out of the scan.
    public let notes: [String]

    /// The names of freshclam's databases.
    public static let official = ["main", "daily", "bytecode"]

    /// freshclam's databases that are not there. Without `bytecode` freshclam may be configured (`Bytecode no`).
    public var missing: [String] {
        Self.official.filter { wanted in !databases.contains { $0.name == wanted && $0.hasHeader } }
    }

    /// The database with the given name: where there are several (`daily.cvd` and `daily.cld`) the newest.
    public subscript(name: String) -> Database? {
        databases.filter { $0.name == name && $0.hasHeader }.max {
            ($0.built ?? UnixTime(microseconds: .min)) < ($1.built ?? UnixTime(microseconds: .min))
        }
    }

    /// The signature folder could not be read.
    public struct Unreadable: Error, Equatable, CustomStringConvertible {
        /// One sentence.
        public let description: String
        /// What to do about it.
        public let remedy: String
    }

    /// Looks at a signature folder.
    public init(reading folder: FilePath) throws(Unreadable) {
        let (status, files) = try Self.contents(of: folder)
        var databases: [Database] = []
        var problems: [String] = []
        var notes: [String] = []
        if status.permissions & 0o002 != 0 {
            problems.append(
                "everybody may write to \(printable(folder)), and so blind the scan: chmod o-w \(printable(folder))")
        }
        for (file, status) in files {
            let path = printable(folder.appending(file))
            if status.kind == .regular, status.permissions & 0o002 != 0 {
                problems.append("everybody may write to \(path), and so blind the scan: chmod o-w \(path)")
            }
            if status.kind == .regular, status.permissions & 0o004 == 0 {
                problems.append(
                    "the engine, which runs as a user without rights, may not read \(path): chmod o+r \(path)")
            }
            if Self.isException(file) {
                notes.append("\(printable(file.utf8)) takes signatures or files out of the scan")
            }
            let hasHeader = Self.containers.contains { file.hasSuffix($0) }
            var header: DatabaseHeader?
            if hasHeader {
                // It may be a link to one, as it may for libclamav.
                let bytes = try? readBeginning(of: folder.appending(file), atMost: DatabaseHeader.length)
                header = DatabaseHeader(bytes ?? [])
                if header == nil { problems.append("the header of \(path) is damaged or cannot be read") }
            }
            databases.append(
                Database(
                    file: file, version: header?.version,
                    built: hasHeader ? header?.built : UnixTime(seconds: status.modified.seconds),
                    hasHeader: hasHeader, size: status.size))
        }
        self.databases = databases
        self.fingerprint = Fingerprint(files)
        self.problems = problems
        self.notes = notes
    }

    /// What is in the folder now, as cheap as can be: a list of names, and one statx(2) each.
    public static func fingerprint(of folder: FilePath) throws(Unreadable) -> Fingerprint {
        Fingerprint(try contents(of: folder).files)
    }

    private static let containers = [".cvd", ".cld", ".cud"]

    /// ClamAV's documentation, "Allow list databases" and "Ignore".
    private static func isException(_ file: String) -> Bool {
        [".fp", ".sfp", ".ign", ".ign2"].contains { file.hasSuffix($0) }
    }

    /// The folder itself, and what libclamav would load from it, by name.
    private static func contents(
        of folder: FilePath
    ) throws(Unreadable) -> (folder: FileStatus, files: [(String, FileStatus)]) {
        do throws(Errno) {
            let start = try Opening.start(at: folder)
            return (try FileStatus.of(start), try list(Opening.readable(start)))
        } catch {
            throw Unreadable(folder, error)
        }
    }

    private static func list(_ folder: borrowing OwnedDescriptor) throws(Errno) -> [(String, FileStatus)] {
        var reader = FolderReader()
        var found: [(String, FileStatus)] = []
        while let entry = try reader.next(of: folder) {
            let file = String(decoding: entry.name.bytes, as: UTF8.self)
            guard SignatureFiles.isDatabase(file) else { continue }
            do throws(Errno) {
                found.append((file, try FileStatus.of(entry.name, in: folder)))
            } catch {
                // freshclam has just replaced it: the other name is met, or the next look meets it.
                if error != .noSuchFileOrDirectory { throw error }
            }
        }
        return found.sorted { $0.0 < $1.0 }
    }
}

extension SignatureDatabases.Unreadable {
    fileprivate init(_ folder: FilePath, _ errno: Errno) {
        description = "the signature folder \(printable(folder)) cannot be read: \(errno)"
        remedy =
            errno == .noSuchFileOrDirectory || errno == .notDirectory
            ? "install clamav-freshclam, or name the folder of the databases with scan.signatures"
            : "run this as root, or let nodeguard read the folder"
    }
}

extension SignatureDatabases.Fingerprint {
    fileprivate init(_ files: [(String, FileStatus)]) {
        entries = files.map { name, status in
            Entry(
                name: name, inode: status.inode, size: status.size, modified: status.modified,
                changed: status.changed)
        }
    }
}
