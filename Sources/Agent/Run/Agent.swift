internal import Config
internal import Glibc
internal import Journal
internal import LinuxSystem
internal import Policy
internal import Scanner
public import SystemPackage

/// `nodeguard run`: the agent. One loop around poll(2) that schedules, listens and tells, and the gate on a thread of its
/// own that waits for none of that.
public final class Agent {
    private let version: String
    private let watchesConfiguration: Bool
    private let signals: SignalDescriptor
    private let lock: HostLock
    let gate: GateKeeper
    let scans: ScanKeeper
    let metrics: MetricsStore
    let store: OverrideStore
    private let journal: JournalQueue
    private let watchdog: Watchdog
    private let statusListener: StatusListener
    let state: StateWatcher
    private var signatures: SignatureDatabases?
    private var stale = StaleSignatures()
    private var wasScanning = false
    private(set) var configuration: AgentConfiguration
    private let began = UnixTime.now()
    private var control: Control?
    private var controlProblem: String?
    private var stateProblem: String?

    private var nextHeartbeat = ContinuousClock.now
    private var lastGate: GateView?
    private var lastStatusLine = ""
    /// Where the gate has moved last under this agent; nil: it has not.
    private var lastMove: MetricsSnapshot.Gate.State?
    private var isReady = false
    /// When it was asked to end.
    private var stopping: ContinuousClock.Instant?

    /// The longest time between two times that the metrics are written.
    private static let heartbeat = Duration.seconds(15)
    /// How long a session has for its orderly end when the agent stops; systemd and kubelet wait longer.
    private static let patience = Duration.seconds(3)
    /// When the agent no longer waits for a session that was killed: the gate must still be handed over.
    private static let lastPatience = Duration.seconds(4)

    /// Takes the host's lock, begins to hold the gate, and prepares everything else; nothing is scanned yet.
    ///
    /// - Parameters:
    ///   - configuration: the main file.
    ///   - mayBeMissing: whether it may be missing, and everything is as built in.
    ///   - scanPatience: no scheduled scan begins so soon after the start.
    ///   - watchesConfiguration: whether a change of the files is taken up without being asked to, as for a ConfigMap.
    /// - Throws: a sentence for a person: another agent, a configuration that is wrong, a folder that cannot be used.
    public init(
        configuration main: FilePath, mayBeMissing: Bool, watchesConfiguration: Bool, scanPatience: Duration,
        version: String
    ) throws {
        // Before any thread: it is for all of them.
        signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP])
        self.version = version
        self.watchesConfiguration = watchesConfiguration
        let configuration: AgentConfiguration
        do {
            configuration = try AgentConfiguration(main: main, mayBeMissing: mayBeMissing)
        } catch {
            throw UnusableConfiguration(problems: error.problems)
        }
        self.configuration = configuration
        let settings = configuration.loaded.settings
        let state = settings.paths.state.path
        let runtime = settings.paths.runtime.path
        try makeOwnFolder(state, isPrivate: true)
        try makeOwnFolder(runtime, isPrivate: false)
        lock = try HostLock(state: state)
        Rights.keepForAgent()

        // Before everything that reads what may hang: after a restart by the watchdog the disk may hang still.
        store = OverrideStore(state: state, runtime: runtime)
        gate = try GateKeeper(GatePlan(configuration.loaded), store: store, host: settings.paths.host.path)
        watchdog = Watchdog(gate)
        try gate.start()
        try watchdog.start()

        journal = JournalQueue(isWanted: settings.journal.enabled, longest: 1000)
        metrics = MetricsStore(state: state, textfile: settings.metrics.textfile?.path, version: version)
        statusListener = try StatusListener(gate, settings)
        self.state = try StateWatcher(settings, gate)
        scans = ScanKeeper(
            configuration.loaded, state: state, metrics: metrics, journal: journal,
            patience: scanPatience)
        control = nil
        keepControl()
    }

    /// Makes the control socket, also where somebody has deleted it.
    private func keepControl() {
        let runtime = configuration.loaded.settings.paths.runtime.path
        do {
            if let control {
                try control.restore()
            } else {
                control = try Control(self, at: runtime.appending("control.sock"), version: version)
            }
            controlProblem = nil
        } catch {
            controlProblem = "the control socket is not there: \(error)"
        }
    }

    /// Runs until SIGTERM or SIGINT.
    public func run() throws {
        try statusListener.start()
        try state.start()
        metrics.update { snapshot in
            snapshot.up = began
            for state in MetricsSnapshot.Gate.State.allCases where snapshot.gate.transitions[state] == nil {
                snapshot.gate.transitions[state] = 0
            }
        }
        keepConfiguration()
        if let refusal = configuration.refusal { tellRefusal(refusal) }
        while stopping == nil || scans.isRunning || !gate.hasEnded {
            let ready = try waitForEvents(watched, until: deadline)
            watchdog.loopCame()
            while let signal = signals.next() { take(signal) }
            for event in gate.events.take() { hear(event) }
            for news in state.news.take() { take(news) }
            control?.handle(ready)
            scans.step()
            if wasScanning && !scans.isRunning { state.lookNow() }
            wasScanning = scans.isRunning
            if stopping == nil && .now >= nextHeartbeat { beat() }
            followGate()
            if let stopping { end(since: stopping) }
        }
        for event in gate.events.take() { hear(event) }
        tell(.agentStopped(AgentStopped(reason: .requested)))
        metrics.update { $0.endOfWatch() }
        control = nil
    }

    private var watched: [Watched] {
        [signals.rawValue, gate.events.rawValue, state.news.rawValue].map { Watched($0) }
            + scans.descriptors.map { Watched($0) }
            + (control?.watched ?? [])
    }

    private var deadline: ContinuousClock.Instant {
        var moments = [nextHeartbeat]
        if let control = control?.nextDeadline { moments.append(control) }
        // A session's end shows in a pipe, unless somebody else has that pipe.
        if scans.hasSession || !isReady { moments.append(.now.advanced(by: .seconds(1))) }
        if stopping != nil { moments = [.now.advanced(by: .milliseconds(200))] }
        return moments.min()!
    }

    // MARK: Signals

    private func take(_ signal: Int32) {
        guard stopping == nil else { return }
        if signal == SIGHUP {
            try? reload()
        } else {
            stopping = .now
            ServiceManager.stopping()
            scans.stop()
        }
    }

    /// The sessions first: as long as they end, the gate is kept. An open one is handed over at last.
    private func end(since began: ContinuousClock.Instant) {
        if scans.isRunning {
            if .now >= began.advanced(by: Self.patience) { scans.kill() }
            if .now >= began.advanced(by: Self.lastPatience) { scans.abandon() }
        } else if !isGateStopped {
            isGateStopped = true
            gate.stop()
        }
    }
    private var isGateStopped = false

    // MARK: Configuration

    /// Reads the configuration again; where it is wrong, the one in force stays.
    func reload() throws(ConfigurationRefusal) {
        // Until it is up it is not ready, however often it is asked to reload.
        if isReady { ServiceManager.reloading() }
        defer { if isReady { ServiceManager.ready(statusLine) } }
        do throws(ConfigurationRefusal) {
            try configuration.reload()
        } catch {
            tellRefusal(error)
            throw error
        }
        gate.replace(GatePlan(configuration.loaded))
        scans.adopt(configuration.loaded)
        statusListener.adopt(configuration.loaded.settings)
        state.adopt(configuration.loaded.settings)
        journal.adopt(isWanted: configuration.loaded.settings.journal.enabled)
        metrics.adopt(textfile: configuration.loaded.settings.metrics.textfile?.path)
        keepConfiguration()
        // Where there is no gate any more, or only one that observes, nobody has to wait for it.
        control?.gateMoved()
        tell(.configReloaded(ConfigReloaded(files: configuration.loaded.files)))
    }

    private func tellRefusal(_ refusal: ConfigurationRefusal) {
        tell(
            .configRejected(
                ConfigRejected(problem: refusal.problems[0], more: Array(refusal.problems.dropFirst()))))
    }

    private func keepConfiguration() {
        let reverify = configuration.loaded.settings.scan.reverify.milliseconds / 1000
        metrics.update { $0.reverifySeconds = UInt64(max(1, reverify)) }
        do {
            try configuration.keep()
            stateProblem = nil
        } catch {
            stateProblem = "the configuration cannot be kept as the last good one: \(error)"
        }
    }

    // MARK: Telling

    func tell(_ event: Event) { journal.send(event) }

    private func hear(_ event: Event) {
        tell(event)
        let state: MetricsSnapshot.Gate.State? =
            switch event {
            case .gateOpened: .open
            case .gateClosed: .closed
            default: nil
            }
        guard let state else { return }
        // After an upgrade it opens as it was open: by the lease of the agent before. Another reason is no move either.
        let before = lastMove ?? (gate.view.tookOver ? .open : nil)
        lastMove = state
        if state != before { metrics.update { $0.gate.transitions[state, default: 0] += 1 } }
        control?.gateMoved()
        statusListener.gateMoved()
    }

    /// Takes in what was found on the disks.
    private func take(_ news: StateWatcher.News) {
        signatures = news.databases
        if let tally = news.findings { metrics.tell(tally) }
        guard let databases = news.databases else { return }
        metrics.update { snapshot in
            snapshot.signatureDatabases = [:]
            for database in databases.databases {
                guard let label = MetricLabel(database.name), let built = database.built else { continue }
                snapshot.signatureDatabases[label] = built
            }
        }
    }

    /// What is due every few seconds.
    private func beat() {
        nextHeartbeat = .now.advanced(by: Self.heartbeat)
        if journal.isWaiting { journal.retry() }
        if stateProblem != nil { keepConfiguration() }
        if watchesConfiguration && configuration.hasChanged() { try? reload() }
        if let signatures {
            for event in stale.look(signatures, now: .now()) { tell(event.event) }
        }
        scans.refreshPlan()
        keepControl()
        metrics.update { snapshot in
            snapshot.heartbeat = .now()
            snapshot.take(gate.view)
        }
    }

    /// A change of the gate or of a check is in the metrics at once.
    private func followGate() {
        let view = gate.view
        if view != lastGate && view.differsInMoreThanCounts(from: lastGate) {
            metrics.update { $0.take(view) }
            if view.isOpen != lastGate?.isOpen {
                control?.gateMoved()
                statusListener.gateMoved()
            }
        }
        lastGate = view
        if !isReady && gate.cameRound > 0 {
            isReady = true
            lastStatusLine = statusLine
            if watchdog.mayTellReady() {
                ServiceManager.ready(lastStatusLine)
            } else {
                ServiceManager.status(lastStatusLine)
            }
            tell(.agentStarted(AgentStarted(version: version, mode: view.mode)))
        }
        if isReady && statusLine != lastStatusLine {
            lastStatusLine = statusLine
            ServiceManager.status(lastStatusLine)
        }
    }

    /// What `systemctl status` shows.
    private var statusLine: String {
        let view = gate.view
        let scan = scans.running.map { ", scanning \($0.target ?? "the given paths")" } ?? ""
        // Who asks at the control socket does not hear of this one.
        return "\(view.inWords)\(scan)\(controlProblem.map { "; \($0)" } ?? "")"
    }

    private var lostChanges: String? {
        let lost = gate.events.givenUp
        return lost == 0 ? nil : "\(lost) changes of checks were not told: a disk has held up the agent for too long"
    }

    // MARK: What others ask

    /// Everything that there is to know, at this moment.
    var status: AgentStatus {
        AgentStatus(
            version: version, began: began, gate: gate.view, configuration: configuration,
            scans: scans, snapshot: metrics.snapshot,
            problems: [controlProblem, stateProblem, statusListener.problem, journal.complaint, lostChanges].compactMap
            { $0 }
                + metrics.problems + (signatures?.problems ?? []))
    }
}

/// The agent cannot start with this configuration, and there is no earlier one.
struct UnusableConfiguration: Error, CustomStringConvertible {
    let problems: [String]
    var description: String {
        problems.joined(separator: "\n")
            + "\nnodeguard does not start with a configuration that is wrong, and no earlier one of it is known: it would be in "
            + "the folder that paths.state names"
    }
}

extension Agent {
    /// See ``GateView/isOpen``.
    var isGateOpen: Bool { gate.view.isOpen }
}
