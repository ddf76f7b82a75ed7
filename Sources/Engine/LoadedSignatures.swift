internal import CClamAV
internal import CLinux
internal import EngineProtocol
internal import Glibc
internal import LinuxSystem
internal import Sandbox
internal import SystemPackage

/// Nothing can be scanned: what is wrong with the signatures, and what to do.
struct LoadError: Error, CustomStringConvertible {
    let description: String
}

/// A compiled libclamav engine: the signatures, the canaries of this session and the limits. It is never changed
/// after it was made, and shared by fork(2) with every worker.
@safe struct LoadedSignatures {
    /// The engine; alive as long as the process.
    let engine: OpaquePointer
    var inventory: SignatureInventory
    /// The limits that are in force.
    let limits: EngineLimits
    /// Whether libclamav found its plug-in for RAR archives. Without it their members are not looked at.
    let unpacksRAR: Bool

    /// Loads and compiles, which takes up to half a minute with the official databases.
    ///
    /// - Parameter started: called once libclamav has loaded its plug-ins, before it reads anything else.
    init(_ request: LoadRequest, started: () throws(ConfinementError) -> Void) throws {
        let folder = FilePath(bytes: request.signatures)
        limits = request.limits
        unsafe cl_set_clcb_msg(EngineMessages.callback)
        let databases = try SignatureFolder.inspect(folder)
        // Nothing is damaged where there is nothing: libclamav's own word for it leads astray.
        if databases.files.isEmpty { throw Self.noSignatures(in: folder) }
        // A loose database has no header, which libclamav reports as an error.
        _ = EngineMessages.take()

        try Self.check(cl_init(UInt32(CL_INIT_DEFAULT)), "start libclamav")
        unpacksRAR = Self.hasRARPlugin()
        CharacterSets.load()
        try started()
        guard let engine = unsafe cl_engine_new() else { throw LoadError(description: "libclamav has no memory") }
        unsafe self.engine = unsafe engine
        try unsafe Self.apply(request.limits, to: engine)
        // The working directory is the scratch folder; by its path it may be out of this user's reach.
        let scratch = FilePath(".")
        try Self.check(
            unsafe scratch.withPlatformString { unsafe cl_engine_set_str(engine, CL_ENGINE_TMPDIR, $0) },
            "set the scratch folder")

        var count: UInt32 = 0
        let options = UInt32(CL_DB_PHISHING | CL_DB_PHISHING_URLS | CL_DB_BYTECODE)
        let loaded = unsafe folder.withPlatformString { unsafe cl_load($0, engine, &count, options) }
        guard loaded == CL_SUCCESS else {
            throw LoadError(
                description: """
                    cannot load the signatures in \(printable(folder)): \(Self.text(loaded))\
                    \(EngineMessages.take().first.map { " (\($0))" } ?? ""); \
                    run freshclam to fetch them anew, or remove the damaged file
                    """)
        }
        guard count > 0 else { throw Self.noSignatures(in: folder) }
        try unsafe Self.load(request.canary, into: engine, from: scratch)
        try Self.check(unsafe cl_engine_compile(engine), "compile the signatures")

        var notes = databases.notes
        if !unpacksRAR {
            notes.append("RAR archives end as incomplete: install libclamunrar to have their members scanned")
        }
        inventory = SignatureInventory(
            signatures: count, engineVersion: unsafe String(cString: cl_retver()), databases: databases.files,
            notes: notes)
    }

    private static func noSignatures(in folder: FilePath) -> LoadError {
        LoadError(
            description: """
                no signatures in \(printable(folder)): install clamav-freshclam and wait for its first \
                download, or name the folder with scan.signatures
                """)
    }

    private static func apply(_ limits: EngineLimits, to engine: OpaquePointer) throws(LoadError) {
        let numbers: [(cl_engine_field, Int64, String)] = [
            (CL_ENGINE_MAX_FILESIZE, Int64(limits.fileBytes), "file size"),
            // Beyond its own limit a pattern of the PCRE kind is not tried and nothing says so.
            (CL_ENGINE_PCRE_MAX_FILESIZE, Int64(limits.fileBytes), "file size for patterns"),
            // The same: what is longer is not unfolded or not searched for programs, without a word.
            (CL_ENGINE_MAX_HTMLNORMALIZE, Int64(limits.fileBytes), "HTML"),
            (CL_ENGINE_MAX_HTMLNOTAGS, Int64(limits.fileBytes), "HTML without its tags"),
            (CL_ENGINE_MAX_SCRIPTNORMALIZE, Int64(limits.fileBytes), "scripts"),
            (CL_ENGINE_MAX_EMBEDDEDPE, Int64(limits.fileBytes), "files with programs in them"),
            (CL_ENGINE_MAX_ZIPTYPERCG, Int64(limits.fileBytes), "archives that look like another kind of file"),
            // It remembers as clean what only we know not to be: a second copy would pass.
            (CL_ENGINE_DISABLE_CACHE, 1, "what is remembered"),
            (CL_ENGINE_MAX_SCANSIZE, Int64(limits.contentBytes), "content size"),
            (CL_ENGINE_MAX_RECURSION, Int64(limits.recursion), "recursion"),
            (CL_ENGINE_MAX_FILES, Int64(limits.members), "members"),
            (CL_ENGINE_MAX_SCANTIME, Int64(limits.milliseconds), "time"),
        ]
        for (field, value, name) in numbers {
            try check(unsafe cl_engine_set_num(engine, field, value), "set the limit of \(name)")
        }
    }

    /// The canaries go through files, the only way to load: in the scratch folder, gone when they were read.
    private static func load(
        _ bytes: [UInt8], into engine: OpaquePointer, from scratch: FilePath
    ) throws(LoadError) {
        guard let canary = Canary(bytes: bytes) else { throw LoadError(description: "the session sent no canary") }
        var digest = [UInt8](repeating: 0, count: 32)
        let member = Array(canary.member)
        guard unsafe nodeguard_sha256(member, member.count, &digest) == 1 else {
            throw LoadError(description: "libclamav cannot hash")
        }
        for (name, text) in [
            ("canary.ndb", canary.patternDatabase), ("canary.hsb", canary.memberDatabase(sha256: digest)),
        ] {
            let path = scratch.appending(name)
            do {
                let file = try FileDescriptor.open(
                    path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: .ownerReadWrite)
                try file.closeAfter { _ = try file.writeAll(text.utf8) }
            } catch {
                throw LoadError(
                    description: """
                        the scratch folder cannot be used: \(error); \
                        without one libclamav would call every file clean
                        """)
            }
            defer { _ = unsafe path.withPlatformString { unsafe unlink($0) } }
            var count: UInt32 = 0
            let options = UInt32(CL_DB_PHISHING | CL_DB_PHISHING_URLS | CL_DB_BYTECODE)
            try check(unsafe path.withPlatformString { unsafe cl_load($0, engine, &count, options) }, "load a canary")
        }
    }

    private static func check(_ result: cl_error_t, _ intent: String) throws(LoadError) {
        guard result == CL_SUCCESS else {
            let said = EngineMessages.take().first.map { " (\($0))" } ?? ""
            throw LoadError(description: "libclamav cannot \(intent): \(text(result))\(said)")
        }
    }

    static func text(_ code: cl_error_t) -> String {
        unsafe cl_strerror(code).map { unsafe String(cString: $0) } ?? "error \(code.rawValue)"
    }

    /// libclamav tells nobody whether it found the plug-in; what is mapped into this process does.
    private static func hasRARPlugin() -> Bool {
        guard let maps = try? FileDescriptor.open(FilePath("/proc/self/maps"), .readOnly, options: .closeOnExec) else {
            return false
        }
        defer { try? maps.close() }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while let count = try? unsafe buffer.withUnsafeMutableBytes({ unsafe try maps.read(into: $0) }), count > 0 {
            text += buffer.prefix(count)
        }
        return String(decoding: text, as: UTF8.self).contains("/libclamunrar")
    }
}
