internal import EngineProtocol
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// The workers of one engine: hands files out, takes answers back, replaces what dies, and lets nothing pass as clean
/// before the engine has found its canaries again.
final class WorkerPool {
    /// What became of a file that was handed in.
    enum Answer {
        /// The engine is ready; comes once.
        case loaded(SignatureInventory)
        /// The engine has found it clean, the file was the same before and after, and a canary was found since.
        case clean(Look)
        /// The engine has looked. Where it says `clean`, the file has changed meanwhile.
        case looked(Look, Verdict)
        /// Two workers died of it; the text says how.
        case killedWorkers(Look, String)
        /// It took longer than a file may take.
        case overdue(Look)
    }

    private var engine: EngineProcess
    private let canary: Canary
    private let limits: EngineLimits
    private var workers: [Worker] = []
    /// Files that have to be sent once more.
    private var again: [Look] = []
    /// Large files that wait until the one before is done.
    private var waitingLarge: [Look] = []
    private var answers: [Answer] = []
    private var lastRequest: UInt64 = 0
    /// Workers that died in a row before they found their first canary.
    private var stillbirths = 0

    /// Clean files of one worker that may wait, open, for its next canary.
    private let confirmationInterval: Int
    /// The same for the time that the first of them may wait, in nanoseconds.
    private static let longestUnconfirmed: UInt64 = 10_000_000_000
    /// Large files that are held open until their turn comes.
    private static let mostWaitingLarge = 2
    /// As many workers may die before their first canary until nothing better is expected of the next.
    private static let mostStillbirths = 5
    /// As many workers may die between a clean answer for a file and the canary behind it.
    private static let mostOrphanings = 4
    /// Time beyond libclamav's own limit after which a worker is ended, in nanoseconds.
    private static let grace: UInt64 = 10_000_000_000

    /// - Parameter openFiles: how many files the workers together may hold open.
    init(engine: consuming EngineProcess, canary: Canary, limits: EngineLimits, workers: Int, openFiles: Int) {
        confirmationInterval = min(256, max(8, openFiles / max(1, workers)))
        self.engine = engine
        self.canary = canary
        self.limits = limits
    }

    /// Hands a file in, where a worker has room for it and nothing waits that was handed in before.
    ///
    /// - Returns: false where it has to be handed in again after a ``turn(also:waiting:)``.
    ///
    /// - Throws: where no canary can be made.
    func submit(_ look: Look) throws -> Bool {
        try resend()
        if look.isLarge && hasLarge {
            // The others go on meanwhile; only so many are held open.
            guard waitingLarge.count < Self.mostWaitingLarge else { return false }
            waitingLarge.append(look)
            return true
        }
        guard again.isEmpty, let worker = freest() else { return false }
        try send(look, to: worker)
        return true
    }

    /// Has a file looked at once more, before anything else.
    func resubmit(_ look: Look) { again.append(look) }

    /// Whether everything that was handed in was answered.
    var isEmpty: Bool {
        again.isEmpty && waitingLarge.isEmpty
            && workers.allSatisfy { $0.queue.isEmpty && $0.unconfirmed.isEmpty }
    }

    /// Everything that is waiting for its canary gets one: nothing more is handed in.
    ///
    /// - Throws: where no canary can be made.
    func confirmAll() throws {
        guard again.isEmpty && waitingLarge.isEmpty && workers.allSatisfy({ $0.queue.allSatisfy(\.look.isCanary) })
        else { return }
        for worker in workers where !worker.unconfirmed.isEmpty && !worker.isGone { try sendCanaries(to: worker) }
    }

    /// Whatever waits for its canary gets one now: somebody waits for what became of it.
    func confirmEarly() throws {
        for worker in workers where !worker.unconfirmed.isEmpty && !worker.isGone { try sendCanaries(to: worker) }
    }

    /// Waits at most `milliseconds` for something to happen, and returns the answers that came.
    ///
    /// - Parameter other: a descriptor of the caller's to be waited for as well.
    /// - Throws: ``SessionFailure`` where the engine is gone, or cannot be believed.
    func turn(also other: Int32, milliseconds: Int32) throws -> [Answer] {
        try resend()
        let polled = workers.filter { !$0.isGone }
        let ready = try waitUntilReadable(
            [other, engine.control.rawValue] + polled.map(\.descriptor), milliseconds: milliseconds)
        for index in ready where index >= 2 { try hear(polled[index - 2]) }
        if ready.contains(1) { try hearEngine() }
        let now = monotonicNanoseconds()
        try endOverdue(now)
        try confirmOverdue(now)
        defer { answers = [] }
        return answers
    }

    // MARK: Handing out

    private func resend() throws {
        while !again.isEmpty {
            // A file that has killed a worker goes alone, so that nothing else suffers and the blame is certain.
            if let suspect = again.firstIndex(where: { $0.crashes > 0 }) {
                guard let idle = workers.first(where: { $0.isFree && $0.queue.isEmpty }),
                    !(again[suspect].isLarge && hasLarge)
                else { return }
                try send(again.remove(at: suspect), to: idle)
            } else {
                guard let worker = freest(), !(again[0].isLarge && hasLarge) else { return }
                try send(again.removeFirst(), to: worker)
            }
        }
        while !waitingLarge.isEmpty && !hasLarge, let worker = freest() {
            try send(waitingLarge.removeFirst(), to: worker)
        }
    }

    /// Whether a worker has a large file already.
    private var hasLarge: Bool { workers.contains { $0.queue.contains(where: \.look.isLarge) } }

    private func freest() -> Worker? {
        workers.filter { worker in worker.isFree && !worker.queue.contains { $0.look.crashes > 0 } }
            .min { $0.queue.count < $1.queue.count }
    }

    private func send(_ look: Look, to worker: Worker) throws {
        lastRequest += 1
        worker.send(look, id: lastRequest)
        // It may live on although nothing reaches it, and then nobody would ever tell its end.
        if worker.isGone { engine.kill(worker: worker.id) }
        // The second time nothing comes between it and its canary that could be to blame instead.
        if look.orphanings > 1 { try sendCanaries(to: worker) }
    }

    // MARK: Hearing

    private func hearEngine() throws {
        switch try engine.control.receive(waiting: false) {
        case .nothingYet: return
        case .closed: throw SessionFailure("the engine ended and nothing more can be scanned: \(engine.end)")
        case .message(var message):
            switch try EngineMessage(message.bytes) {
            case .failed(let text): throw SessionFailure(text)
            case .loaded(let inventory):
                engine.isLoaded = true
                answers.append(.loaded(inventory))
            case .worker(let id):
                guard let socket = message.descriptor.take() else {
                    throw SessionFailure("a worker came without a socket")
                }
                let worker = Worker(id: id, socket: socket)
                workers.append(worker)
                try sendCanaries(to: worker)
            case .workerEnded(let id, let status): try bury(id, status)
            }
        }
    }

    private func hear(_ worker: Worker) throws {
        do {
            while let (look, verdict) = try worker.receive() {
                switch look.purpose {
                case .canary(let signature): try confirm(worker, signature, verdict)
                case .file: try take(look, verdict, of: worker)
                }
            }
        } catch let failure as SessionFailure {
            throw failure
        } catch {
            // A worker that talks nonsense, or more than a message holds, is broken or taken over: it is ended, and what it
            // had is looked at again.
            engine.kill(worker: worker.id)
            try lose(worker, .died("talked nonsense"))
        }
    }

    private func take(_ look: Look, _ verdict: Verdict, of worker: Worker) throws {
        guard verdict == .clean, !look.hasChanged else { return answers.append(.looked(look, verdict)) }
        // It stays open, because it is looked at again if the worker dies before its next canary.
        look.restoreCache()
        worker.addUnconfirmed(look)
        // Whoever makes workers die must not have the same files looked at again and again.
        let wereOrphans = look.isOrphan && !again.contains(where: \.isOrphan)
        if wereOrphans || worker.unconfirmed.count >= confirmationInterval { try sendCanaries(to: worker) }
    }

    private func confirmOverdue(_ now: UInt64) throws {
        for worker in workers where !worker.unconfirmed.isEmpty && !worker.isGone {
            if now > worker.unconfirmedSince + Self.longestUnconfirmed { try sendCanaries(to: worker) }
        }
    }

    /// A worker ended by itself. One that is not known any more was ended by this pool.
    private func bury(_ id: Int32, _ status: Int32) throws {
        guard let worker = workers.first(where: { $0.id == id }) else { return }
        // What it had answered before it died is still in the socket.
        try hear(worker)
        guard workers.contains(where: { $0 === worker }) else { return }
        // SIGPROF: the worker's own limit of CPU time for one file.
        try lose(worker, status == -SIGPROF ? .wasTooSlow : .died(describe(status)))
    }

    /// How a worker was lost.
    private enum Loss {
        /// It ended; the text continues "the engine's worker".
        case died(String)
        /// It took too long and is being killed. Nobody waits for its end: a process that waits for a disk or a server
        /// that is gone cannot be killed until that answers.
        case wasTooSlow
    }

    /// Does without a worker from now on: blames the file it had, hands the rest to others.
    private func lose(_ worker: Worker, _ loss: Loss) throws {
        workers.removeAll { $0 === worker }
        let orphans = worker.takeUnconfirmed()
        for look in orphans {
            look.orphan()
            // It may be what ruins them, although each lived until another file.
            if look.orphanings > Self.mostOrphanings {
                answers.append(
                    .killedWorkers(look, "several of the engine's workers died after it, before they were proven"))
            } else {
                again.append(look)
            }
        }
        stillbirths = worker.isProven ? 0 : stillbirths + 1
        let how =
            switch loss {
            case .died(let how): how
            case .wasTooSlow: "took too long"
            }
        guard stillbirths < Self.mostStillbirths else {
            throw SessionFailure(
                "the engine's workers end as soon as they start (the last one \(how)): see the kernel's log")
        }
        var left = worker.takeQueue()[...]
        if let suspect = left.first, !suspect.isCanary {
            left.removeFirst()
            suspect.crashes += 1
            switch loss {
            case .wasTooSlow: answers.append(.overdue(suspect))
            case .died where suspect.crashes >= 2:
                answers.append(.killedWorkers(suspect, "the engine's worker \(how), twice"))
            case .died: again.append(suspect)
            }
        }
        again += left.filter { !$0.isCanary }
    }

    private func describe(_ status: Int32) -> String {
        switch status {
        case -SIGSYS: "broke out of its work and was killed by its sandbox (signal \(SIGSYS))"
        case ..<0: "was killed by signal \(-status)"
        default: "ended with status \(status)"
        }
    }

    private func endOverdue(_ now: UInt64) throws {
        let longest = UInt64(limits.milliseconds) * 1_000_000 + Self.grace
        for worker in workers where !worker.queue.isEmpty && now > worker.headSince + longest {
            engine.kill(worker: worker.id)
            try lose(worker, .wasTooSlow)
        }
    }

    // MARK: Canaries

    private func sendCanaries(to worker: Worker) throws {
        guard worker.canariesDue == 0 else { return }
        worker.canariesDue = 2
        for (signature, content) in [
            (Canary.patternSignature, canary.plainFile), (Canary.memberSignature, canary.archive),
        ] {
            // Without it the worker would stay unproven, or half proven, and the scan would wait for it for ever.
            let file = try memoryFile(named: "nodeguard", content)
            let status = try FileStatus.of(file)
            try send(Look(.canary(signature: signature), file, before: status), to: worker)
        }
    }

    /// - Throws: where the canary was missed: nothing that this engine calls clean can be believed.
    private func confirm(_ worker: Worker, _ expected: String, _ verdict: Verdict) throws {
        let names: [String] = if case .infected(let first, let others) = verdict { [first] + others } else { [] }
        // libclamav appends .UNOFFICIAL.
        guard names.contains(where: { $0.hasPrefix(expected) }) else {
            let saw = if case .incomplete(_, let detail) = verdict { detail } else { "it found nothing" }
            throw SessionFailure(
                """
                the engine missed its test signature \(expected) and would miss others (\(saw)); \
                is its scratch folder full or gone?
                """)
        }
        worker.canariesDue -= 1
        guard worker.canariesDue == 0 else { return }
        worker.isProven = true
        stillbirths = 0
        answers += worker.takeUnconfirmed().map { .clean($0) }
    }
}

extension Look {
    /// Whether it is known-bad bytes of ours rather than a file.
    var isCanary: Bool { if case .canary = purpose { true } else { false } }
}
