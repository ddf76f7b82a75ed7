internal import Glibc
internal import Journal
internal import LinuxSystem
internal import Synchronization

/// Feeds systemd's watchdog as long as the gate's loop lives, on a thread of its own: it may have to wait for systemd, and
/// neither the gate nor the agent's loop may wait for that.
///
/// The agent's loop may be held up by a slow disk; only where it seems to be stuck for good, a new start is better.
final class Watchdog: Sendable {
    private let gate: GateKeeper
    private let loopCameRound: Atomic<UInt64>
    private let longestHoldUp: UInt64 = 300_000_000_000

    init(_ gate: GateKeeper) {
        self.gate = gate
        loopCameRound = Atomic(monotonicNanoseconds())
    }

    /// To be called each time that the agent's loop comes round.
    func loopCame() { loopCameRound.store(monotonicNanoseconds(), ordering: .relaxed) }

    /// Begins to feed it, where systemd waits for that.
    func start() throws(SystemCallError) {
        guard let patience = ServiceManager.patience else { return }
        let nanoseconds = UInt64(patience / .nanoseconds(1))
        try startThread { [self] in
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
