internal import Glibc
internal import Journal
internal import LinuxSystem
internal import Synchronization

/// Feeds systemd's watchdog as long as the gate's loop lives, on a thread of its own: it may have to wait for systemd, and
/// neither the gate nor the agent's loop may wait for that.
///
/// The agent's loop may be held up by a slow disk; only where it seems to be stuck for good, a new start is better. Where a
/// disk holds up the start, this says in the loop's place that the gate is held.
final class Watchdog: Sendable {
    private let gate: GateKeeper
    private let loopCameRound: Atomic<UInt64>
    private let longestHoldUp: UInt64 = 300_000_000_000
    private let isReadyTold = Atomic(false)
    /// How long the agent's loop has to say itself that it is ready, once the gate is held: in steps of 20 ms.
    private static let patientSteps = 250

    init(_ gate: GateKeeper) {
        self.gate = gate
        loopCameRound = Atomic(monotonicNanoseconds())
    }

    /// To be called each time that the agent's loop comes round.
    func loopCame() { loopCameRound.store(monotonicNanoseconds(), ordering: .relaxed) }

    /// Whether nobody has told systemd yet that the agent is ready; who asks is to tell it.
    func mayTellReady() -> Bool {
        isReadyTold.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
    }

    /// As soon as the gate is held, and the agent's loop has had its time.
    private func tellReadyWhereHeldUp() {
        var steps = 0
        while steps < Self.patientSteps, !isReadyTold.load(ordering: .acquiring) {
            poll(nil, 0, 20)
            if gate.cameRound > 0 { steps += 1 }
        }
        if mayTellReady() { ServiceManager.ready("\(gate.view.inWords); a disk holds up the rest") }
    }

    /// Begins to feed it, where systemd waits for that.
    func start() throws(SystemCallError) {
        let patience = ServiceManager.patience
        try startThread { [self] in
            tellReadyWhereHeldUp()
            guard let patience else { return }
            let nanoseconds = UInt64(patience / .nanoseconds(1))
            while true {
                let now = monotonicNanoseconds()
                let isGateAlive = now &- gate.cameRound < nanoseconds / 2
                let isLoopAlive = now &- loopCameRound.load(ordering: .relaxed) < longestHoldUp
                if isGateAlive && isLoopAlive { ServiceManager.alive() }
                var pause = timespec(tv_sec: 0, tv_nsec: 0)
                pause.tv_sec = time_t(nanoseconds / 4 / 1_000_000_000)
                pause.tv_nsec = Int(nanoseconds / 4 % 1_000_000_000)
                unsafe nanosleep(&pause, nil)
            }
        }
    }
}
