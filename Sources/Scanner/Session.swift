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
    private let pool: WorkerPool

    private var scanID = ScanID.random()
    private var target: SessionOrder.Target
    private var counts = OutcomeCounts()
    private var bytes: UInt64 = 0
    private var lastProgress: UInt64 = 0
    private var currentPath: [UInt8] = []
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
        let canary = Canary.random()
        let engine = try EngineProcess.start(
            executable: executable, scratch: try ScratchFolder.make(in: order.scratchParent)
        ) {
            LoadRequest(
                signatures: order.signatures.bytes, scratch: $0.bytes,
                workers: UInt32(order.workers ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))), limits: order.limits,
                canary: canary.bytes)
        }
        pool = WorkerPool(engine: engine, canary: canary, limits: order.limits)
    }

    // MARK: The whole

    private func run() throws {
        var whole = OutcomeCounts()
        var wholeBytes: UInt64 = 0
        let began = monotonicNanoseconds()
        var completeness = ScanTotals.Completeness.complete
        var failure: (any Error)?
        for next in order.targets where completeness == .complete {
            target = next
            scanID = .random()
            counts = OutcomeCounts()
            bytes = 0
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

    private func tellInterrupted(_ reason: ScanInterrupted.Reason, _ error: any Error) throws {
        try tell(
            .scanInterrupted(
                ScanInterrupted(
                    scanID: scanID, target: target.name, reason: reason, detail: "\(error)", counts: counts)))
    }

    private func scanTarget() throws {
        let began = monotonicNanoseconds()
        try tell(
            .scanStarted(
                ScanStarted(scanID: scanID, target: target.name, paths: target.paths, trigger: order.trigger)))
        let rules = WalkRules(exclude: target.exclude.map(PathGlob.init), oneFileSystem: target.oneFileSystem)
        estimate = Estimate()
        if order.estimatesTotals { estimate.begin(target.paths, rules) }
        defer { estimate.cancel() }
        var met: UInt64 = 0
        var outside: OutsideOfWindow?
        do {
            for root in target.paths {
                var walk = Walk(root: root, rules: rules)
                while let next = walk.next() {
                    switch next {
                    case .settled(let path, let outcome, let size, let detail):
                        try settle(path, outcome, size: size, detail: detail)
                    case .file(let candidate): try look(at: candidate, of: walk)
                    }
                    met += 1
                    // A step of the walk is cheap: not every one has to ask how others are.
                    if met % 32 == 0 { try pace.hold(rest: rest) }
                    if met % 32 == 1 { try rest(0) }
                }
            }
        } catch let error as OutsideOfWindow {
            outside = error
        }
        while !pool.isEmpty {
            pool.confirmAll()
            try turn(milliseconds: 250)
        }
        // A file that was met and has no outcome, or two, would be a hole that nobody sees.
        guard counts.total == met else {
            throw SessionFailure(
                "\(met) files were met and \(counts.total) outcomes counted: this is a mistake of nodeguard's")
        }
        // What was begun came to its end; what was not reached is for the next time.
        if let outside { throw outside }
        try tell(
            .scanFinished(
                ScanFinished(
                    scanID: scanID, target: target.name, totals: totals(counts, bytes, since: began, .complete))))
    }

    // MARK: One file

    /// Opens a file that was met and hands it to a worker, waiting for one that has room.
    private func look(at candidate: Walk.Candidate, of walk: borrowing Walk) throws {
        currentPath = candidate.path
        let size = candidate.status.size
        guard size <= EngineLimits.largestFile else {
            return try settle(
                candidate.path, .skipped(.tooLarge), size: size, detail: "libclamav cannot scan more than 2 GiB")
        }
        switch links.answer(for: candidate.status) {
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
            look = Look(.file(path: candidate.path), file, before: status)
        } catch {
            return try settleUnopened(candidate, error)
        }
        try pace.approach(look, rest: rest)
        while !pool.submit(look) { try rest(250) }
        links.begin(look)
    }

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
        let answers = try pool.turn(also: signals.rawValue, milliseconds: milliseconds)
        if let signal = signals.next() { throw Interruption(signal: signal) }
        for answer in answers {
            switch answer {
            case .loaded(let inventory):
                var loaded = SignaturesLoaded(inventory)
                loaded.notes += notes
                try tell(.signaturesLoaded(loaded))
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
        // Nothing has changed: the pool holds back what has.
        case .clean where look.file == nil: try settle(look, .clean)
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
        look.lookAgain(at: now)
        pool.resubmit(look)
    }

    private func settle(_ look: Look, _ outcome: Outcome, detail: String? = nil) throws {
        guard case .file(let path) = look.purpose else { return }
        let identity = FileIdentity(look.before)
        try settle(path, outcome, size: look.before.size, detail: detail, identity: identity)
        links.end(look, outcome, detail: detail)
        for name in look.otherNames {
            try settle(name, outcome.ofAnotherName, size: look.before.size, detail: detail, identity: identity)
        }
        look.close()
    }

    private func settle(
        _ path: [UInt8], _ outcome: Outcome, size: UInt64?, detail: String? = nil, identity: FileIdentity? = nil
    ) throws {
        counts.add(outcome)
        switch outcome {
        case .clean, .infected: bytes += size ?? 0
        case .unchanged, .incomplete, .skipped: break
        }
        let path = FilePath(bytes: path)
        guard order.report == .everything || outcome.isNotable || isAwaited(path) else { return }
        try tell(
            .file(
                FileReport(
                    path: path, outcome: outcome, size: size, target: target.name, scanID: scanID, detail: detail,
                    identity: outcome.kind == .infected ? identity : nil)))
    }

    /// Whether somebody wants to know of this file in any case.
    private func isAwaited(_ path: FilePath) -> Bool {
        target.paths.contains(path) || order.watched.contains(path.bytes)
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
