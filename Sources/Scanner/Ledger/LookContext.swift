internal import ContentHash
internal import EngineProtocol
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// What a look depended on besides the file: a look counts only as long as all of it is the same.
///
/// It is found out without starting the engine, so that a session with nothing to look at needs none.
struct LookContext: Hashable {
    /// The signature databases.
    let signatures: Identity
    /// The engine: its program, and libclamav.
    let engine: Identity
    /// The limits of a look.
    let options: Identity

    /// The first half of a SHA-256 over what identifies something.
    struct Identity: Hashable {
        let words: (UInt64, UInt64)

        static func == (left: Self, right: Self) -> Bool { left.words == right.words }
        func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
    }

    /// The context of looks by this engine, with these databases and limits; nil where it cannot be told without the
    /// engine: where the folder cannot be read or has no databases, and where no libclamav is at the usual places.
    ///
    /// A look is labelled with what was there before the engine loaded: where freshclam was faster, the label is older than
    /// the look, and the file is looked at once more than it had to be.
    static func now(signatures: FilePath, engine: FilePath, limits: EngineLimits) -> LookContext? {
        guard let signatures = identity(ofSignatures: signatures), let engine = identity(ofEngine: engine) else {
            return nil
        }
        let numbers: [UInt64] = [
            limits.fileBytes, limits.contentBytes, UInt64(limits.recursion), UInt64(limits.members),
            UInt64(limits.milliseconds),
        ]
        return LookContext(
            signatures: signatures, engine: engine, options: Identity(of: numbers.flatMap { little($0) }))
    }

    // MARK: Signatures

    /// Names, sizes, times, owners and modes, and of ClamAV's own databases the header, which has their version and the
    /// signed hash of everything behind it; and the time of the inode's last change, which cannot be put back.
    private static func identity(ofSignatures path: FilePath) -> Identity? {
        guard let start = try? Opening.start(at: path), let folder = try? Opening.readable(start),
            let itself = try? FileStatus.of(start)
        else { return nil }
        var databases: [(name: [UInt8], description: [UInt8])] = []
        var reader = FolderReader()
        do {
            while let entry = try reader.next(of: folder) {
                let name = Array(entry.name.bytes)
                guard SignatureFiles.isDatabase(String(decoding: name, as: UTF8.self)) else { continue }
                let file = path.appending(FilePath(bytes: name).lastComponent!)
                databases.append((name, try describe(entry.name, in: folder) + (target(of: entry, file) ?? [])))
            }
        } catch {
            return nil
        }
        guard !databases.isEmpty else { return nil }
        databases.sort { $0.name.lexicographicallyPrecedes($1.name) }
        var all = little(itself.user) + little(itself.group) + little(itself.permissions)
        for database in databases { all += little(UInt32(database.name.count)) + database.name + database.description }
        return Identity(of: all)
    }

    private static func describe(_ name: FileName, in folder: borrowing OwnedDescriptor) throws(Errno) -> [UInt8] {
        let status = try FileStatus.of(name, in: folder)
        var description = little(status.size) + little(status.modified) + little(status.user) + little(status.group)
        description += little(status.permissions)
        let text = String(decoding: name.bytes, as: UTF8.self)
        if status.kind == .regular, text.hasSuffix(".cvd") || text.hasSuffix(".cld"),
            let file = try? Opening.file(name, in: folder)
        {
            // The header of ClamAV's databases is 512 bytes of text ("ClamAV Virus Database" in its documentation).
            var header = [UInt8](repeating: 0, count: 512)
            let read = unsafe header.withUnsafeMutableBytes { unsafe pread(file.rawValue, $0.baseAddress, $0.count, 0) }
            if read == header.count { description += header }
        }
        return description + little(status.changed) + little(status.inode)
    }

    /// Of a link, what it leads to.
    private static func target(of entry: FolderReader.Entry, _ path: FilePath) -> [UInt8]? {
        guard entry.kind != .regular, let file = try? Opening.start(at: path), let status = try? FileStatus.of(file)
        else { return nil }
        return little(status.size) + little(status.modified) + little(status.changed) + little(status.inode)
    }

    // MARK: Engine

    /// Size and time of the program and of every libclamav that it could be linked with.
    private static func identity(ofEngine program: FilePath) -> Identity? {
        guard let itself = describe(program) else { return nil }
        var libraries: [String: [UInt8]] = [:]
        for path in libraryFolders {
            guard let start = try? Opening.start(at: FilePath(path)), let folder = try? Opening.readable(start) else {
                continue
            }
            var reader = FolderReader()
            while let entry = try? reader.next(of: folder) {
                let name = String(decoding: entry.name.bytes, as: UTF8.self)
                guard name.hasPrefix("libclam") else { continue }
                libraries["\(path)/\(name)"] = describe(FilePath("\(path)/\(name)"))
            }
        }
        guard libraries.keys.contains(where: { $0.contains("/libclamav.so") }) else { return nil }
        var all = itself
        for (path, description) in libraries.sorted(by: { $0.key < $1.key }) {
            all += Array(path.utf8) + [0] + description
        }
        return Identity(of: all)
    }

    /// A link is followed: what is loaded in the end.
    private static func describe(_ path: FilePath) -> [UInt8]? {
        guard let file = try? Opening.start(at: path), let status = try? FileStatus.of(file) else { return nil }
        return little(status.size) + little(status.modified)
    }

    /// Where ld.so(8) looks, on Debian and elsewhere.
    private static let libraryFolders = [
        "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib",
        "/usr/local/lib64",
    ]

    private static func little(_ time: FileStatus.Time) -> [UInt8] {
        Scanner.little(time.seconds) + Scanner.little(time.nanoseconds)
    }

    private static func little(_ number: some FixedWidthInteger) -> [UInt8] { Scanner.little(number) }
}

extension LookContext.Identity {
    /// Of the bytes that describe something.
    init(of description: [UInt8]) {
        let digest = Digest(of: description)
        words = (digest.words.0, digest.words.1)
    }
}
