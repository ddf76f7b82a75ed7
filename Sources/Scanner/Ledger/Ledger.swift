internal import ContentHash
internal import Glibc
internal import Journal
internal import LinuxSystem
internal import SystemPackage

/// What was looked at and found clean, and is provably the same: the memory from one session to the next.
///
/// It only ever saves looks. Where it does not know, cannot be read, or is in doubt, the file is looked at. See
/// docs/ledger.md.
final class Ledger {
    /// What is to be done about a file that was met.
    enum Decision: Equatable {
        /// It has to be looked at.
        case due
        /// Clean before, and provably the same. When it was looked at, seconds since 1970.
        case unchanged(lookedAt: UInt32)
        /// Another name of a file that this session has looked at.
        case sameInode(lookedAt: UInt32)
        /// Known not to be clean: not tried again now.
        case settled(Outcome, detail: String, sha256: String?)
    }

    /// How a scan begins.
    struct Beginning {
        let scanID: ScanID
        /// The scan that is taken up again; nil for a new one.
        let resumed: RunningScan?
    }

    /// A file with what has to be known to remember a look at it.
    struct Subject {
        let state: FileState
        fileprivate let fileSystem: UInt16
        /// When the look began.
        let began: UnixTime
        let isBulk: Bool
    }

    /// What went wrong with the ledger itself, to be told; each once.
    private(set) var problems: [StateProblem] = []

    private var table = LedgerTable()
    private var contexts: [LookContext] = []
    private var fileSystems: [FileSystemIdentity] = []
    /// On which device number each file system was met by this session.
    private var devices: [UInt16: UInt64] = [:]
    /// The last answer of ``known(_:device:)``.
    private var lastKnown: (identity: FileSystemIdentity, device: UInt64, index: UInt16)?
    /// 0 is for paths given by hand.
    private var targets: [String] = [""]
    private var status = LedgerStatus()
    private var settled: [Place: SettledFile] = [:]
    private var isContentIndexed = false
    private var isMarked = false

    /// The scan that runs.
    private var key = ""
    private var target: UInt16 = 0
    private var context: UInt16?
    private var current: LookContext?
    private var isFull = false
    /// Seconds that a look counts.
    private var reverify: UInt32
    /// Seconds until the target is likely to be scanned again.
    private var interval: UInt32 = 86400
    private let clock: () -> UnixTime

    private let folder: FilePath?
    private let isReadOnly: Bool
    private var log: LedgerLog?
    private var lock: OwnedDescriptor?
    private var unwritten: [LedgerRecord] = []
    private var lastFlush: UInt64 = 0

    /// The kernel writes pages after 30 seconds, looking for them every 5 (vm.dirty_expire_centisecs,
    /// vm.dirty_writeback_centisecs), unless somebody has set that otherwise.
    private static let secondsUntilWritten: Int64 = 60

    private struct Place: Hashable {
        let fileSystem: UInt16
        let inode: UInt64
    }

    /// A ledger in the folder `ledger` of the state folder; nil: one that forgets everything at its end.
    ///
    /// - Parameters:
    ///   - reverify: seconds that a look counts.
    ///   - isReadOnly: whether it is only asked.
    ///   - clock: the real-time clock.
    init(
        state: FilePath?, reverify: UInt64, isReadOnly: Bool = false, clock: @escaping () -> UnixTime = UnixTime.now
    ) {
        folder = state?.appending("ledger")
        self.isReadOnly = isReadOnly
        self.reverify = UInt32(clamping: max(1, reverify))
        self.clock = clock
        guard let folder else { return }
        open(folder)
    }

    /// The time as of the last 32 files or so.
    private var recentNow: UInt32 = 0
    private var now: UInt32 { UInt32(clamping: clock().microseconds / 1_000_000) }

    // MARK: A scan

    /// A scan begins, or is taken up again where it was interrupted.
    ///
    /// - Parameters:
    ///   - key: which target, or which paths.
    ///   - name: the target's name; nil for paths given by hand.
    ///   - context: what a look depends on; nil where that is not known: then everything is looked at.
    func begin(key: String, name: String?, context: LookContext?, isFull: Bool) -> Beginning {
        self.key = key
        self.isFull = isFull
        recentNow = now
        current = context
        self.context = context.map(index(of:))
        target = name.map(index(ofTarget:)) ?? 0
        if let last = status.completed[key], last < now { interval = now - last }
        interval = min(max(interval, 86400), reverify / 2)
        devices = [:]
        lastKnown = nil
        // Nothing that was read from the file is marked.
        if isMarked { for position in table.positions { table[position].marks.remove(.met) } }
        isMarked = true
        if let interrupted = status.running[key], interrupted.isFull == isFull, log != nil || isReadOnly {
            status.running[key]?.isInterruptionTold = false
            writeStatus()
            return Beginning(scanID: interrupted.scanID, resumed: interrupted)
        }
        var scan = RunningScan(scanID: .random(), isFull: isFull, began: now)
        scan.rotation = rotation()
        status.running[key] = scan
        if status.running.count > LedgerStatus.mostRunning,
            let oldest = status.running.min(by: { $0.value.began < $1.value.began })?.key
        {
            status.running[oldest] = nil
        }
        writeStatus()
        return Beginning(scanID: scan.scanID, resumed: nil)
    }

    /// The scan was interrupted, and that was told. One that has settled nothing has nothing to go on with.
    func interrupt(_ counts: OutcomeCounts, isTold: Bool) {
        if counts.total == 0 && status.running[key]?.counts.total == 0 { status.running[key] = nil }
        status.running[key]?.counts = counts
        status.running[key]?.isInterruptionTold = isTold
        flush()
    }

    /// The scan met everything there is. What it did not meet of its target's files is gone, and is forgotten.
    func complete() {
        let done = status.running.removeValue(forKey: key)?.scanID
        status.completed[key] = now
        settled = settled.filter { $0.value.scanID != done }
        if target != 0 {
            for position in table.positions
            where table[position].target == target && !table[position].marks.contains(.met) {
                table[position].marks.insert(.forgotten)
            }
        }
        flush()
    }

    /// Adds what the session has looked at to the measured pace.
    func measured(files: UInt64, bytes: UInt64, microseconds: UInt64) {
        status.rate.add(files: files, bytes: bytes, microseconds: microseconds)
    }

    /// How fast looks were.
    var rate: LookRate { status.rate }

    private func rotation() -> BulkRotation {
        guard let current else { return BulkRotation() }
        var outdated: [BulkRotation.Candidate] = []
        var files: UInt64 = 0
        var bytes: UInt64 = 0
        for position in table.positions {
            let record = table[position]
            guard record.target == target, record.flags == .bulk, !record.marks.contains(.forgotten) else { continue }
            files += 1
            bytes += record.state.size
            guard contexts[Int(record.context)].signatures != current.signatures else { continue }
            outdated.append(.init(lookedAt: record.lookedAt, inode: record.state.inode, size: record.state.size))
        }
        // The first time, as if the last night's scan had been a day ago.
        let passed = status.completed[key].map { now > $0 ? now - $0 : 0 } ?? 86400
        // A little more than the share, so that the last one is early rather than late.
        return BulkRotation(
            outdated: outdated, files: files, bytes: bytes, share: 1.1 * Double(passed) / Double(reverify))
    }

    // MARK: A file

    /// Whether a file that was met has to be looked at.
    ///
    /// - Parameter isBulk: whether it is bulk data: new signatures reach it by turns.
    func decision(for status: FileStatus, on identity: FileSystemIdentity?, isBulk: Bool) -> Decision {
        guard let identity, let fileSystem = known(identity, device: status.device), let current,
            let state = FileState(status)
        else { return .due }
        if !settled.isEmpty, let earlier = settled[Place(fileSystem: fileSystem, inode: state.inode)],
            earlier.state == state,
            earlier.scanID == self.status.running[key]?.scanID, contexts[Int(earlier.context)] == current
        {
            let detail = earlier.detail.map { "; \($0)" } ?? ""
            return .settled(
                earlier.outcome, detail: "settled before the scan was interrupted\(detail)", sha256: earlier.sha256)
        }
        guard let position = table.findNext(fileSystem: fileSystem, inode: state.inode) else { return .due }
        let record = table[position]
        guard record.state == state, !record.marks.contains(.forgotten) else { return .due }
        if !record.marks.contains(.met) {
            table[position].marks.insert(.met)
            if target != 0 && record.target != target { table[position].target = target }
        }
        if record.flags.contains(.crashed) { return crashed(record, current) }
        guard isTrusted(record) else { return .due }
        if record.context == context {
            return record.marks.contains(.fresh)
                ? .sameInode(lookedAt: record.lookedAt) : .unchanged(lookedAt: record.lookedAt)
        }
        let then = contexts[Int(record.context)]
        guard then.engine == current.engine, then.options == current.options else { return .due }
        // New signatures. The same bytes under another name may have been looked at with them already.
        if let other = sameContent(record.content) {
            table[position].context = table[other].context
            table[position].lookedAt = table[other].lookedAt
            unwritten.append(table[position])
            return .unchanged(lookedAt: table[other].lookedAt)
        }
        guard isBulk, let rotation = self.status.running[key]?.rotation,
            !rotation.includes(lookedAt: record.lookedAt, inode: state.inode)
        else { return .due }
        return .unchanged(lookedAt: record.lookedAt)
    }

    private func crashed(_ record: LedgerRecord, _ current: LookContext) -> Decision {
        let then = contexts[Int(record.context)]
        guard then.engine == current.engine, then.options == current.options else { return .due }
        guard !isFull || record.marks.contains(.fresh) else { return .due }
        return .settled(
            .incomplete(.engineCrash),
            detail: """
                two of the engine's workers died of it on \(UnixTime(seconds: Int64(record.lookedAt))); it is not \
                tried again before its content or the engine changes (or with --full)
                """, sha256: nil)
    }

    /// Whether a look still counts: neither too old nor of a time to come, and of this scan where that looks at everything.
    private func isTrusted(_ record: LedgerRecord) -> Bool {
        // The clock is asked now and then, and where a look seems to be of a time to come.
        let now = record.lookedAt <= recentNow ? recentNow : now
        guard record.lookedAt <= now, now - record.lookedAt + interval <= reverify else { return false }
        if !isFull || record.marks.contains(.fresh) { return true }
        return status.running[key].map { record.lookedAt > $0.began } ?? false
    }

    /// Remembers what is needed to remember a look, when it begins; nil where a look at this file cannot be remembered:
    /// its file system has no identity, the file was changed within the last two seconds or in a time to come, or it has
    /// pages that were not written to the disk yet.
    ///
    /// The kernel sets the times when a page that is on the disk is written to through a memory map, and not again before
    /// that page was written back: with such a page, the content could change after the look and the times stay.
    ///
    /// - Parameter hasUnwritten: whether it has such pages; nil where that is not known: then it is not remembered before
    ///   the kernel has had the time to write them.
    func subject(
        _ status: FileStatus, on identity: FileSystemIdentity?, isBulk: Bool, hasUnwritten: Bool?
    ) -> Subject? {
        guard let identity, context != nil, let fileSystem = known(identity, device: status.device),
            let state = FileState(status)
        else { return nil }
        let began = clock()
        let (nanoseconds, overflow) = began.microseconds.multipliedReportingOverflow(by: 1000)
        // Clocks of file systems are coarse: a change so short before the look and one after it may look the same.
        let seconds: Int64 = hasUnwritten == nil ? Self.secondsUntilWritten : 2
        guard !overflow, hasUnwritten != true, state.changed <= nanoseconds - seconds * 1_000_000_000 else {
            return nil
        }
        return Subject(state: state, fileSystem: fileSystem, began: began, isBulk: isBulk)
    }

    /// When bytes with this digest were looked at and found clean, seconds since 1970; nil where they were not, or where
    /// that does not count any more.
    func lookedAt(_ digest: Digest) -> UInt32? {
        sameContent(ContentKey(digest)).map { table[$0].lookedAt }
    }

    private func sameContent(_ content: ContentKey) -> LedgerTable.Position? {
        guard let context else { return nil }
        if !isContentIndexed {
            isContentIndexed = true
            for position in table.positions where isCleanLook(table[position], in: context) {
                table.offerContent(at: position)
            }
        }
        return table.find(content: content) { isCleanLook($0, in: context) && isTrusted($0) }
    }

    private func isCleanLook(_ record: LedgerRecord, in context: UInt16) -> Bool {
        record.context == context && !record.flags.contains(.crashed) && !record.marks.contains(.forgotten)
    }

    /// Remembers a clean look: the file was the same before and after.
    ///
    /// - Parameter lookedAt: when the same bytes were looked at; nil: when this look began.
    func remember(_ subject: Subject, clean digest: Digest, lookedAt: UInt32? = nil) {
        put(
            subject, ContentKey(digest), lookedAt ?? UInt32(clamping: subject.began.microseconds / 1_000_000),
            subject.isBulk ? .bulk : [])
    }

    /// Remembers that the engine's workers died of this content.
    func remember(_ subject: Subject, crashed digest: Digest?) {
        put(
            subject, ContentKey(digest ?? Digest(of: [])),
            UInt32(clamping: subject.began.microseconds / 1_000_000), .crashed)
    }

    private func put(_ subject: Subject, _ content: ContentKey, _ lookedAt: UInt32, _ flags: LedgerRecord.Flags) {
        guard let context else { return }
        var record = LedgerRecord(
            state: subject.state, content: content, lookedAt: lookedAt, fileSystem: subject.fileSystem,
            context: context, target: target, flags: flags)
        unwritten.append(record)
        record.marks = [.met, .fresh]
        let position = table.put(record)
        if isContentIndexed && !flags.contains(.crashed) { table.offerContent(at: position) }
        if unwritten.count >= 256 { flush() }
    }

    /// A look was not clean: forgets what was known of the file, and remembers the outcome until the scan is done.
    func settle(_ subject: Subject, _ outcome: Outcome, detail: String?, digest: Digest?) {
        guard let context else { return }
        forget(fileSystem: subject.fileSystem, inode: subject.state.inode)
        guard let scanID = status.running[key]?.scanID else { return }
        append(
            .settled,
            json(
                SettledFile(
                    scanID: scanID, state: subject.state, fileSystem: subject.fileSystem, context: context,
                    outcome: outcome, detail: detail, sha256: digest?.hexadecimal)))
    }

    /// Forgets what was known of a file, for good.
    func forget(_ status: FileStatus, on identity: FileSystemIdentity?) {
        guard let identity, let fileSystem = fileSystems.firstIndex(of: identity) else { return }
        forget(fileSystem: UInt16(fileSystem), inode: status.inode)
    }

    private func forget(fileSystem: UInt16, inode: UInt64) {
        unwritten.removeAll { $0.fileSystem == fileSystem && $0.state.inode == inode }
        guard let position = table.find(fileSystem: fileSystem, inode: inode),
            !table[position].marks.contains(.forgotten)
        else { return }
        table[position].marks.insert(.forgotten)
        // What must not be believed any more must not come back after a power cut either.
        append(.forgotten, little(UInt64(fileSystem)) + little(inode), mustLast: true)
    }

    // MARK: Indexes

    private func index(of context: LookContext) -> UInt16 {
        if let known = contexts.firstIndex(of: context) { return UInt16(known) }
        contexts.append(context)
        append(.context, bytes(of: context))
        return UInt16(contexts.count - 1)
    }

    private func index(ofTarget name: String) -> UInt16 {
        if let known = targets.firstIndex(of: name) { return UInt16(known) }
        targets.append(name)
        append(.target, Array(name.utf8))
        return UInt16(targets.count - 1)
    }

    /// The index of a file system; nil where two of the same identity are mounted at once: one is a copy of the other,
    /// and which of them is meant nobody knows.
    private func known(_ identity: FileSystemIdentity, device: UInt64) -> UInt16? {
        if let last = lastKnown, last.device == device, last.identity == identity { return last.index }
        let index = find(identity, device: device)
        lastKnown = index.map { (identity, device, $0) }
        return index
    }

    private func find(_ identity: FileSystemIdentity, device: UInt64) -> UInt16? {
        if let known = fileSystems.firstIndex(of: identity) {
            let index = UInt16(known)
            if let earlier = devices[index] { return earlier == device ? index : nil }
            devices[index] = device
            return index
        }
        guard fileSystems.count < Int(UInt16.max) else { return nil }
        fileSystems.append(identity)
        append(.fileSystem, [identity.words.0, identity.words.1, identity.words.2].flatMap { little($0) })
        let index = UInt16(fileSystems.count - 1)
        devices[index] = device
        return index
    }

    /// Whether looks were ever made in this context: then its databases can be loaded.
    func hasSeen(_ context: LookContext) -> Bool {
        guard let index = contexts.firstIndex(of: context) else { return false }
        return table.positions.contains { table[$0].context == UInt16(index) }
    }
}

// MARK: - The file

extension Ledger {
    private var file: FilePath { folder!.appending("files") }

    private func open(_ folder: FilePath) {
        do {
            if isReadOnly { return try read(isWriter: false) }
            try makeFolder(folder, permissions: .ownerReadWriteExecute)
            let lockFile = try FileDescriptor.open(
                folder.appending("lock"), .readWrite, options: [.create, .closeOnExec, .noFollow],
                permissions: .ownerReadWrite)
            let lock = OwnedDescriptor(owning: lockFile)
            let isWriter = takes(lock)
            self.lock = consume lock
            try read(isWriter: isWriter)
            if !isWriter {
                tell(.busy, "another scan is writing the ledger: what this one looks at is not remembered")
            }
        } catch {
            log = nil
            tell(.unwritable, "what is looked at is not remembered: \(error)")
        }
    }

    /// A session whose parent was killed is about to end: it is given a moment.
    private func takes(_ lock: borrowing OwnedDescriptor) -> Bool {
        for _ in 0..<50 {
            if flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0 { return true }
            usleep(20000)
        }
        return false
    }

    private func read(isWriter: Bool) throws {
        var file: OwnedDescriptor
        do {
            file = OwnedDescriptor(
                owning: try FileDescriptor.open(
                    self.file, isWriter ? .readWrite : .readOnly, options: [.closeOnExec, .noFollow]))
        } catch Errno.noSuchFileOrDirectory {
            if isWriter { try begin() }
            return
        } catch Errno.permissionDenied where !isWriter {
            return tell(.unwritable, "it cannot be read: permission denied; what it knows is not used")
        } catch {
            // A link, a folder, somebody else's file: whatever it is, it is not ours.
            return try setAside("it cannot be opened: \(error)", isWriter)
        }
        let found = try FileStatus.of(file)
        guard found.kind == .regular, found.user == geteuid(), found.permissions & 0o022 == 0 else {
            return try setAside("others than its owner could have written it", isWriter)
        }
        if found.size == 0 {
            if isWriter { try begin() }
            return
        }
        table.reserve(Int(found.size) / MemoryLayout<LedgerRecord>.stride)
        do {
            let log = try unsafe LedgerLog.read(consume file) { try unsafe take($0, $1) }
            let scans = Set(status.running.values.map(\.scanID))
            settled = settled.filter { scans.contains($0.value.scanID) }
            guard isWriter else { return }
            log.cutTail()
            self.log = consume log
            try compactIfWorthwhile()
        } catch let damage as LedgerLog.Damage {
            try setAside(damage.description, isWriter)
        } catch let error as Errno {
            try setAside("it cannot be read: \(error)", isWriter)
        }
    }

    /// Nothing of a damaged file is believed: a part of it could be missing that took something back.
    private func setAside(_ reason: String, _ isWriter: Bool) throws {
        table = LedgerTable()
        (contexts, fileSystems, targets, status, settled) = ([], [], [""], LedgerStatus(), [:])
        guard isWriter else { return tell(.damaged, "\(reason); it is not believed") }
        let aside = folder!.appending("files.damaged")
        try? removeTree(aside)
        let renamed = unsafe file.withPlatformString { from in
            unsafe aside.withPlatformString { unsafe rename(from, $0) }
        }
        guard renamed == 0 else { throw SystemCallError("rename", "set aside", printable(file), errno: .current) }
        tell(.damaged, "\(reason); it was set aside as \(printable(aside)), and every file is looked at again")
        try begin()
    }

    private func begin() throws {
        let file = try FileDescriptor.open(
            self.file, .readWrite, options: [.create, .exclusiveCreate, .truncate, .closeOnExec, .noFollow],
            permissions: .ownerReadWrite)
        log = try LedgerLog.begin(OwnedDescriptor(owning: file))
    }

    private func tell(_ problem: StateProblem.Problem, _ detail: String) {
        let path = folder.map { $0.appending("files") } ?? FilePath()
        problems.append(StateProblem(path: path, problem: problem, detail: detail))
    }

    // MARK: Reading

    private func take(_ type: LedgerLog.FrameType, _ payload: UnsafeRawBufferPointer) throws {
        switch type {
        case .context:
            let words = unsafe words(payload)
            guard words.count == 6 else { throw LedgerLog.Damage(description: "a context that is none") }
            contexts.append(
                LookContext(
                    signatures: .init(words: (words[0], words[1])), engine: .init(words: (words[2], words[3])),
                    options: .init(words: (words[4], words[5]))))
        case .fileSystem:
            let words = unsafe words(payload)
            guard words.count == 3 else { throw LedgerLog.Damage(description: "a file system that is none") }
            fileSystems.append(FileSystemIdentity(words: (words[0], words[1], words[2])))
        case .target: unsafe targets.append(String(decoding: payload, as: UTF8.self))
        case .records:
            let size = MemoryLayout<LedgerRecord>.stride
            guard payload.count % size == 0 else { throw LedgerLog.Damage(description: "a part of a record") }
            for start in stride(from: 0, to: payload.count, by: size) {
                var record = unsafe payload.loadUnaligned(fromByteOffset: start, as: LedgerRecord.self)
                record.marks = []
                guard record.fileSystem < fileSystems.count, record.context < contexts.count,
                    record.target < targets.count
                else { throw LedgerLog.Damage(description: "a record of nothing") }
                table.put(record)
            }
        case .forgotten:
            let words = unsafe words(payload)
            guard words.count == 2 else { throw LedgerLog.Damage(description: "a file that is none") }
            if let position = table.find(fileSystem: UInt16(truncatingIfNeeded: words[0]), inode: words[1]) {
                table[position].marks.insert(.forgotten)
            }
        case .status: status = try unsafe decode(LedgerStatus.self, payload)
        case .settled:
            let file = try unsafe decode(SettledFile.self, payload)
            guard file.context < contexts.count else { throw LedgerLog.Damage(description: "a look of nothing") }
            settled[Place(fileSystem: file.fileSystem, inode: file.state.inode)] = file
        }
    }

    private func words(_ payload: UnsafeRawBufferPointer) -> [UInt64] {
        stride(from: 0, through: payload.count - 8, by: 8).map {
            UInt64(littleEndian: unsafe payload.loadUnaligned(fromByteOffset: $0, as: UInt64.self))
        }
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ payload: UnsafeRawBufferPointer) throws -> Value {
        do {
            return try LedgerJSON.decode(type, unsafe Array(payload))
        } catch {
            throw LedgerLog.Damage(description: "a frame that this version does not understand: \(error)")
        }
    }

    private func json(_ value: some Encodable) -> [UInt8] { LedgerJSON.encode(value) }

    private func bytes(of context: LookContext) -> [UInt8] {
        [context.signatures, context.engine, context.options].flatMap { little($0.words.0) + little($0.words.1) }
    }

    // MARK: Writing

    /// Writes down what was not yet, where a second has passed.
    func flushNowAndThen(_ counts: OutcomeCounts) {
        recentNow = self.now
        let now = monotonicNanoseconds()
        guard log != nil, now - lastFlush > 1_000_000_000 else { return }
        lastFlush = now
        guard status.running[key]?.counts != counts || !unwritten.isEmpty else { return }
        status.running[key]?.counts = counts
        flush()
    }

    private func flush() {
        if !unwritten.isEmpty { append(.records, Self.bytes(of: unwritten)) }
        unwritten = []
        writeStatus()
    }

    private func writeStatus() { append(.status, json(status)) }

    /// Appends a frame. Where the disk does not take it, nothing more is remembered, and that is told.
    ///
    /// - Parameter mustLast: where it cannot be written, nothing that was written before may be believed either.
    private func append(_ type: LedgerLog.FrameType, _ payload: [UInt8], mustLast: Bool = false) {
        guard log != nil else { return }
        do throws(Errno) {
            try log!.append(type, payload)
            if mustLast { try log!.synchronise() }
        } catch {
            if mustLast { log!.discard() }
            log = nil
            tell(
                .unwritable,
                "what is looked at from now on is not remembered: \(error)"
                    + (error == .noSpace ? "; make room on the file system of the state folder" : ""))
        }
    }

    private static func bytes(of records: [LedgerRecord]) -> [UInt8] {
        unsafe records.withUnsafeBytes { unsafe Array($0) }
    }

    /// Ends the session: everything is on the disk when it returns.
    func close() {
        flush()
        guard log != nil else { return }
        do {
            try compactIfWorthwhile()
            try log?.synchronise()
        } catch {
            tell(.unwritable, "it could not be written anew, and stays as it was: \(error)")
        }
        log = nil
        lock = nil
    }

    /// Writes the file anew, once most of it is of no use any more.
    private func compactIfWorthwhile() throws {
        let now = now
        let useful = table.positions.count { isUseful(table[$0], now) } * MemoryLayout<LedgerRecord>.stride
        let isTooLong = (log?.length ?? 0) > 2 * UInt64(useful) + 1 << 20
        guard isTooLong || contexts.count > 60000 || targets.count > 60000 else { return }
        let path = folder!.appending("files.new")
        try? removeTree(path)
        let file = try FileDescriptor.open(
            path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec, .noFollow],
            permissions: .ownerReadWrite)
        do {
            var new = try LedgerLog.begin(OwnedDescriptor(owning: file))
            let numbers = try writeEverything(to: &new)
            try new.synchronise()
            let renamed = unsafe path.withPlatformString { from in
                unsafe self.file.withPlatformString { unsafe rename(from, $0) }
            }
            guard renamed == 0 else { throw Errno.current }
            log = consume new
            renumber(numbers)
            if let folder = try? Opening.readable(Opening.start(at: folder!)) { fsync(folder.rawValue) }
        } catch {
            try? removeTree(path)
            throw error
        }
    }

    private func isUseful(_ record: LedgerRecord, _ now: UInt32) -> Bool {
        if record.marks.contains(.forgotten) { return false }
        // Too old to save a look. A content that kills workers is not forgotten because time passes.
        return record.flags.contains(.crashed) || (record.lookedAt <= now && now - record.lookedAt <= reverify)
    }

    /// Everything that is of use, with the numbers of contexts and targets given out anew.
    ///
    /// - Returns: the contexts in use, in their new order.
    private func writeEverything(to log: inout LedgerLog) throws(Errno) -> [LookContext] {
        for identity in fileSystems {
            try log.append(
                .fileSystem, [identity.words.0, identity.words.1, identity.words.2].flatMap { little($0) })
        }
        var used: [LookContext] = []
        var newContext = [UInt16?](repeating: nil, count: contexts.count)
        func number(_ old: UInt16) throws(Errno) -> UInt16 {
            if let number = newContext[Int(old)] { return number }
            used.append(contexts[Int(old)])
            try log.append(.context, bytes(of: contexts[Int(old)]))
            newContext[Int(old)] = UInt16(used.count - 1)
            return UInt16(used.count - 1)
        }
        if let context { _ = try number(context) }
        for name in targets.dropFirst() { try log.append(.target, Array(name.utf8)) }
        var batch: [LedgerRecord] = []
        let now = now
        for position in table.positions where isUseful(table[position], now) {
            var record = table[position]
            record.context = try number(record.context)
            record.marks = []
            batch.append(record)
            if batch.count == 4096 {
                try log.append(.records, Self.bytes(of: batch))
                batch = []
            }
        }
        if !batch.isEmpty { try log.append(.records, Self.bytes(of: batch)) }
        for var file in settled.values {
            file.context = try number(file.context)
            try log.append(.settled, json(file))
        }
        try log.append(.status, json(status))
        return used
    }

    /// Takes the numbers of a file that was written anew over into the memory.
    private func renumber(_ used: [LookContext]) {
        let now = now
        for position in table.positions {
            let record = table[position]
            if isUseful(record, now), let number = used.firstIndex(of: contexts[Int(record.context)]) {
                table[position].context = UInt16(number)
            } else {
                table[position].marks.insert(.forgotten)
                table[position].context = 0
            }
        }
        for (place, file) in settled {
            settled[place]?.context = UInt16(used.firstIndex(of: contexts[Int(file.context)])!)
        }
        contexts = used
        context = current.flatMap { used.firstIndex(of: $0) }.map(UInt16.init)
    }
}
