/// What a scan session and its engine say to each other, over two kinds of `SOCK_SEQPACKET` sockets:
/// one control socket to the engine itself, and one to each worker that it forked. A worker's socket arrives as
/// a descriptor with ``EngineMessage/worker(id:)``; its end means that the worker is gone.
///
/// The session believes nothing beyond the form of what it is told: workers parse hostile files.

/// From the session to the engine, over the control socket.
public enum EngineCommand: Equatable, Sendable {
    /// Loads the signatures and forks the workers. Sent once, first.
    case load(LoadRequest)
    /// Ends a worker that has taken too long; it is replaced.
    case kill(worker: Int32)

    /// The message's bytes.
    public func encoded() -> [UInt8] {
        var writer = WireWriter()
        switch self {
        case .load(let request):
            writer.put(UInt8(1))
            request.encode(into: &writer)
        case .kill(let worker):
            writer.put(UInt8(2))
            writer.put(worker)
        }
        return writer.bytes
    }

    /// The command that these bytes stand for.
    public init(_ bytes: [UInt8]) throws(MalformedMessage) {
        var reader = WireReader(bytes)
        let type: UInt8 = try reader.integer("type")
        switch type {
        case 1: self = .load(try LoadRequest(&reader))
        case 2: self = .kill(worker: try reader.integer("worker"))
        default: throw MalformedMessage("unknown command \(type)")
        }
        try reader.end()
    }
}

/// What the engine is to load, and within which limits it looks at a file.
public struct LoadRequest: Equatable, Sendable {
    /// The folder with the signature databases.
    public var signatures: [UInt8]
    /// The folder for unpacked content; each worker makes one of its own in it.
    public var scratch: [UInt8]
    /// Workers to fork.
    public var workers: UInt32
    /// The limits.
    public var limits: EngineLimits
    /// Bytes that two signatures of this session alone shall find, see ``Canary``.
    public var canary: [UInt8]

    /// A request to load.
    public init(signatures: [UInt8], scratch: [UInt8], workers: UInt32, limits: EngineLimits, canary: [UInt8]) {
        self.signatures = signatures
        self.scratch = scratch
        self.workers = workers
        self.limits = limits
        self.canary = canary
    }

    fileprivate func encode(into writer: inout WireWriter) {
        writer.put(signatures)
        writer.put(scratch)
        writer.put(workers)
        writer.put(limits.fileBytes)
        writer.put(limits.contentBytes)
        writer.put(limits.recursion)
        writer.put(limits.members)
        writer.put(limits.milliseconds)
        writer.put(canary)
    }

    fileprivate init(_ reader: inout WireReader) throws(MalformedMessage) {
        signatures = try reader.bytes("signatures")
        scratch = try reader.bytes("scratch")
        workers = try reader.integer("workers")
        limits = EngineLimits(
            fileBytes: try reader.integer("fileBytes"), contentBytes: try reader.integer("contentBytes"),
            recursion: try reader.integer("recursion"), members: try reader.integer("members"),
            milliseconds: try reader.integer("milliseconds"))
        canary = try reader.bytes("canary")
    }
}

/// How much of a file the engine takes on. What goes beyond ends as `incomplete: limit`, never as clean.
public struct EngineLimits: Codable, Equatable, Hashable, Sendable {
    /// The largest file or member, in bytes. libclamav cannot scan beyond 2 GiB − 1 and takes 0 for "no limit",
    /// which would switch its own check off: neither can be asked for.
    public var fileBytes: UInt64
    /// Content of one file, unpacked, in bytes.
    public var contentBytes: UInt64
    /// How deep archives may be nested.
    public var recursion: UInt32
    /// Members of one archive.
    public var members: UInt32
    /// Time that one file may take, in milliseconds.
    public var milliseconds: UInt32

    /// The largest file that libclamav can be given: its maps count in 32 bits (2 GiB − 1).
    public static let largestFile: UInt64 = 2_147_483_647

    /// What is used where nothing else is said: everything that libclamav can take, within five minutes.
    public static let standard = EngineLimits(
        fileBytes: largestFile, contentBytes: 2 * (largestFile + 1), recursion: 17, members: 100_000,
        milliseconds: 300_000)

    /// Limits; a file size out of libclamav's range is brought into it.
    public init(fileBytes: UInt64, contentBytes: UInt64, recursion: UInt32, members: UInt32, milliseconds: UInt32) {
        self.fileBytes = min(max(fileBytes, 1), Self.largestFile)
        self.contentBytes = max(contentBytes, 1)
        self.recursion = max(recursion, 1)
        self.members = max(members, 1)
        self.milliseconds = max(milliseconds, 1)
    }
}

/// From the engine to the session, over the control socket.
public enum EngineMessage: Equatable, Sendable {
    /// The signatures are loaded and the workers are about to come.
    case loaded(SignatureInventory)
    /// Nothing can be scanned; the engine ends. A sentence for a person, with the remedy.
    case failed(String)
    /// A worker runs. Its socket comes as the message's descriptor.
    case worker(id: Int32)
    /// A worker ended: its exit status, or the negated number of the signal that ended it.
    case workerEnded(id: Int32, status: Int32)

    /// The message's bytes.
    public func encoded() -> [UInt8] {
        var writer = WireWriter()
        switch self {
        case .loaded(let inventory):
            writer.put(UInt8(1))
            inventory.encode(into: &writer)
        case .failed(let text):
            writer.put(UInt8(2))
            writer.put(text)
        case .worker(let id):
            writer.put(UInt8(3))
            writer.put(id)
        case .workerEnded(let id, let status):
            writer.put(UInt8(4))
            writer.put(id)
            writer.put(status)
        }
        return writer.bytes
    }

    /// The message that these bytes stand for.
    public init(_ bytes: [UInt8]) throws(MalformedMessage) {
        var reader = WireReader(bytes)
        let type: UInt8 = try reader.integer("type")
        switch type {
        case 1: self = .loaded(try SignatureInventory(&reader))
        case 2: self = .failed(try reader.text("failure"))
        case 3: self = .worker(id: try reader.integer("worker"))
        case 4: self = .workerEnded(id: try reader.integer("worker"), status: try reader.integer("status"))
        default: throw MalformedMessage("unknown message \(type)")
        }
        try reader.end()
    }
}

/// What was loaded.
public struct SignatureInventory: Equatable, Sendable {
    /// One file of the signature folder.
    public struct Database: Equatable, Sendable {
        /// The file's name, as it is shown.
        public var name: String
        /// The version that its header names; 0 for a loose file without one.
        public var version: UInt32
        /// When it was built by its header, else when the file was changed; seconds since 1970.
        public var built: Int64

        /// A database of the inventory.
        public init(name: String, version: UInt32, built: Int64) {
            self.name = name
            self.version = version
            self.built = built
        }
    }

    /// Signatures in all, without the session's own canaries.
    public var signatures: UInt32
    /// libclamav's version, for example `1.4.6`.
    public var engineVersion: String
    /// The files, by name.
    public var databases: [Database]
    /// What a person should know: exceptions that blind the engine, no RAR support.
    public var notes: [String]

    /// An inventory.
    public init(signatures: UInt32, engineVersion: String, databases: [Database], notes: [String]) {
        self.signatures = signatures
        self.engineVersion = engineVersion
        self.databases = databases
        self.notes = notes
    }

    /// More than a message has room for would be a broken engine; a signature folder has a dozen files.
    static let mostEntries = 512

    fileprivate func encode(into writer: inout WireWriter) {
        writer.put(signatures)
        writer.put(engineVersion)
        writer.put(UInt32(min(databases.count, Self.mostEntries)))
        for database in databases.prefix(Self.mostEntries) {
            writer.put(String(database.name.prefix(64)))
            writer.put(database.version)
            writer.put(database.built)
        }
        writer.put(UInt32(min(notes.count, 16)))
        for note in notes.prefix(16) { writer.put(String(note.prefix(400))) }
    }

    fileprivate init(_ reader: inout WireReader) throws(MalformedMessage) {
        signatures = try reader.integer("signatures")
        engineVersion = try reader.text("engineVersion")
        let count: UInt32 = try reader.integer("databases")
        guard count <= Self.mostEntries else { throw MalformedMessage("databases: \(count) are too many") }
        databases = []
        for _ in 0..<count {
            let name = try reader.text("name")
            let version: UInt32 = try reader.integer("version")
            databases.append(Database(name: name, version: version, built: try reader.integer("built")))
        }
        notes = try reader.texts("notes", limit: 16)
    }
}

/// From the session to a worker; the file comes as the message's descriptor.
public struct ScanRequest: Equatable, Sendable {
    /// Comes back with the answer.
    public var id: UInt64

    /// A request to look at the file that is sent along.
    public init(id: UInt64) {
        self.id = id
    }

    /// The message's bytes.
    public func encoded() -> [UInt8] {
        var writer = WireWriter()
        writer.put(id)
        return writer.bytes
    }

    /// The request that these bytes stand for.
    public init(_ bytes: [UInt8]) throws(MalformedMessage) {
        var reader = WireReader(bytes)
        id = try reader.integer("id")
        try reader.end()
    }
}

/// From a worker to the session: what became of one file.
public struct ScanAnswer: Equatable, Sendable {
    /// The request's.
    public var id: UInt64
    /// What was seen.
    public var verdict: Verdict

    /// An answer.
    public init(id: UInt64, verdict: Verdict) {
        self.id = id
        self.verdict = verdict
    }

    /// The message's bytes.
    public func encoded() -> [UInt8] {
        var writer = WireWriter()
        writer.put(id)
        switch verdict {
        case .clean: writer.put(UInt8(0))
        case .infected(let first, let others):
            writer.put(UInt8(1))
            // A signature's name has a few dozen characters; what a strange database has beyond is cut.
            let all = ([first] + others).prefix(Verdict.mostSignatures)
            writer.put(UInt32(all.count))
            for name in all { writer.put(String(name.prefix(256))) }
        case .incomplete(let reason, let detail):
            writer.put(UInt8(2))
            writer.put(reason.rawValue)
            writer.put(String(detail.prefix(1000)))
        }
        return writer.bytes
    }

    /// The answer that these bytes stand for.
    public init(_ bytes: [UInt8]) throws(MalformedMessage) {
        var reader = WireReader(bytes)
        id = try reader.integer("id")
        let type: UInt8 = try reader.integer("verdict")
        switch type {
        case 0: verdict = .clean
        case 1:
            let names = try reader.texts("signatures", limit: Verdict.mostSignatures)
            guard let first = names.first else { throw MalformedMessage("infected without a signature") }
            verdict = .infected(first: first, others: Array(names.dropFirst()))
        case 2:
            let code: UInt8 = try reader.integer("reason")
            guard let reason = Verdict.Reason(rawValue: code) else { throw MalformedMessage("unknown reason \(code)") }
            verdict = .incomplete(reason, try reader.text("detail"))
        default: throw MalformedMessage("unknown verdict \(type)")
        }
        try reader.end()
    }
}

/// What a worker saw in one file.
public enum Verdict: Equatable, Sendable {
    case clean
    case infected(first: String, others: [String] = [])
    /// The look was not complete; the text says what exactly was in the way.
    case incomplete(Reason, String)

    /// As many matches of one file as are told; an archive can hold thousands.
    public static let mostSignatures = 64

    /// Why a look was not complete, as far as the engine can know.
    public enum Reason: UInt8, CaseIterable, Sendable {
        case limit = 0, encrypted = 1, ioError = 2, timeout = 3, engineError = 4
    }
}
