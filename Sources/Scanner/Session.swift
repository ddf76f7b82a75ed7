internal import EngineProtocol
internal import Glibc
public import Journal
internal import LinuxSystem
public import SystemPackage

/// One scan from its first file to its last: walks, feeds the workers, and settles exactly one outcome for every
/// file met.
///
/// One thread and one loop around poll(2). Files are walked here while workers, which are other processes, scan.
public final class Session {
    private let order: SessionOrder
    private let tell: (Event) throws -> Void
    private let signals: SignalDescriptor
    private let canary = Canary.random()
    private let engine: EngineProcess
    private var workers: [Worker] = []
    /// Files that have to be sent once more, because a worker died or the file changed.
    private var again: [Look] = []
    /// Clean files of workers that died before their next canary: confirmed by the next one of any worker.
    private var orphaned: [Look] = []
    private var lastRequest: UInt64 = 0
    /// Workers that died in a row before they found their first canary.
    private var stillbirths = 0

    private var scanID = ScanID.random()
    private var target: SessionOrder.Target
    private var counts = OutcomeCounts()
    private var bytes: UInt64 = 0
    private var started = monotonicNanoseconds()
    private var lastProgress: UInt64 = 0
    private var currentPath: [UInt8] = []
    private var estimate = Estimate()

    /// Files answered as clean by one worker before it has to find its canaries again.
    private static let confirmationInterval = 256
    /// How often progress is told, in nanoseconds.
    private static let progressInterval: UInt64 = 250_000_000
    /// Time beyond libclamav's own limit after which a worker is ended, in nanoseconds.
    private static let grace: UInt64 = 10_000_000_000

    /// Runs an order to its end, telling every event as it happens; the last one is the summary.
    ///
    /// - Throws: ``SessionFailure`` where nothing can be scanned or the scan cannot go on. What was settled before
    ///   was told; a `scan.interrupted` and the summary are told all the same.
    public static func run(_ order: SessionOrder, engine: FilePath, tell: @escaping (Event) throws -> Void) throws {
        let session = try Session(order, engine: engine, tell: tell)
        try session.run()
    }

    private init(_ order: SessionOrder, engine executable: FilePath, tell: @escaping (Event) throws -> Void) throws {
        self.order = order
        self.tell = tell
        guard let first = order.targets.first else { throw SessionFailure("there is nothing to scan") }
        target = first
        signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP])
        let canary = self.canary
        engine = try EngineProcess.start(
            executable: executable, scratch: try ScratchFolder.make(in: order.scratchParent)
        ) {
            LoadRequest(
                signatures: order.signatures.bytes, scratch: $0.bytes,
                workers: UInt32(order.workers ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))), limits: order.limits,
                canary: canary.bytes)
        }
    }

    // MARK: The whole

    private func run() throws {
        var whole = OutcomeCounts()
        var wholeBytes: UInt64 = 0
        let begin = monotonicNanoseconds()
        var completeness = ScanTotals.Completeness.complete
        var failure: (any Error)?
        for next in order.targets {
            target = next
            scanID = .random()
            counts = OutcomeCounts()
            bytes = 0
            started = monotonicNanoseconds()
            do {
                try scanTarget()
            } catch let error as Interruption {
                completeness = .partial(because: error.description)
                try tell(.scanInterrupted(interrupted(.requested, error)))
            } catch {
                failure = error
                completeness = .partial(because: "\(error)")
                try tell(.scanInterrupted(interrupted(.failed, error)))
            }
            whole.add(counts)
            wholeBytes += bytes
            if completeness != .complete { break }
        }
        let totals = ScanTotals(
            counts: whole, bytes: wholeBytes, durationMicroseconds: (monotonicNanoseconds() - begin) / 1000,
            findings: whole[.infected], completeness: completeness)
        try tell(.summary(ScanSummary(targets: order.targets.compactMap(\.name), totals: totals)))
        if let failure { throw failure }
    }

    private func interrupted(_ reason: ScanInterrupted.Reason, _ error: any Error) -> ScanInterrupted {
        ScanInterrupted(scanID: scanID, target: target.name, reason: reason, detail: "\(error)", counts: counts)
    }

    private func scanTarget() throws {
        try tell(
            .scanStarted(
                ScanStarted(scanID: scanID, target: target.name, paths: target.paths, trigger: order.trigger)))
        let rules = WalkRules(exclude: target.exclude.map(PathGlob.init), oneFileSystem: target.oneFileSystem)
        estimate = Estimate()
        if order.estimatesTotals { estimate.begin(target.paths, rules) }
        defer { estimate.cancel() }
        var met: UInt64 = 0
        for root in target.paths {
            var walk = Walk(root: root, rules: rules)
            while let next = walk.next() {
                met += 1
                switch next {
                case .settled(let path, let outcome, let size, let detail):
                    try settle(path, outcome, size: size, detail: detail)
                    try turn(waiting: false)
                case .file(let candidate):
                    try take(candidate, of: walk)
                }
            }
        }
        try finishLooks()
        // A file that was met and has no outcome, or two, would be a hole that nobody sees.
        guard counts.total == met else {
            throw SessionFailure(
                "\(met) files were met and \(counts.total) outcomes counted: this is a mistake of nodeguard")
        }
        try tell(
            .scanFinished(
                ScanFinished(
                    scanID: scanID, target: target.name,
                    totals: ScanTotals(
                        counts: counts, bytes: bytes, durationMicroseconds: (monotonicNanoseconds() - started) / 1000,
                        findings: counts[.infected], completeness: .complete))))
    }

    /// Opens a file that was met and hands it to a worker, waiting for a free one.
    private func take(_ candidate: Walk.Candidate, of walk: borrowing Walk) throws {
        currentPath = candidate.path
        let size = candidate.status.size
        guard size <= EngineLimits.largestFile else {
            return try settle(
                candidate.path, .skipped(.tooLarge), size: size, detail: "libclamav cannot scan more than 2 GiB")
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
        try send(look)
        try turn(waiting: false)
    }

    /// Hands a file to a worker, as soon as one is free and nothing waits that was met before.
    private func send(_ look: Look) throws {
        while true {
            if again.isEmpty, let worker = freest() { return send(look, to: worker) }
            try turn(waiting: true)
        }
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

    /// Waits until every file has its answer and every clean one a canary after it.
    private func finishLooks() throws {
        while true {
            while !again.isEmpty || workers.contains(where: { !$0.queue.isEmpty }) { try turn(waiting: true) }
            let unconfirmed = workers.filter { !$0.unconfirmed.isEmpty && !$0.isGone }
            if unconfirmed.isEmpty && orphaned.isEmpty { return }
            if unconfirmed.isEmpty {
                // Their workers died; any other can vouch for the engine that they shared.
                if let worker = freest() { sendCanaries(to: worker) }
                try turn(waiting: true)
            } else {
                for worker in unconfirmed { sendCanaries(to: worker) }
                try turn(waiting: true)
            }
        }
    }

    // MARK: One turn of the loop

    private func turn(waiting: Bool) throws {
        resend()
        let polled = workers.filter { !$0.isGone }
        let ready = try waitUntilReadable(
            [signals.rawValue, engine.control.rawValue] + polled.map(\.descriptor), milliseconds: waiting ? 250 : 0)
        if let signal = signals.next() { throw Interruption(signal: signal) }
        for index in ready where index >= 2 { try hear(polled[index - 2]) }
        if ready.contains(1) { try hearEngine() }
        endOverdue()
        try tellProgress()
    }

    private func resend() {
        while !again.isEmpty, let worker = freest() {
            // A file that has killed a worker goes alone, so that nothing else suffers and the blame is certain.
            if let suspect = again.firstIndex(where: { $0.crashes > 0 }) {
                guard let idle = workers.first(where: { $0.isFree && $0.queue.isEmpty }) else { return }
                send(again.remove(at: suspect), to: idle)
            } else {
                send(again.removeFirst(), to: worker)
            }
        }
    }

    private func freest() -> Worker? {
        workers.filter { worker in
            worker.isFree && !worker.queue.contains { $0.look.crashes > 0 }
        }.min { $0.queue.count < $1.queue.count }
    }

    private func send(_ look: Look, to worker: Worker) {
        lastRequest += 1
        worker.send(look, id: lastRequest)
    }

    private func hearEngine() throws {
        switch try engine.control.receive(waiting: false) {
        case .nothingYet: return
        case .closed:
            throw SessionFailure("the engine ended; nothing can be scanned until it is started again")
        case .message(var message):
            switch try EngineMessage(message.bytes) {
            case .failed(let text): throw SessionFailure(text)
            case .loaded(let inventory): try tell(.signaturesLoaded(SignaturesLoaded(inventory)))
            case .worker(let id):
                guard let socket = message.descriptor.take() else {
                    throw SessionFailure("a worker came without a socket")
                }
                let worker = Worker(id: id, socket: socket)
                workers.append(worker)
                sendCanaries(to: worker)
            case .workerEnded(let id, let status): try bury(id, status)
            }
        }
    }

    private func hear(_ worker: Worker) throws {
        do {
            while let (look, verdict) = try worker.receive() { try settle(look, verdict, of: worker) }
        } catch let error as MalformedMessage {
            // A worker that talks nonsense is broken or taken over: end it, the engine sends another.
            worker.isOverdue = true
            engine.kill(worker: worker.id)
            FileDescriptor.standardError.tell("nodeguard: a worker of the engine was ended: \(error)")
        }
    }

    /// A worker ended: blames the file it had, hands the rest to others.
    private func bury(_ id: Int32, _ status: Int32) throws {
        guard let index = workers.firstIndex(where: { $0.id == id }) else { return }
        let worker = workers[index]
        // What it had answered before it died is still in the socket.
        if !worker.isOverdue { try hear(worker) }
        workers.remove(at: index)
        orphaned += worker.unconfirmed
        stillbirths = worker.isProven ? 0 : stillbirths + 1
        guard stillbirths < 5 else {
            throw SessionFailure(
                "the engine's workers end as soon as they start (\(describe(status))): see the kernel's log")
        }
        var left = worker.takeQueue()[...]
        if let suspect = left.first, case .file(let path) = suspect.purpose {
            left.removeFirst()
            suspect.crashes += 1
            if worker.isOverdue {
                try settle(path, .incomplete(.timeout), size: suspect.before.size, detail: "the engine took too long")
            } else if suspect.crashes >= 2 {
                try settle(
                    path, .incomplete(.engineCrash), size: suspect.before.size, detail: "the engine \(describe(status))"
                )
            } else {
                again.append(suspect)
            }
        }
        again += left.filter { if case .file = $0.purpose { true } else { false } }
    }

    private func describe(_ status: Int32) -> String {
        status < 0 ? "was killed by signal \(-status)" : "ended with status \(status)"
    }

    private func endOverdue() {
        let now = monotonicNanoseconds()
        let longest = UInt64(order.limits.milliseconds) * 1_000_000 + Self.grace
        for worker in workers where !worker.isOverdue && !worker.queue.isEmpty && now > worker.headSince + longest {
            worker.isOverdue = true
            engine.kill(worker: worker.id)
        }
    }

    // MARK: Canaries

    private func sendCanaries(to worker: Worker) {
        guard worker.canariesDue == 0 else { return }
        worker.canariesDue = 2
        for (signature, content) in [
            (Canary.patternSignature, canary.plainFile), (Canary.memberSignature, canary.archive),
        ] {
            guard let file = try? memoryFile(named: "nodeguard", content), let status = try? FileStatus.of(file) else {
                continue
            }
            send(Look(.canary(signature: signature), file, before: status), to: worker)
        }
    }

    /// - Throws: where the canary was missed: nothing that this engine calls clean can be believed.
    private func confirm(_ worker: Worker, _ expected: String, _ verdict: Verdict) throws {
        let names: [String] =
            if case .infected(let first, let others) = verdict { [first] + others } else { [] }
        guard names.contains(where: { $0.hasPrefix(expected) }) else {
            throw SessionFailure(
                """
                the engine missed its test signature \(expected) and would miss others (\(verdict)): \
                check that there is room in \(printable(order.scratchParent))
                """)
        }
        worker.canariesDue -= 1
        guard worker.canariesDue == 0 else { return }
        worker.isProven = true
        stillbirths = 0
        for look in worker.unconfirmed + orphaned {
            guard case .file(let path) = look.purpose else { continue }
            try settle(path, .clean, size: look.before.size)
        }
        worker.unconfirmed = []
        orphaned = []
    }

    // MARK: Settling

    private func settle(_ look: Look, _ verdict: Verdict, of worker: Worker) throws {
        switch look.purpose {
        case .canary(let signature): try confirm(worker, signature, verdict)
        case .file(let path): try settle(look, path, verdict, of: worker)
        }
    }

    private func settle(_ look: Look, _ path: [UInt8], _ verdict: Verdict, of worker: Worker) throws {
        let size = look.before.size
        if case .infected(let first, let others) = verdict {
            return try settle(path, .infected(first: first, others: others), size: size)
        }
        if look.changedSince {
            guard look.isSecondLook, let now = try? FileStatus.of(look.file) else {
                return try settleChanged(look, path)
            }
            return try settle(
                path, .incomplete(.changed), size: now.size, detail: "it was written to while it was looked at, twice")
        }
        switch verdict {
        case .infected: break
        case .clean:
            worker.unconfirmed.append(look)
            if worker.unconfirmed.count >= Self.confirmationInterval { sendCanaries(to: worker) }
        case .incomplete(let reason, let detail):
            try settle(path, .incomplete(Outcome.IncompleteReason(reason)), size: size, detail: detail)
        }
    }

    /// A file that was written to while it was looked at is looked at once more.
    private func settleChanged(_ look: Look, _ path: [UInt8]) throws {
        guard let now = try? FileStatus.of(look.file), now.size <= EngineLimits.largestFile else {
            return try settle(path, .incomplete(.changed), size: look.before.size)
        }
        look.before = now
        look.isSecondLook = true
        again.append(look)
    }

    private func settle(_ path: [UInt8], _ outcome: Outcome, size: UInt64? = nil, detail: String? = nil) throws {
        counts.add(outcome)
        switch outcome {
        case .clean, .infected: bytes += size ?? 0
        case .unchanged, .incomplete, .skipped: break
        }
        guard order.report == .everything || outcome.isNotable else { return }
        try tell(
            .file(
                FileReport(
                    path: FilePath(bytes: path), outcome: outcome, size: size, target: target.name, scanID: scanID,
                    detail: detail)))
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

extension FileDescriptor {
    /// Writes one line; nobody is left to tell where that fails.
    fileprivate func tell(_ line: String) {
        _ = try? writeAll((line + "\n").utf8)
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
