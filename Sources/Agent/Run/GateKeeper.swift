internal import Glibc
internal import Journal
internal import LinuxSystem
internal import Policy
internal import Synchronization
internal import SystemPackage

/// The gate's loop on a thread of its own, and what the rest of the agent may know of it.
///
/// Nothing that the rest of the agent does holds that thread up: it hands over events and answers, and never waits for
/// whoever takes them.
final class GateKeeper: Sendable {
    /// What the gate's loop tells, for the agent's loop.
    let events: Mailbox<Event>
    private let loop: GateLoop
    private let retry: Bell
    private let state: Mutex<State>

    private struct State {
        var plan: GatePlan
        var trouble: String?
        var posture: Posture?
        var hasEnded = false
        var isStopped = false
        /// When the thread came round while the loop could not begin.
        var cameRound: UInt64 = 0
    }

    /// Where the gate's loop could not begin, it is tried again so often.
    private static let pause: Int32 = 5000

    /// So many events wait at most for an agent's loop that a disk holds up.
    private static let mostEvents = 1000

    /// - Parameter host: where the node's root is, for its container runtime.
    init(_ plan: GatePlan, store: OverrideStore, host: FilePath) throws(SystemCallError) {
        let events = try Mailbox<Event>()
        self.events = events
        retry = try Bell()
        state = Mutex(State(plan: plan))
        loop = try GateLoop(
            plan, store: store, host: host,
            tell: { event in
                // How the gate moved is never given up; how checks changed in between is, the oldest first.
                events.put(event, atMost: Self.mostEvents) { if case .checkChanged = $0 { true } else { false } }
            })
    }

    /// Starts the thread; it ends after ``stop()``.
    func start() throws(SystemCallError) {
        try startThread { [self] in
            while true {
                do throws(KernelGateError) {
                    try loop.run()
                    break
                } catch {
                    // The gate is not ours, or the kernel cannot do it: what an earlier agent left goes on and ends by
                    // itself. Whether the posture holds is worth knowing all the same.
                    let policy = state.withLock { $0.plan.posture }
                    let posture = loop.posture(policy)
                    let isStopped = state.withLock { state in
                        state.trouble = error.description
                        state.posture = posture
                        state.cameRound = monotonicNanoseconds()
                        return state.isStopped
                    }
                    if isStopped { break }
                    _ = try? waitUntilReadable([retry.rawValue], milliseconds: Self.pause)
                    retry.silence()
                }
            }
            state.withLock { $0.hasEnded = true }
            events.ring()
        }
    }

    /// What is known of the gate now.
    var view: GateView {
        let status = loop.status
        return state.withLock { state in
            // Since the loop came round the trouble is over.
            let isLooping = loop.cameRound > state.cameRound
            return GateView(
                decision: status.decision, posture: isLooping ? status.posture : state.posture ?? status.posture,
                counters: status.counters, trouble: isLooping ? status.trouble : state.trouble,
                isKept: isLooping && status.isInPlace, mode: state.plan.settings.mode, will: status.will,
                isOpenByLease: status.decision.letsLeaseRun && status.leaseUntil.map { $0 > .now } == true,
                tookOver: status.tookOver)
        }
    }

    /// When the thread last came round, by ``monotonicNanoseconds()``.
    var cameRound: UInt64 { max(loop.cameRound, state.withLock { $0.cameRound }) }

    /// Whether the thread has come to its end.
    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    /// Changes what the gate guards and requires.
    func replace(_ plan: GatePlan) {
        state.withLock { $0.plan = plan }
        loop.replace(plan)
        retry.ring()
    }

    /// Hands over what was read of the node's state, for the checks that judge it.
    func inform(_ facts: StateFacts) { loop.inform(facts) }

    /// Looks at everything now, as after a person's word.
    func lookNow() { loop.lookNow() }

    /// Ends the loop in good order: an open gate stays open for the handover. ``hasEnded`` tells when that is done.
    func stop() {
        state.withLock { $0.isStopped = true }
        loop.stop()
        retry.ring()
    }
}

/// The gate at one moment, as the rest of the agent sees it.
struct GateView: Equatable, Sendable {
    /// What was decided last.
    var decision: GateDecision
    /// The posture it rests on; nil before the first look.
    var posture: Posture?
    /// What was dropped.
    var counters: GateCounters
    /// Why the gate is not as it should be, for a person; nil where it is.
    var trouble: String?
    /// Whether the agent holds the gate at all: false where the kernel or another agent keeps it from it, or took its rules.
    var isKept: Bool
    /// What decisions do to the ports.
    var mode: GateMode
    /// The person's will that the decision rests on.
    var will: GateOverrideState
    /// Whether the ports are open all the same while the decision waits: by a lease of before, which still runs.
    var isOpenByLease: Bool
    /// Whether the gate was first opened while the lease of the agent before still ran: it was open all along.
    var tookOver: Bool
}

extension GateView {
    /// Whether what is decided, or a lease of before, lets packets through.
    var letsThrough: Bool { decision.isOpen || isOpenByLease }

    /// Whether a person has taken it into their own hands; nil where that is not known.
    var isOverridden: Bool? { will == .unknown ? nil : will != .automatic }

    /// Whether the ports are open now, or nothing shuts them: what `wait-open` waits for, and what the status listener tells.
    /// A gate that only observes shuts nothing, unless a person has forced it shut.
    var isOpen: Bool {
        switch mode {
        case .disabled: return true
        case .observe:
            if case .forcedShut = decision { return false }
            return true
        case .enforce: return isKept && letsThrough
        }
    }
}
