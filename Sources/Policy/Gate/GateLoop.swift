import CNetlink
import Glibc
public import Journal
public import LinuxSystem
import Synchronization
public import SystemPackage

/// Everything the gate's loop needs to know.
public struct GatePlan: Equatable, Sendable {
    /// What the posture must be.
    public var posture: PosturePolicy
    /// When the gate may be open.
    public var settings: GateSettings
    /// What it guards. The tunnels are filled in by the loop.
    public var rules: GateRules
    /// `lease`.
    public var lease: Duration
    /// `handover`.
    public var handover: Duration
    /// How often everything is looked at anew without a reason.
    public var interval: Duration

    /// A plan.
    public init(
        posture: PosturePolicy, settings: GateSettings, rules: GateRules, lease: Duration = .seconds(5),
        handover: Duration = .seconds(30), interval: Duration = .seconds(5)
    ) {
        self.posture = posture
        self.settings = settings
        self.rules = rules
        self.lease = lease
        self.handover = handover
        self.interval = interval
    }

    /// The same with the validators' pods where they are now, under a person's will.
    ///
    /// What is forced shut is shut, also where the gate otherwise only observes: an owner who has moved keys elsewhere
    /// must be able to rely on it. The ports are, that is; nothing else begins to be enforced by it.
    public func inForce(pods places: [PodSelector: PodPlace], _ will: GateOverrideState) -> GatePlan {
        var plan = self
        if !places.isEmpty {
            plan.posture = posture.placing(places)
            plan.rules.pods.formUnion(places.values.flatMap(\.addresses))
        }
        if case .forcedShut = will, rules.mode == .observe {
            plan.rules.mode = .enforce
            plan.rules.answersByTunnel = false
            plan.rules.sendsByTunnel = false
        }
        return plan
    }
}

/// The gate as others see it: `status`, metrics, the control socket.
public struct GateStatus: Equatable, Sendable {
    /// What was decided last.
    public var decision: GateDecision
    /// The posture it rests on; nil before the first look.
    public var posture: Posture?
    /// What was dropped. These are the kernel's own counts: they go on through restarts of the agent and changes of the
    /// rules, and begin at zero only after a reboot, or where there was no gate. They are told as they are.
    public var counters: GateCounters
    /// Why the kernel's rules are not as they should be; nil where they are.
    public var trouble: String?
    /// Whether the kernel has the rules of the plan. Where it has not, nobody knows what it does with the ports.
    public var isInPlace = true
    /// The person's will that it rests on.
    public var will = GateOverrideState.unknown
    /// Until when the kernel keeps the gate open by a lease, whoever gave it; nil where there is none.
    public var leaseUntil: ContinuousClock.Instant?
    /// Whether the gate was first opened while the lease of the agent before still ran: it was open all along.
    public var tookOver = false
}

/// Judges the posture and moves the gate, on a thread of the caller's, until it is stopped.
///
/// One pass is: hear what the kernel told, look where that gives a reason, decide, and make the kernel follow. A pass
/// that takes too long needs no watchdog: the lease ends meanwhile.
///
/// It reads no disk. A person's will and SELinux's boot configuration are read by threads of their own: where the disk
/// hangs, the last known will stays in force, and a break glass ends by its own clock all the same.
public final class GateLoop: Sendable {
    private let shared: Mutex<Shared>
    private let wakeUp: WakeUp
    private let will: KeptReading<GateOverrideState>
    private let boot: KeptReading<SELinuxReading.Found<SELinuxReading.BootMode>>
    private let host: FilePath
    private let looksAt: Look
    private let tell: @Sendable (Event) -> Void

    /// Looks at the system's part of the posture, and tells each answer as soon as it is there.
    public typealias Look = @Sendable (PosturePolicy, HandshakeHistory, (CheckResult) -> Void) -> Posture

    private struct Shared {
        var plan: GatePlan
        var state: StateFacts?
        var isStopped = false
        var cameRound: UInt64 = 0
        var status = GateStatus(decision: .shutWithoutProof, posture: nil, counters: GateCounters(), trouble: nil)
    }

    /// Rung by others to wake the loop.
    private final class WakeUp: Sendable {
        let bell: Bell
        init() throws(SystemCallError) { bell = try Bell() }
    }

    /// How long the first answers of the disks are waited for before there is a gate without them: a disk that is well
    /// answers at once, and what an earlier agent left goes on meanwhile.
    private static let firstAnswers = Duration.seconds(1)

    /// A loop that has not begun.
    ///
    /// - Parameters:
    ///   - store: a person's will; read on a thread of its own from now on.
    ///   - host: where the node's own root folder is, for its container runtime and its processes.
    ///   - looksAt: looks at the posture; a test may put another in place of the real one.
    ///   - tell: hears of what happened, on the loop's thread: it must not wait for anything.
    public convenience init(
        _ plan: GatePlan, store: OverrideStore, host: FilePath = "/",
        looksAt: Look? = nil,
        tell: @escaping @Sendable (Event) -> Void
    ) throws(SystemCallError) {
        try self.init(plan, host: host, folders: store.folders, will: { store.current() }, looksAt: looksAt, tell: tell)
    }

    /// The same, with anything that tells a person's will.
    init(
        _ plan: GatePlan, host: FilePath = "/", folders: [FilePath] = [],
        will readsWill: @escaping @Sendable () -> GateOverrideState, looksAt: Look? = nil,
        tell: @escaping @Sendable (Event) -> Void
    ) throws(SystemCallError) {
        shared = Mutex(Shared(plan: plan))
        self.host = host
        self.tell = tell
        let wakeUp = try WakeUp()
        self.wakeUp = wakeUp
        will = try KeptReading(folders: folders, interval: 500, readsWill) { before, now in
            if before?.value.isSame(as: now.value) != true { wakeUp.bell.ring() }
        }
        let boot = try KeptReading(
            folders: ["/etc/selinux"], interval: 5000, { SELinuxReading.readBootMode() },
            hear: { before, now in if before?.value != now.value { wakeUp.bell.ring() } })
        self.boot = boot
        self.looksAt =
            looksAt ?? { policy, history, hear in
                Posture.evaluate(policy, history: history, boot: Self.known(boot), hear: hear)
            }
        try will.start()
        try boot.start()
    }

    deinit { endReading() }

    private func endReading() {
        will.stop()
        boot.stop()
    }

    /// What the boot configuration says, as long as that is news enough to rest on.
    private static func known(
        _ boot: KeptReading<SELinuxReading.Found<SELinuxReading.BootMode>>
    ) -> SELinuxReading.Found<SELinuxReading.BootMode> {
        guard let last = boot.last else { return .unreadable("its disk has not answered yet") }
        guard last.at.duration(to: .now) <= StateFacts.freshness else {
            return .unreadable("its disk has not answered for ten minutes")
        }
        return last.value
    }

    /// Looks at the system's part of the posture as the loop does, without waiting for a disk. For where there is no
    /// loop that could tell it.
    public func posture(_ policy: PosturePolicy) -> Posture { Posture.evaluate(policy, boot: Self.known(boot)) }

    /// What the loop knows now.
    public var status: GateStatus { shared.withLock { $0.status } }

    /// When it last came round, by `monotonicNanoseconds()`; 0: never yet. It does at least every few seconds.
    public var cameRound: UInt64 { shared.withLock { $0.cameRound } }

    /// Changes the plan; the rules follow in one transaction, a running lease goes on.
    public func replace(_ plan: GatePlan) {
        shared.withLock { $0.plan = plan }
        ring()
    }

    /// Hands over what is known of scans, findings, keys and signatures: read by another thread, for this loop waits for no
    /// disk. Hand it over anew at every change, and at least every few minutes: ``StateFacts/freshness``. Before the
    /// first time those checks are not asked, and the gate is shut where it requires one of them.
    public func inform(_ state: StateFacts) {
        let isNews = shared.withLock { shared in
            var before = shared.state
            before?.read = state.read
            shared.state = state
            return before != state
        }
        if isNews { ring() }
    }

    /// Looks, decides and reads the overrides now, as after `gate open` or `gate close`.
    public func lookNow() {
        will.lookNow()
        boot.lookNow()
        ring()
    }

    /// Ends ``run()`` in order: an open gate stays open for the handover.
    public func stop() {
        shared.withLock { $0.isStopped = true }
        ring()
    }

    private func ring() { wakeUp.bell.ring() }

    private func awaitFirstAnswers() {
        let end = ContinuousClock.now.advanced(by: Self.firstAnswers)
        while will.last == nil || boot.last == nil, .now < end, !shared.withLock({ $0.isStopped }) {
            _ = try? waitForEvents([Watched(wakeUp.bell.rawValue)], until: end)
            wakeUp.bell.silence()
        }
    }

    /// Runs until ``stop()``. Must be called on a thread of its own, in the network namespace that it guards.
    ///
    /// - Throws: ``KernelGateError`` where the gate cannot begin: nothing was opened then, and what an earlier agent
    ///   left goes on by itself and ends by itself.
    public func run() throws(KernelGateError) {
        awaitFirstAnswers()
        let known = will.last?.value ?? .unknown
        let plan = shared.withLock { shared in
            // Also where there will be no loop to tell it.
            shared.status.will = known
            return shared.plan
        }
        // Told after the pass: who hears of an event and asks for the status finds what the event tells of.
        let happened = Mutex<[Event]>([])
        var session = try Session(
            plan, will: known, host: host, looksAt: looksAt,
            tell: { event in happened.withLock { $0.append(event) } })
        while true {
            session.pass(shared.withLock { $0.state }, will.last?.value ?? .unknown)
            let status = session.status
            let (plan, isStopped) = shared.withLock { shared in
                shared.status = status
                shared.cameRound = monotonicNanoseconds()
                return (shared.plan, shared.isStopped)
            }
            let told = happened.withLock { events in
                defer { events = [] }
                return events
            }
            for event in told { tell(event) }
            if isStopped { break }
            session.adopt(plan)
            session.wait(for: wakeUp.bell)
        }
        session.end()
        endReading()
    }
}

/// One life of the loop: everything that belongs to its thread.
private struct Session {
    /// As it was told, and with the pods and the person's will of now.
    private var told: GatePlan
    private var plan: GatePlan
    private var will: GateOverrideState {
        get { status.will }
        set { status.will = newValue }
    }
    private let looksAt: GateLoop.Look
    private let tell: (Event) -> Void

    private let gate: KernelGate
    private var events: KernelEvents?
    private let runtime: ContainerRuntime
    private let history = HandshakeHistory()
    private var judge: GateJudge
    private(set) var status: GateStatus

    private var tunnels: Set<UInt32> = []
    private var expected: GateFingerprint?
    /// Whether the kernel has the plan's rules. Without them nothing is opened.
    private var areRulesInPlace: Bool {
        get { status.isInPlace }
        set { status.isInPlace = newValue }
    }
    private var nextLook: ContinuousClock.Instant = .now
    private var nextLease: ContinuousClock.Instant = .now
    private var places: [PodSelector: PodPlace]
    private var firewallChange: (pid: UInt32?, program: String?)?
    private var leaseIsOurs = false
    private var hasOpened = false
    private var passBegan: ContinuousClock.Instant = .now
    private static let longestSleep = Duration.seconds(1)
    /// As nftables names the author of a change: by thread.
    private let ownThread = nodeguard_thread_id()
    /// When the looks so far would have been over, had there been no more than one a pause.
    private var looksPaidFor: ContinuousClock.Instant = .now
    /// Between two looks, on average, however many events there are.
    private static let shortestPause = Duration.milliseconds(20)
    /// So many looks may follow at once: a fault right after another event must not wait.
    private static let looksAtOnce = 5

    init(
        _ plan: GatePlan, will: GateOverrideState, host: FilePath, looksAt: @escaping GateLoop.Look,
        tell: @escaping (Event) -> Void
    ) throws(KernelGateError) {
        told = plan
        runtime = ContainerRuntime(host: host)
        places = runtime.places(of: plan.posture.pods)
        self.plan = plan.inForce(pods: places, will)
        self.looksAt = looksAt
        self.tell = tell
        judge = GateJudge(plan.settings)
        status = GateStatus(decision: .shutWithoutProof, posture: nil, counters: GateCounters(), trouble: nil)
        status.will = will
        gate = try KernelGate()
        tunnels = tunnelsUp(plan.posture)
        // Before the first look, so that no change between the two is missed.
        events = try? KernelEvents()
        guard mayInstall else {
            reinstall()
            return
        }
        expected = try Self.install(self.plan, tunnels, GateCounters(), into: gate)
        status.trouble = gate.limitation
        readLease()
        count()
    }

    /// Rules that only observe would open what a person has forced shut: before that is known, the kernel's stay.
    private var mayInstall: Bool { will != .unknown || told.settings.mode != .observe }

    /// Puts the plan's rules in place, or takes them away where it has none.
    ///
    /// - Returns: what must be found in the kernel from now on; nil for nothing.
    private static func install(
        _ plan: GatePlan, _ tunnels: Set<UInt32>, _ counted: GateCounters, into gate: KernelGate
    ) throws(KernelGateError) -> GateFingerprint? {
        guard plan.settings.mode != .disabled else {
            try gate.remove()
            return nil
        }
        var rules = plan.rules
        rules.tunnels = tunnels
        try gate.install(rules, counted: counted)
        return try gate.fingerprint()
    }

    /// Takes up another plan.
    mutating func adopt(_ other: GatePlan) {
        guard other != told else { return }
        // Other requirements must hold for as long as the first did before they open the gate. A lease that runs is
        // not taken back meanwhile: it ends by itself, and no sooner than that unless a check fails.
        if other.posture != told.posture || other.settings != told.settings { judge = GateJudge(other.settings) }
        told = other
        places = runtime.places(of: told.posture.pods)
        plan = told.inForce(pods: places, will)
        nextLook = .now
        reinstall()
    }

    /// Makes the rules follow the pods and the person's will, where these have changed.
    private mutating func follow(places: [PodSelector: PodPlace]?) {
        if let places { self.places = places }
        let now = told.inForce(pods: self.places, will)
        let isChanged = now.rules != plan.rules
        plan = now
        if isChanged || !areRulesInPlace { reinstall() }
    }

    /// Waits for a reason to go on.
    mutating func wait(for bell: borrowing Bell) {
        let left = max(.zero, ContinuousClock.now.duration(to: min(nextLook, nextLease)))
        let (seconds, attoseconds) = left.components
        let milliseconds = Int32(min(seconds, 60) * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
        guard
            let ready = try? waitUntilReadable(
                [bell.rawValue, runtime.descriptor] + (events?.descriptors ?? []), milliseconds: milliseconds)
        else {
            return
        }
        if ready.contains(0) {
            bell.silence()
            nextLook = .now
        }
    }

    /// One pass.
    mutating func pass(_ state: StateFacts?, _ will: GateOverrideState) {
        passBegan = .now
        self.will = will
        hear()
        if firewallChange != nil { repair() }
        if .now >= nextLook { look(state) }
        decide()
    }

    private mutating func hear() {
        if events == nil { events = try? KernelEvents() }
        if runtime.drain() { lookSoon() }
        for event in events?.drain() ?? [] {
            switch event {
            case .network, .selinuxChanged: lookSoon()
            case .firewall(let pid, let program):
                if pid == nil || pid != ownThread { firewallChange = (pid, program) }
            case .selinux(let isEnforcing):
                nextLook = .now
                // The message is right before the files are.
                if !isEnforcing && plan.settings.required.contains(.selinuxEnforcing) {
                    judge.distrust()
                    shut()
                }
            }
        }
    }

    private mutating func lookSoon() {
        nextLook = min(nextLook, max(.now, looksPaidFor.advanced(by: Self.shortestPause * -Self.looksAtOnce)))
    }

    private mutating func look(_ state: StateFacts?) {
        let began = ContinuousClock.now
        looksPaidFor = max(looksPaidFor, began).advanced(by: Self.shortestPause)
        // A new pod is guarded before anything is said about it.
        follow(places: runtime.places(of: told.posture.pods))
        // A bad answer shuts an open gate before the next check begins.
        let looksAt = looksAt
        let shutsAtOnce = { (session: inout Session, result: CheckResult) in
            guard session.status.decision == .openByPosture, result.verdict.kind != .pass,
                session.plan.settings.required.contains(result.check), session.leaseIsOurs
            else { return }
            session.judge.distrust()
            session.shut()
        }
        let system = looksAt(plan.posture, history) { shutsAtOnce(&self, $0) }
        let rest = Posture.evaluate(state?.checks ?? []) { shutsAtOnce(&self, $0) }
        let posture = Posture(system.results + rest.results)
        judge.note(posture.results.reduce(into: [:]) { $0[$1.check] = $1.verdict.kind }, at: began)
        for result in posture.results {
            let before = status.posture?[result.check]?.verdict.kind
            if before != result.verdict.kind {
                tell(
                    CheckChanged(
                        check: result.check.rawValue, before: before.map(Self.told),
                        now: Self.told(result.verdict.kind),
                        evidence: result.evidence
                    ).event)
            }
        }
        status.posture = posture
        nameTunnels()
        count()
        // Where looks take longer than that there is time for a lease between them all the same.
        nextLook = max(began.advanced(by: plan.interval), .now.advanced(by: min(plan.interval, .milliseconds(500))))
    }

    private static func told(_ kind: Verdict.Kind) -> CheckChanged.Status {
        switch kind {
        case .pass: .pass
        case .fail: .fail
        case .unknown: .unknown
        }
    }

    /// Tells the kernel which interfaces are tunnels now.
    private mutating func nameTunnels() {
        guard plan.settings.mode != .disabled else { return }
        let now = tunnelsUp(plan.posture)
        guard now != tunnels else { return }
        do throws(KernelGateError) {
            try gate.setTunnels(now)
            tunnels = now
            expected = try gate.fingerprint()
        } catch {
            reinstall()
        }
    }

    private mutating func count() {
        guard let now = try? gate.counters() else { return }
        // What was counted is never taken back, whoever deleted a table in between.
        status.counters.packets.merge(now.packets, uniquingKeysWith: max)
    }

    /// Asks the kernel how long its lease still runs.
    private mutating func readLease() {
        guard case .open(let left)? = try? gate.read() else {
            status.leaseUntil = nil
            return
        }
        status.leaseUntil = .now.advanced(by: left)
    }

    /// Puts the rules in place anew, keeping what was counted.
    private mutating func reinstall() {
        guard mayInstall else {
            areRulesInPlace = false
            status.trouble =
                "whether a person has forced it shut is not known yet: the disk of paths.state does not answer"
            return
        }
        count()
        do throws(KernelGateError) {
            expected = try Self.install(plan, tunnels, status.counters, into: gate)
            status.trouble = gate.limitation
            areRulesInPlace = true
            readLease()
        } catch {
            status.trouble = error.description
            areRulesInPlace = false
        }
    }

    /// Compares the kernel's rules with what they should be, after somebody changed nftables.
    private mutating func repair() {
        let author = firewallChange
        firewallChange = nil
        guard plan.settings.mode != .disabled else { return }
        let now = try? gate.fingerprint()
        // Before Linux 6.12 somebody could have put a lease into the plain table.
        if gate.scheme == .doubled && !status.decision.isOpen && !status.decision.letsLeaseRun { shut() }
        guard now == nil || now != expected else { return }
        reinstall()
        tell(
            GateTampered(
                what: now == nil ? "a table of the gate was deleted" : "the gate's rules were changed",
                program: author?.program.map { printable($0.utf8) }, pid: author?.pid,
                answer: status.trouble ?? "They were put in place again."
            ).event)
        // A lease that was deleted with its table is given anew by the next decision, if it still stands.
        nextLease = .now
    }

    private mutating func decide() {
        follow(places: nil)
        let now = ContinuousClock.now
        let decision = judge.decide(will, at: now)
        let before = status.decision
        status.decision = decision
        if decision.isOpen {
            if !hasOpened, !leaseIsOurs, let until = status.leaseUntil, until > now { status.tookOver = true }
            hasOpened = true
            if now >= nextLease || !before.isOpen { lease(decision, now) }
        } else if !decision.letsLeaseRun && (leaseIsOurs || decision != before) {
            shut()
        }
        announce(decision, before)
        if !decision.isOpen {
            nextLease = now.advanced(by: settleStep)
        }
    }

    /// While shut, the next moment at which the decision may change by time alone.
    private var settleStep: Duration {
        status.decision.letsLeaseRun ? .milliseconds(50) : .milliseconds(500)
    }

    private mutating func lease(_ decision: GateDecision, _ now: ContinuousClock.Instant) {
        nextLease = now.advanced(by: min(.milliseconds(500), plan.lease / 4))
        guard decision != .noGate, areRulesInPlace else { return }
        // What this thread has slept through since it last listened (stopped, starved) it must hear of first.
        guard passBegan.duration(to: .now) < Self.longestSleep else {
            nextLease = .now
            return
        }
        var duration = plan.lease
        if case .openByOverride(let until, _) = decision { duration = min(duration, now.duration(to: until)) }
        do throws(KernelGateError) {
            // The first lease takes the place of whatever an earlier agent left: its handover would outlive this agent.
            if leaseIsOurs { try gate.open(for: duration) } else { try gate.handOver(for: duration) }
            leaseIsOurs = true
            status.leaseUntil = .now.advanced(by: duration)
            status.trouble = gate.limitation
        } catch {
            reinstall()
            do throws(KernelGateError) {
                try gate.open(for: duration)
                leaseIsOurs = true
                status.leaseUntil = .now.advanced(by: duration)
            } catch {
                status.trouble = error.description
            }
        }
    }

    private mutating func shut() {
        do throws(KernelGateError) {
            try gate.shut()
            leaseIsOurs = false
            status.leaseUntil = nil
        } catch {
            // Whatever is wrong with the tables: new ones have no lease.
            reinstall()
            do throws(KernelGateError) {
                try gate.shut()
                leaseIsOurs = false
                status.leaseUntil = nil
            } catch {
                status.trouble = error.description
            }
        }
    }

    private func announce(_ decision: GateDecision, _ before: GateDecision) {
        guard decision != before, !decision.letsLeaseRun else { return }
        let mode = plan.settings.mode
        switch decision {
        case .noGate, .settling, .awaitingWill: break
        case .openByPosture: tell(GateOpened(reason: "every required check passes", mode: mode).event)
        case .openByOverride(_, let reason):
            if case .openByOverride(_, reason) = before { return }
            tell(GateOpened(reason: "opened by hand: \(printable(reason.utf8))", mode: mode).event)
        case .forcedShut(let reason):
            tell(GateClosed(reason: "closed by hand: \(printable(reason.utf8))", check: nil, mode: mode).event)
        case .shutByCheck(let check, let kind):
            let evidence = status.posture?[check]?.evidence ?? ""
            tell(
                GateClosed(
                    reason: "\(check.rawValue) is \(kind.rawValue): \(evidence)", check: check.rawValue, mode: mode
                )
                .event)
        case .shutWithoutProof:
            tell(GateClosed(reason: "nothing was proven lately", check: nil, mode: mode).event)
        }
    }

    /// The orderly end.
    mutating func end() {
        count()
        guard status.decision.isOpen, status.decision != .noGate, leaseIsOurs else { return }
        var duration = plan.handover
        if case .openByOverride(let until, _) = status.decision {
            duration = min(duration, ContinuousClock.now.duration(to: until))
        }
        do throws(KernelGateError) {
            if duration > .zero { try gate.handOver(for: duration) } else { try gate.shut() }
        } catch {
            // The running lease ends sooner than the handover would have.
            status.trouble = error.description
        }
    }
}
