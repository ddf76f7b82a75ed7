internal import Config
internal import Glibc
internal import Journal
internal import LinuxSystem
internal import Scanner
internal import SystemPackage

/// Whoever asked for a scan and hears what comes of it.
protocol ScanListener: AnyObject {
    /// Hears one event. Must not wait.
    func hear(_ event: Event)
    /// Hears how the session ended, once, and what journal, metrics or findings did not take of it, a sentence each.
    func ended(_ ending: SessionProcess.Ending, notes: [String])
    /// Whether it can take more now; where it cannot, the session waits.
    var hasRoom: Bool { get }
    /// Whether nobody wants the scan any more.
    var isGone: Bool { get }
}

/// Runs the scans of the agent, one session at a time: an engine with its signatures takes more than a gigabyte, and the
/// ledger has one writer.
///
/// A person does not wait for the night's scan: that one is interrupted for a scan by hand, and goes on after it. What only
/// plans needs no engine and writes nothing, so it runs beside (``PlanSessions``).
final class ScanKeeper {
    private var configuration: LoadedConfiguration
    private let metrics: MetricsStore
    private let journal: JournalQueue
    private let state: FilePath
    private var schedule: ScanSchedule
    private let began = ContinuousClock.now
    private let beganAt = UnixTime.now()
    private let machineID: String
    /// What is added to the agent's age, for another patience than the schedule's own.
    private let headStart: Duration

    private var current: Current?
    private var wanted: [Wanted] = []
    private let plans = PlanSessions()
    /// The number of the scan by hand that was asked for last.
    private var lastNumber: Int64 = 0
    private var isStopping = false
    /// What is planned for each target, as it was last looked at.
    private(set) var planned: [ScanSchedule.Planned] = []
    /// What could not be kept or started, as a sentence; nil where nothing is wrong.
    private(set) var problem: String?
    private var reportProblems: [String] = []
    /// Why the schedule is not kept; it is tried again.
    private var keepProblem: String?

    /// A scan that somebody waits for.
    private struct Wanted {
        let number: Int64
        let request: ScanRequest
        let listener: any ScanListener
    }

    /// The session that runs.
    private struct Current {
        let session: RunningSession
        let request: ScanRequest
        var reporter: ScanReporter
        /// Who asked for it by hand.
        let wanted: Wanted?
        var listener: (any ScanListener)? { wanted?.listener }
        /// The target that it is at.
        var target: String?
        /// Whether a scan of it began, or went on, and did not end yet.
        var isAtTarget = false
        /// Whether the schedule was waiting for that target already.
        var wasUnfinished = false
        var isEnding = false
        /// Whether who asked for it wants it to end.
        var isEndedByHand = false
        var progress: ScanProgress?
    }

    /// How many scans by hand may wait for each other.
    static let mostWanted = 8

    init(
        _ configuration: LoadedConfiguration, state: FilePath, metrics: MetricsStore, journal: JournalQueue,
        patience: Duration
    ) {
        headStart = ScanSchedule.patience - patience
        self.configuration = configuration
        self.metrics = metrics
        self.journal = journal
        self.state = state
        do {
            schedule = try ScanSchedule.kept(in: state) ?? ScanSchedule()
        } catch {
            schedule = ScanSchedule()
            problem = "which scans there were is not known, each target waits for its next time: \(error)"
        }
        machineID = String(decoding: (try? readBeginning(of: "/etc/machine-id", atMost: 64)) ?? [], as: UTF8.self)
        schedule.configure(Self.targets(configuration), at: .now())
        schedule.agentStarted(at: .now())
        keep()
        metrics.update { snapshot in
            for label in snapshot.targets.keys { snapshot.targets[label]?.isRunning = false }
        }
    }

    private static func targets(_ configuration: LoadedConfiguration) -> [ScanSchedule.Target] {
        let scan = configuration.settings.scan
        return scan.targets.map {
            // One session at a time, whatever the disks.
            ScanSchedule.Target(name: $0.name.text, schedule: scan.schedule(of: $0), disks: nil)
        }
    }

    /// Takes up another configuration: for what begins from now on.
    func adopt(_ configuration: LoadedConfiguration) {
        self.configuration = configuration
        schedule.configure(Self.targets(configuration), at: .now())
        keep()
        refreshPlan()
    }

    private func keep() {
        do {
            try schedule.keep(in: state)
            keepProblem = nil
        } catch {
            keepProblem = "the schedule cannot be kept for the next start: \(error)"
        }
    }

    // MARK: What others see

    /// The target or the paths that are scanned now, and how far that is; nil where nothing is.
    var running: (target: String?, trigger: ScanStarted.Trigger, progress: ScanProgress?)? {
        current.map { ($0.target, $0.request.trigger, $0.progress) }
    }

    /// What is wrong with scanning and its reports, a sentence each.
    var problems: [String] { [problem, keepProblem].compactMap { $0 } + reportProblems }

    /// What is remembered of a target.
    func record(of target: String) -> ScanRecord? { schedule.records[target] }

    /// What to wait for.
    var descriptors: [Int32] { (current?.session.descriptors ?? []) + plans.descriptors }

    /// Whether a session scans.
    var isRunning: Bool { current != nil }

    /// Whether a session is there to be looked after.
    var hasSession: Bool { isRunning || !plans.isEmpty }

    // MARK: What others want

    /// Takes a scan by hand, and gives its number; nil where too many wait already.
    func want(_ request: ScanRequest, _ listener: any ScanListener) -> Int64? {
        guard wanted.count + plans.count < Self.mostWanted, !isStopping else { return nil }
        lastNumber += 1
        wanted.append(Wanted(number: lastNumber, request: request, listener: listener))
        if !request.isPlan && current?.listener == nil { endCurrent() }
        return lastNumber
    }

    /// Ends a scan by hand in good order; its listener goes on hearing until the end. False where there is none of this
    /// number any more.
    func endScan(_ number: Int64) -> Bool {
        if current?.wanted?.number == number {
            current?.isEndedByHand = true
            endCurrent()
            return true
        }
        guard let place = wanted.firstIndex(where: { $0.number == number }) else { return plans.end(number) }
        wanted.remove(at: place).listener.ended(.interrupted(signal: SIGTERM, nil), notes: [])
        return true
    }

    /// Ends what runs in good order and begins nothing more.
    func stop() {
        isStopping = true
        endCurrent()
        plans.stop()
        for one in wanted { one.listener.ended(.failed("nodeguard stops", nil), notes: []) }
        wanted = []
    }

    /// Ends what runs at once.
    func kill() {
        current?.session.end()
        current?.session.end()
    }

    /// Waits no longer for what was killed: a process that hangs in a disk ends when the disk answers, and not before.
    func abandon() {
        guard let current else { return }
        self.current = nil
        current.listener?.ended(.failed("nodeguard stops, and the scan's process hangs", nil), notes: [])
        // Its end would be waited for together with the last reference.
        _ = unsafe Unmanaged.passRetained(current.session)
    }

    private func endCurrent() {
        guard current?.isEnding == false else { return }
        current?.isEnding = true
        current?.session.end()
    }

    // MARK: The agent's loop

    /// Looks after the session that runs, and begins what is to begin. Waits for nothing.
    func step() {
        if current != nil { advance() }
        plans.step()
        wanted.removeAll { $0.listener.isGone }
        for one in wanted where one.request.isPlan { beginPlan(one) }
        wanted.removeAll { $0.request.isPlan }
        guard current == nil, !isStopping else { return }
        if !wanted.isEmpty {
            let next = wanted.removeFirst()
            begin(next.request, next)
        } else if let request = due() {
            begin(request, nil)
        }
    }

    /// Looks at the schedule, and says what is to begin.
    private func due() -> ScanRequest? {
        let running = current.map { [ScanSchedule.Running(target: $0.target, disks: nil)] } ?? []
        let before = schedule
        planned = schedule.plan(
            ScanSchedule.Circumstances(
                now: .now(), agentAge: began.duration(to: .now) + headStart, window: configuration.settings.scan.window,
                running: running, machineID: machineID))
        if schedule != before { keep() }
        tellNext()
        for one in planned {
            guard case .start(let reason) = one.verdict else { continue }
            var trigger = ScanStarted.Trigger.schedule
            if case .scheduled(let time) = reason, time < beganAt { trigger = .missedSchedule }
            return ScanRequest(targets: [one.target], respectsWindow: true, trigger: trigger)
        }
        return nil
    }

    /// Looks at the schedule for who wants to know, and begins nothing. What could not be kept is tried again.
    func refreshPlan() {
        _ = due()
        if keepProblem != nil { keep() }
    }

    private func tellNext() {
        let next = Dictionary(planned.map { ($0.target, $0.next) }, uniquingKeysWith: { first, _ in first })
        let configured = Set(planned.map(\.target))
        let isSame = planned.allSatisfy { one in
            MetricLabel(one.target).map { metrics.snapshot.targets[$0]?.nextScan == one.next } ?? true
        }
        var retired = metrics.snapshot
        retired.retireTargets(except: configured)
        guard !isSame || retired != metrics.snapshot else { return }
        metrics.update { snapshot in
            for (name, time) in next {
                guard let label = MetricLabel(name) else { continue }
                snapshot.targets[label, default: MetricsSnapshot.Target()].nextScan = time
            }
            snapshot.retireTargets(except: configured)
        }
    }

    private func beginPlan(_ plan: Wanted) {
        do {
            let findings = FindingsRecorder(state: configuration.settings.paths.state.path)
            let order = try SessionOrder(plan.request, configuration, findings: findings)
            plans.begin(plan.number, try RunningSession(order), plan.listener, notes: findings.problems)
        } catch {
            plan.listener.ended(.failed("\(error)", nil), notes: [])
        }
    }

    private func begin(_ request: ScanRequest, _ wanted: Wanted?) {
        let state = configuration.settings.paths.state.path
        let findings = FindingsRecorder(state: state)
        let reporter = ScanReporter(journal: journal, metrics: metrics, findings: findings)
        do {
            let order = try SessionOrder(request, configuration, findings: findings)
            if request.trigger != .manual {
                // Before the session begins: a power cut must not make it begin twice for one time.
                for target in request.targets { schedule.began(target, at: .now()) }
                keep()
            }
            current = Current(
                session: try RunningSession(order), request: request, reporter: reporter, wanted: wanted,
                target: request.targets.first)
            problem = nil
        } catch {
            wanted?.listener.ended(.failed("\(error)", nil), notes: reporter.problems)
            problem = "a scan could not be started: \(error)"
            if request.trigger != .manual { settle(request.targets.first, .failed) }
        }
    }

    private func advance() {
        guard let running = current else { return }
        if let listener = running.listener {
            if listener.isGone { endCurrent() }
            // Who stops has no time for a client that does not read.
            running.session.isHeldBack = !listener.hasRoom && !listener.isGone && !isStopping
        }
        do {
            let ending = try running.session.advance { hear($0) }
            if let ending { end(ending) }
        } catch {
            end(.failed("the scan session does not talk as it should: \(error)", nil))
        }
    }

    private func hear(_ event: Event) {
        var event = event
        if isStopping, case .scanInterrupted(var scan) = event, scan.reason == .requested {
            scan.reason = .shutdown
            event = .scanInterrupted(scan)
        }
        current?.reporter.report(event)
        follow(event)
        if case .scanProgress(let progress) = event { current?.progress = progress }
        current?.listener?.hear(event)
    }

    /// What the schedule has to know of it.
    private func follow(_ event: Event) {
        switch event {
        case .scanStarted(let scan): isAt(scan.target)
        case .scanResumed(let scan): isAt(scan.target)
        case .scanFinished(let scan):
            current?.isAtTarget = false
            guard let target = scan.target else { return }
            settle(target, scan.totals.completeness == .complete ? .completed : .interrupted)
        case .scanInterrupted(let scan):
            // Before this session begins with a target it may tell how an earlier one ended: that is settled.
            guard current?.isAtTarget == true else { return }
            current?.isAtTarget = false
            settle(scan.target, ending(of: scan))
        default: break
        }
    }

    /// The session begins with a target, or goes on with it.
    private func isAt(_ target: String?) {
        current?.target = target
        current?.isAtTarget = true
        guard let target else { return }
        current?.wasUnfinished = schedule.records[target]?.unfinished != nil
        if current?.request.trigger == .manual {
            schedule.began(target, at: .now())
            keep()
        }
    }

    private func ending(of scan: ScanInterrupted) -> SessionEnding {
        switch scan.reason {
        case .failed: return .failed
        case .window, .shutdown: return .interrupted
        case .requested:
            // The night's scan that made room goes on; who ended their own scan does not want it any more, unless the
            // schedule was waiting for it already.
            let isOwn = current?.listener != nil
            return isOwn && current?.wasUnfinished == false ? .cancelled : .interrupted
        }
    }

    private func settle(_ target: String?, _ ending: SessionEnding) {
        guard let target, schedule.records[target]?.isRunning == true else { return }
        schedule.ended(target, ending, at: .now())
        keep()
    }

    private func end(_ ending: SessionProcess.Ending) {
        guard var ended = current else { return }
        current = nil
        if case .failed(let reason, _) = ending {
            ended.reporter.sessionEnded()
            if !ended.isEnding { problem = "the last scan failed: \(reason)" }
        }
        // Whatever it was at without telling its end. Who was asked to end while still beginning has not failed.
        for target in schedule.records.keys where schedule.records[target]?.isRunning == true {
            settle(target, ended.isEnding ? .interrupted : .failed)
        }
        reportProblems = ended.reporter.problems
        ended.listener?.ended(
            ended.isEndedByHand ? .interrupted(signal: SIGTERM, ending.summary) : ending, notes: reportProblems)
    }
}
