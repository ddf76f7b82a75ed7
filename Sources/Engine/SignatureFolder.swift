internal import CClamAV
internal import CLinux
internal import EngineProtocol
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// The folder with the databases, looked at before libclamav loads what is in it.
///
/// Loose databases need no signature of ClamAV's, and a stray `.fp` or `.ign2` can make the engine blind: who
/// may write there decides what is found.
enum SignatureFolder {
    struct Contents {
        var files: [SignatureInventory.Database] = []
        var notes: [String] = []
    }

    /// Lists the databases.
    ///
    /// - Throws: where the folder cannot be read, or anybody could have put anything into it.
    static func inspect(_ path: FilePath) throws(LoadError) -> Contents {
        let entries: [Entry]
        do {
            let start = try Opening.start(at: path)
            let folder = try FileStatus.of(start)
            guard folder.kind == .directory else {
                throw LoadError(
                    description: "\(printable(path)) is not a folder; scan.signatures names the folder of the databases"
                )
            }
            if let problem = openToOthers(folder) {
                throw LoadError(
                    description:
                        "the signature folder \(printable(path)) \(problem): anybody could blind the scan; fix: chmod go-w"
                )
            }
            entries = try list(Opening.readable(start))
        } catch let error as LoadError {
            throw error
        } catch let error as Errno {
            let remedy =
                error == .noSuchFileOrDirectory
                ? "install clamav-freshclam, or name the folder with scan.signatures" : "let nodeguard read it"
            throw LoadError(description: "cannot read the signature folder \(printable(path)): \(error); \(remedy)")
        } catch {
            throw LoadError(description: "cannot read the signature folder \(printable(path)): \(error)")
        }
        var contents = Contents()
        for entry in entries.sorted(by: { $0.name < $1.name }) {
            if let problem = openToOthers(entry.status) {
                throw LoadError(
                    description:
                        "the database \(printable(path.appending(entry.name))) \(problem): anybody could blind the scan; fix: chmod go-w"
                )
            }
            guard isReadable(path.appending(entry.name)) else {
                throw LoadError(
                    description:
                        "the engine may not read the database \(printable(path.appending(entry.name))), and libclamav would pass over it in silence; let everybody read it: chmod o+rX on it and the folders above it"
                )
            }
            let header =
                entry.hasHeader ? unsafe path.appending(entry.name).withPlatformString { unsafe cl_cvdhead($0) } : nil
            contents.files.append(
                SignatureInventory.Database(
                    name: entry.name, version: unsafe header?.pointee.version ?? 0,
                    built: unsafe header.map { unsafe Int64($0.pointee.stime) } ?? entry.status.modified.seconds))
            if let header = unsafe header { unsafe cl_cvdfree(header) }
            if entry.isException {
                contents.notes.append("\(printable(entry.name.utf8)) takes signatures or files out of the scan")
            }
        }
        return contents
    }

    private struct Entry {
        let name: String
        let status: FileStatus

        /// Whether it is a container of databases, which begins with a header. Asked for the header of a loose one,
        /// libclamav complains on stderr.
        var hasHeader: Bool {
            [".cvd", ".cld", ".cud"].contains { name.hasSuffix($0) }
        }

        /// Databases of exceptions (ClamAV's documentation, "Allow list databases" and "Ignore").
        var isException: Bool {
            [".fp", ".sfp", ".ign", ".ign2"].contains { name.hasSuffix($0) }
        }
    }

    /// The databases.
    private static func list(_ folder: borrowing OwnedDescriptor) throws -> [Entry] {
        var reader = FolderReader()
        var entries: [Entry] = []
        while let entry = try reader.next(of: folder) {
            let name = String(decoding: entry.name.bytes, as: UTF8.self)
            guard SignatureFiles.isDatabase(name) else { continue }
            entries.append(Entry(name: name, status: try FileStatus.of(entry.name, in: folder)))
        }
        return entries
    }

    /// Whether others than the owner may write: the group counts as the owner where it is the owner's own.
    private static func openToOthers(_ status: FileStatus) -> String? {
        if status.kind == .symbolicLink { return nil }
        if status.permissions & 0o002 != 0 { return "can be written by everybody" }
        return nil
    }
}
