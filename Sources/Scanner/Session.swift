internal import ContentHash
internal import EngineProtocol
internal import Glibc
public import Journal
internal import LinuxSystem
public import SystemPackage

/// One scan from its first file to its last: walks, has files looked at, and settles exactly one outcome for every file
/// met.
///
/// One thread and one loop. Files are walked here while workers, which are other processes, scan.
public final class Session {
    private let order: SessionOrder
    private let tell: (Event) throws -> Void
    private let signals: SignalDescriptor
    /// Starts the engine; called for the first file that has to be looked at.
    private let start: () throws -> WorkerPool
    private var started: WorkerPool?
    private var isLoaded = false
    private let ledger: Ledger
    private let context: LookContext?
    private var toldProblems = 0
    private var content = ContentReading()
    private var sameContent = SameContent()
    /// When the file was looked at whose look is the longest ago.
    private var oldestVerified: UInt32?
    /// The paths of the target.
    private var roots: [[UInt8]] = []
    /// What this session has looked at, and in how long.
    private var looked = (files: UInt64(0), bytes: UInt64(0), since: UInt64(0))
    private let settingAside: SettingAside?

    private var scanID = ScanID.random()
    private var target: SessionOrder.Target
    private var counts = OutcomeCounts()
    private var bytes: UInt64 = 0
    private var lastProgress: UInt64 = 0
    private var currentPath: [UInt8] = []
    /// What is to be done about the file that the walk has just met, where that was found out already.
    private var decided: Ledger.Decision?
    private var estimate = Estimate()
    private let pace: Pace
    private var links = HardLinks()
    private let clock: () -> UnixTime
    private var notes: [String]

    /// How often progress is told, in nanoseconds.
    private static let progressInterval: UInt64 = 250_000_000

    /// Runs an order to its end, telling every event as it happens; the last one is the summary.
    ///
    /// - Throws: ``SessionFailure`` where nothing can be scanned or the scan cannot go on. What was settled before
    ///   was told; a `scan.interrupted` and the summary are told all the same.
    ///
    /// - Parameters:
    ///   - notes: what a person should know besides, told with the signatures.
    ///   - clock: the time of day that the order's window is compared with.
    public static func run(
        _ order: SessionOrder, engine: FilePath, notes: [String] = [], clock: @escaping () -> UnixTime = UnixTime.now,
        tell: @escaping (Event) throws -> Void
    ) throws {
        let session = try Session(order, engine: engine, notes: notes, clock: clock, tell: tell)
        try session.run()
    }

    private init(
        _ order: SessionOrder, engine executable: FilePath, notes: [String], clock: @escaping () -> UnixTime,
        tell: @escaping (Event) throws -> Void
    ) throws {
        self.order = order
        self.tell = tell
        self.clock = clock
        pace = Pace(order.throttle)
        self.notes = notes + (pace.note().map { [$0] } ?? [])
        guard let first = order.targets.first else { throw SessionFailure("there is nothing to scan") }
        target = first
        signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP])
        try HostRoot.use(order.host)
        settingAside = try SettingAside(order)
        context = LookContext.now(signatures: order.signatures, engine: executable, limits: order.limits)
        ledger = Ledger(
            state: order.state, reverify: order.reverifySeconds, isReadOnly: order.plan != nil, clock: clock)
        start = {
            let canary = Canary.random()
            let workers = order.workers ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
            // Files that wait for a canary stay open.
            let openFiles = raiseOpenFilesLimit()
            let engine = try EngineProcess.start(
                executable: executable, scratch: try ScratchFolder.make(in: order.scratchParent)
            ) {
                LoadRequest(
                    signatures: order.signatures.bytes, scratch: $0.bytes,
                    workers: UInt32(workers), limits: order.limits, canary: canary.bytes)
            }
            return WorkerPool(
                engine: engine, canary: canary, limits: order.limits, workers: workers, openFiles: openFiles / 2)
        }
    }

    private func pool() throws -> WorkerPool {
        if let started { return started }
        let pool = try start()
        started = pool
        return pool
    }

    // MARK: The whole

    private func run() throws {
        var whole = OutcomeCounts()
        var wholeBytes: UInt64 = 0
        let began = monotonicNanoseconds()
        var completeness = ScanTotals.Completeness.complete
        var failure: (any Error)?
        defer { ledger.close() }
        try tellProblems()
        if order.plan != nil { return try planTargets() }
        try settingAside?.recover(tell)
        for next in order.targets where completeness == .complete {
            target = next
            counts = OutcomeCounts()
            bytes = 0
            oldestVerified = nil
            do {
                try scanTarget()
            } catch let error as Interruption {
                completeness = .partial(because: error.description)
                try tellInterrupted(.requested, error)
            } catch let error as OutsideOfWindow {
                completeness = .partial(because: error.description)
                try tellInterrupted(.window, error)
            } catch {
                failure = error
                completeness = .partial(because: "\(error)")
                try tellInterrupted(.failed, error)
            }
            whole.add(counts)
            wholeBytes += bytes
        }
        if looked.files > 0 {
            ledger.measured(
                files: looked.files, bytes: looked.bytes,
                microseconds: (monotonicNanoseconds() - looked.since) / 1000)
        }
        ledger.close()
        try tellProblems()
        let totals = totals(whole, wholeBytes, since: began, completeness)
        try tell(.summary(ScanSummary(targets: order.targets.compactMap(\.name), totals: totals)))
        if let failure { throw failure }
    }

    private func totals(
        _ counts: OutcomeCounts, _ bytes: UInt64, since began: UInt64, _ completeness: ScanTotals.Completeness
    ) -> ScanTotals {
        ScanTotals(
            counts: counts, bytes: bytes, durationMicroseconds: (monotonicNanoseconds() - began) / 1000,
            findings: counts[.infected], completeness: completeness)
    }

    /// What is wrong with the ledger, each once.
    private func tellProblems() throws {
        for problem in ledger.problems.dropFirst(toldProblems) { try tell(.stateProblem(problem)) }
        toldProblems = ledger.problems.count
    }

    private func tellInterrupted(_ reason: ScanInterrupted.Reason, _ error: any Error) throws {
        var isTold = false
        // Where nobody hears it any more, the next session tells it.
        defer { ledger.interrupt(counts, isTold: isTold) }
        try tell(
            .scanInterrupted(
                ScanInterrupted(
                    scanID: scanID, target: target.name, reason: reason, detail: "\(error)", counts: counts)))
        isTold = true
    }

    private func scanTarget() throws {
        let began = monotonicNanoseconds()
        try beginScan()
        // Databases that were never loaded may be damaged: that must be known also where nothing is due.
        if context.map(ledger.hasSeen) != true { _ = try pool() }
        roots = target.paths.map(\.bytes)
        let rules = WalkRules(
            exclude: target.exclude.map(PathGlob.init), oneFileSystem: target.oneFileSystem,
            validatorFiles: ValidatorFileMatcher(order.validatorFiles))
        estimate = Estimate()
        if order.estimatesTotals { estimate.begin(target.paths, rules) }
        defer { estimate.cancel() }
        var met: UInt64 = 0
        var outside: OutsideOfWindow?
        do {
            for root in target.paths {
                var walk = Walk(root: root, rules: rules)
                while let next = walk.next(unless: { isUnchanged($0, $1, $2) }) {
                    switch next {
                    case .known: counts.add(.unchanged)
                    case .settled(let path, let outcome, let size, let detail):
                        try settle(path, outcome, size: size, detail: detail)
                    case .key(let path, let size, let exposure): try settleKey(path, size: size, exposure)
                    case .file(let candidate): try look(at: candidate, of: walk)
                    }
                    met += 1
                    // A step of the walk is cheap: not every one has to ask how others are.
                    if met % 32 == 0 { try pace.hold(rest: rest) }
                    if met % 32 == 1 {
                        currentPath = walk.folder
                        try rest(0)
                        ledger.flushNowAndThen(counts)
                    }
                }
            }
        } catch let error as OutsideOfWindow {
            outside = error
        }
        while let pool = started, !pool.isEmpty || !isLoaded {
            try pool.confirmAll()
            try turn(milliseconds: 250)
        }
        // A file that was met and has no outcome, or two, would be a hole that nobody sees.
        guard counts.total == met else {
            throw SessionFailure(
                "\(met) files were met and \(counts.total) outcomes counted: this is a mistake of nodeguard's")
        }
        // What was begun came to its end; what was not reached is for the next time.
        if let outside { throw outside }
        ledger.complete()
        try tell(
            .scanFinished(
                ScanFinished(
                    scanID: scanID, target: target.name, totals: totals(counts, bytes, since: began, .complete),
                    oldestVerified: oldestVerified.map { UnixTime(seconds: Int64($0)) })))
    }

    /// A new scan, or the one that was interrupted, under its own name.
    private func beginScan() throws {
        let beginning = ledger.begin(key: target.ledgerKey, name: target.name, context: context, isFull: order.isFull)
        scanID = beginning.scanID
        guard let resumed = beginning.resumed else {
            return try tell(
                .scanStarted(
                    ScanStarted(scanID: scanID, target: target.name, paths: target.paths, trigger: order.trigger)))
        }
        if !resumed.isInterruptionTold {
            try tell(
                .scanInterrupted(
                    ScanInterrupted(
                        scanID: scanID, target: target.name, reason: .failed,
                        detail: "its session ended without a word: it was killed, or the machine stopped",
                        counts: resumed.counts)))
        }
        try tell(
            .scanResumed(ScanResumed(scanID: scanID, target: target.name, paths: target.paths, counts: resumed.counts)))
    }

    // MARK: What there would be to do

    private func planTargets() throws {
        for next in order.targets {
            target = next
            _ = ledger.begin(key: target.ledgerKey, name: target.name, context: context, isFull: order.isFull)
            var plan = Plan()
            let rules = WalkRules(
                exclude: target.exclude.map(PathGlob.init), oneFileSystem: target.oneFileSystem,
                validatorFiles: ValidatorFileMatcher(order.validatorFiles))
            for root in target.paths {
                var walk = Walk(root: root, rules: rules)
                while let met = walk.next() {
                    guard case .file(let candidate) = met, candidate.status.size <= EngineLimits.largestFile else {
                        continue
                    }
                    if signals.next() != nil { return }
                    let decision = ledger.decision(
                        for: candidate.status, on: candidate.fileSystem, isBulk: candidate.isBulk)
                    plan.add(candidate.status.size, isDue: decision == .due)
                }
            }
            try tell(
                .scanPlanned(
                    plan.judged(
                        target: target.name, rate: ledger.rate, bounds: order.plan ?? PlanBounds(window: nil),
                        bytesPerSecond: order.throttle.bytesPerSecond.map { Double($0) },
                        reverifySeconds: order.reverifySeconds)))
        }
        let nothing = totals(OutcomeCounts(), 0, since: monotonicNanoseconds(), .complete)
        try tell(.summary(ScanSummary(targets: order.targets.compactMap(\.name), totals: nothing)))
    }

    // MARK: One file

    /// Whether a file that was met is provably the same as when it was looked at, and nobody wants to know more of it
    /// than that.
    private func isUnchanged(_ status: FileStatus, _ fileSystem: FileSystemIdentity?, _ isBulk: Bool) -> Bool {
        guard tellsOnlyNotable, status.size <= EngineLimits.largestFile else { return false }
        let decision = ledger.decision(for: status, on: fileSystem, isBulk: isBulk)
        guard case .unchanged(let lookedAt) = decision else {
            decided = decision
            return false
        }
        verified(at: lookedAt)
        return true
    }

    /// Whether files that are clean are only counted. Of a path that is a root too, the outcome is told.
    private var tellsOnlyNotable: Bool { order.report == .notable && order.watched.isEmpty && roots.count == 1 }

    /// Opens a file that was met and hands it to a worker, waiting for one that has room.
    private func look(at candidate: Walk.Candidate, of walk: borrowing Walk) throws {
        currentPath = candidate.path
        let size = candidate.status.size
        guard size <= EngineLimits.largestFile else {
            return try settle(
                candidate.path, .skipped(.tooLarge), size: size, detail: "libclamav cannot scan more than 2 GiB")
        }
        let decision =
            decided.take()
            ?? ledger.decision(for: candidate.status, on: candidate.fileSystem, isBulk: candidate.isBulk)
        switch decision {
        case .due: break
        case .unchanged(let lookedAt):
            verified(at: lookedAt)
            return try settle(candidate.path, .unchanged, size: size)
        case .sameInode(let lookedAt):
            verified(at: lookedAt)
            return try settle(candidate.path, .unchanged, size: size, detail: "looked at under another name")
        // Whatever kept it from being set aside is tried again.
        case .settled(let outcome, _, _) where outcome.kind == .infected && target.setsAside: break
        case .settled(let outcome, let detail, let sha256):
            return try settle(
                candidate.path, outcome, size: size, detail: detail, sha256: sha256,
                identity: FileIdentity(candidate.status))
        }
        switch links.answer(for: candidate.status) {
        // It may have to stay under its other name, and not under this one.
        case .known(let outcome, _) where outcome.kind == .infected && target.setsAside: break
        case .known(let outcome, let detail):
            return try settle(
                candidate.path, outcome.ofAnotherName, size: size, detail: detail,
                identity: FileIdentity(candidate.status))
        case .pending(let look): return look.otherNames.append(candidate.path)
        case nil: break
        }
        let look: Look
        do throws(Errno) {
            let file = try walk.open(candidate)
            let status = try FileStatus.of(file)
            guard status.kind == .regular else { throw .noSuchAddressOrDevice }
            // Another file by the same name may lie anywhere.
            let isLocal = status.device == candidate.status.device ? candidate.isLocal : nil
            look = Look(.file(path: candidate.path), file, before: status, isLocal: isLocal)
        } catch {
            return try settleUnopened(candidate, error)
        }
        // Before anything of it is read: a change from now on is a change after the look began.
        look.subject = ledger.subject(
            look.before, on: candidate.fileSystem, isBulk: candidate.isBulk, hasUnwritten: look.hasUnwritten)
        try pace.approach(look, rest: rest)
        if try isKnownContent(look) { return }
        let pool = try pool()
        while try !pool.submit(look) { try rest(250) }
        links.begin(look)
    }

    // MARK: The same bytes

    /// Reads the file, and settles it where its bytes were looked at already, or are being looked at.
    private func isKnownContent(_ look: Look) throws -> Bool {
        // A read that never ends would hold the whole session up, beyond every limit and signal.
        if look.mayHang { return false }
        let digest = try content.digest(of: look.descriptor, size: look.before.size) { _ in
            if started != nil { try turn(milliseconds: 0) }
        }
        guard let digest else { return false }
        // What became of these bytes elsewhere holds for this file only if it still has them. Where it is looked at itself, that
        // is asked after the look.
        if ledger.lookedAt(digest) != nil || sameContent.knows(digest), look.hasChanged { return false }
        look.digest = digest
        while true {
            if let lookedAt = ledger.lookedAt(digest) {
                if let subject = look.subject { ledger.remember(subject, clean: digest, lookedAt: lookedAt) }
                verified(at: lookedAt)
                look.isCopy = true
                try settle(look, .clean, detail: SameContent.detail)
                return true
            }
            if let (outcome, detail) = sameContent.outcome(of: digest) {
                if outcome == .clean { verifiedNow() }
                look.isCopy = true
                try settle(look, outcome, detail: detail ?? SameContent.detail)
                return true
            }
            guard sameContent.mustWaitOutside(for: digest) else { return sameContent.wait(look, for: digest) }
            // So many files are held open for what is being looked at: first that.
            try started?.confirmEarly()
            try rest(250)
        }
    }

    private func verifiedNow() { verified(at: UInt32(clamping: clock().microseconds / 1_000_000)) }

    private func verified(at seconds: UInt32) { oldestVerified = min(oldestVerified ?? .max, seconds) }

    private func settleUnopened(_ candidate: Walk.Candidate, _ errno: Errno) throws {
        let outcome: Outcome =
            switch errno {
            case .noSuchFileOrDirectory: .skipped(.vanished)
            case .tooManySymbolicLinkLevels, .noSuchAddressOrDevice: .skipped(.special)
            default: .incomplete(.ioError)
            }
        try settle(candidate.path, outcome, size: candidate.status.size, detail: "cannot open it: \(errno)")
    }

    /// Lets the workers' answers come for a while, unless the day's time for it is over.
    private func rest(_ milliseconds: Int32) throws {
        if let window = order.window, !window.contains(clock()) { throw OutsideOfWindow(window: window) }
        try turn(milliseconds: milliseconds)
    }

    /// Takes what the workers have answered, and tells how far the scan is.
    private func turn(milliseconds: Int32) throws {
        let answers: [WorkerPool.Answer]
        if let started {
            answers = try started.turn(also: signals.rawValue, milliseconds: milliseconds)
        } else {
            answers = []
            if milliseconds > 0 { _ = try waitUntilReadable([signals.rawValue], milliseconds: milliseconds) }
        }
        if let signal = signals.next() { throw Interruption(signal: signal) }
        for answer in answers {
            switch answer {
            case .loaded(let inventory):
                isLoaded = true
                looked.since = monotonicNanoseconds()
                var loaded = SignaturesLoaded(inventory)
                loaded.notes += notes
                try tell(.signaturesLoaded(loaded))
            case .clean(let look): try settle(look, .clean)
            case .looked(let look, let verdict): try judge(look, verdict)
            case .killedWorkers(let look, let how): try settle(look, .incomplete(.engineCrash), detail: how)
            case .overdue(let look): try settle(look, .incomplete(.timeout), detail: "the engine took too long")
            }
        }
        try tellProgress()
    }

    // MARK: Settling

    private func judge(_ look: Look, _ verdict: Verdict) throws {
        switch verdict {
        case .infected(let first, let others): try settle(look, .infected(first: first, others: others))
        case .clean, .incomplete:
            if look.hasChanged { return try lookAgain(look) }
            guard case .incomplete(let reason, let detail) = verdict else { return try settle(look, .clean) }
            try settle(look, .incomplete(Outcome.IncompleteReason(reason)), detail: detail)
        }
    }

    /// A file that was written to while it was looked at is looked at once more, and no more than once.
    private func lookAgain(_ look: Look) throws {
        guard !look.isSecondLook, let now = look.now, now.size <= EngineLimits.largestFile else {
            return try settle(look, .incomplete(.changed), detail: "it was written to while it was looked at, twice")
        }
        try resubmitWaiting(for: look)
        look.lookAgain(at: now)
        try pool().resubmit(look)
    }

    private func settle(_ look: Look, _ outcome: Outcome, detail: String? = nil) throws {
        guard case .file(let path) = look.purpose else { return }
        if !look.isCopy && outcome != .clean && look.digest != nil && look.hasChanged {
            // It had other bytes when it was hashed.
            try resubmitWaiting(for: look)
            look.digest = nil
        }
        if !look.isCopy { remember(look, outcome, detail) }
        try settle(path, of: look, outcome, detail: detail)
        try settleWaiting(for: look, outcome, detail)
        links.end(look, outcome, detail: detail)
        for name in look.otherNames { try settle(name, of: look, outcome.ofAnotherName, detail: detail) }
        look.close()
    }

    /// Only what was seen whole and clean saves a look; what was not is remembered as long as this scan lasts.
    private func remember(_ look: Look, _ outcome: Outcome, _ detail: String?) {
        looked.files += 1
        looked.bytes += look.before.size
        switch outcome {
        case .clean:
            verifiedNow()
            if let began = look.subject?.began { verified(at: UInt32(clamping: began.microseconds / 1_000_000)) }
            guard let subject = look.subject, let digest = look.digest else { return }
            ledger.remember(subject, clean: digest)
        case .incomplete(.engineCrash):
            guard let subject = look.subject else { return }
            ledger.remember(subject, crashed: look.digest)
        case .infected, .incomplete:
            guard let subject = look.subject else { return }
            ledger.settle(subject, outcome, detail: detail, digest: look.digest)
        case .unchanged, .skipped: break
        }
    }

    /// What became of a content is what becomes of every file that has it.
    private func settleWaiting(for look: Look, _ outcome: Outcome, _ detail: String?) throws {
        guard let digest = look.digest else { return }
        guard sameContent.keep(outcome, detail: detail, of: digest, lookedAtBy: look) else {
            return try resubmitWaiting(for: look)
        }
        for waiting in sameContent.takeWaiting(for: look, digest) {
            if outcome == .clean, let subject = waiting.subject {
                ledger.remember(subject, clean: digest)
            }
            waiting.isCopy = true
            try settle(waiting, outcome, detail: detail ?? SameContent.detail)
        }
    }

    /// What became of this one says nothing about the others: each is looked at for itself.
    private func resubmitWaiting(for look: Look) throws {
        guard let digest = look.digest else { return }
        for waiting in sameContent.takeWaiting(for: look, digest) { try pool().resubmit(waiting) }
    }

    /// One name of a file that was looked at; where it is infected, it may be set aside.
    private func settle(_ path: [UInt8], of look: Look, _ outcome: Outcome, detail: String?) throws {
        let tellOutcome = { (detail: String?) in
            try self.settle(
                path, outcome, size: look.before.size, detail: detail, sha256: look.digest?.hexadecimal,
                identity: FileIdentity(look.before))
        }
        if case .infected(let first, let others) = outcome, target.setsAside, let settingAside {
            let found = SettingAside.Found(
                path: FilePath(bytes: path), signatures: [first] + others, target: target.name, scanID: scanID)
            try settingAside.settle(look, found, tellOutcome, tell)
        } else {
            try tellOutcome(detail)
        }
    }

    private func settle(
        _ path: [UInt8], _ outcome: Outcome, size: UInt64?, detail: String? = nil, sha256: String? = nil,
        identity: FileIdentity? = nil
    ) throws {
        counts.add(outcome)
        switch outcome {
        case .clean, .infected: bytes += size ?? 0
        case .unchanged, .incomplete, .skipped: break
        }
        guard order.report == .everything || outcome.isNotable || isAwaited(path) || isUnexpected(outcome) else {
            return
        }
        let path = FilePath(bytes: path)
        try tell(
            .file(
                FileReport(
                    path: path, outcome: outcome, size: size, target: target.name, scanID: scanID, detail: detail,
                    sha256: outcome.kind == .infected || outcome.kind == .incomplete ? sha256 : nil,
                    identity: outcome.kind == .infected ? identity : nil)))
    }

    /// Whether somebody wants to know of this file in any case.
    private func isAwaited(_ path: [UInt8]) -> Bool { roots.contains(path) || order.watched.contains(path) }

    /// A key file has its outcome by its name; what is wrong with its owner and permissions is an event of its own.
    private func settleKey(_ path: [UInt8], size: UInt64, _ exposure: KeyFileExposure?) throws {
        let report = exposure.map {
            KeyFileExposed(
                path: FilePath(bytes: path), problems: $0.problems, permissions: $0.permissions, user: $0.user,
                group: $0.group, target: target.name, scanID: scanID)
        }
        try settle(path, .skipped(.keyFile), size: size, detail: report?.evidence)
        if let report { try tell(.keyFileExposed(report)) }
    }

    /// Whether somebody who named a path by hand would take it for scanned: nothing but its own rules keeps a target
    /// within one file system.
    private func isUnexpected(_ outcome: Outcome) -> Bool {
        target.name == nil && outcome == .skipped(.otherFilesystem)
    }

    private func tellProgress() throws {
        let now = monotonicNanoseconds()
        guard now - lastProgress >= Self.progressInterval else { return }
        lastProgress = now
        let known = estimate.totals
        try tell(
            .scanProgress(
                ScanProgress(
                    scanID: scanID, target: target.name, files: counts.total, bytes: bytes, filesKnown: known?.files,
                    bytesKnown: known?.bytes, path: currentPath.isEmpty ? nil : FilePath(bytes: currentPath))))
    }
}

/// Somebody asked the session to end.
private struct Interruption: Error, CustomStringConvertible {
    let signal: Int32
    var description: String { "interrupted by signal \(signal)" }
}

/// The time of day at which scans may run is over.
private struct OutsideOfWindow: Error, CustomStringConvertible {
    let window: ScanWindow
    var description: String { "scans run from \(window.inWords); what was not reached is left for the next time" }
}

extension Walk.Candidate {
    /// Whether new signatures reach it by its own rhythm: what is only ever written once.
    fileprivate var isBulk: Bool { chainData == .immutable }
}

extension Outcome {
    /// What a report of notable files tells: what was found, what could not be looked at, what nobody looks at.
    fileprivate var isNotable: Bool {
        switch self {
        case .infected, .incomplete, .skipped(.tooLarge), .skipped(.keyFile): true
        case .clean, .unchanged, .skipped: false
        }
    }
}

extension Outcome.IncompleteReason {
    fileprivate init(_ reason: Verdict.Reason) {
        self =
            switch reason {
            case .limit: .limit
            case .encrypted: .encrypted
            case .ioError: .ioError
            case .timeout: .timeout
            case .engineError: .engineError
            }
    }
}

extension SignaturesLoaded {
    /// From what the engine says. A loose database has no version of its own.
    fileprivate init(_ inventory: SignatureInventory) {
        // The version that clamscan shows is the daily database's.
        let daily = inventory.databases.first { $0.name.hasPrefix("daily.") && $0.version > 0 }
        self.init(
            signatures: SignatureSet(count: UInt64(inventory.signatures), version: daily.map { "\($0.version)" }),
            databases: inventory.databases.map {
                Database(
                    name: $0.name, version: $0.version == 0 ? nil : $0.version,
                    built: UnixTime(seconds: $0.built))
            }, engine: inventory.engineVersion, notes: inventory.notes)
    }
}
