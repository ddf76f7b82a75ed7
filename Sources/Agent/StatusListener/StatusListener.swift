internal import Config
internal import Glibc
internal import Journal
internal import LinuxSystem
internal import Policy
internal import Synchronization

/// Keeps the status listener of `policy.statusListen` running, on a thread of its own: binds its address, starts it, tells
/// it how the gate is, starts it again.
///
/// Neither the gate's thread nor the agent's loop ever waits for it, and a client is never heard by the agent: that reads no
/// byte from the network.
final class StatusListener: Sendable {
    private let gate: GateKeeper
    private let bell: Bell
    private let wanted: Mutex<Wanted>
    private let trouble = Mutex<String?>(nil)

    /// What the configuration says.
    private struct Wanted {
        var address: ListenAddress?
        var lease: Duration
    }

    init(_ gate: GateKeeper, _ settings: Configuration) throws(SystemCallError) {
        self.gate = gate
        bell = try Bell()
        wanted = Mutex(Wanted(address: settings.policy.statusListen, lease: settings.policy.gate.lease.duration))
    }

    /// Why nobody can ask, for a person; nil where somebody can, or shall not.
    var problem: String? { trouble.withLock { $0 } }

    /// Another configuration.
    func adopt(_ settings: Configuration) {
        wanted.withLock {
            $0 = Wanted(address: settings.policy.statusListen, lease: settings.policy.gate.lease.duration)
        }
        bell.ring()
    }

    /// The gate has opened or shut.
    func gateMoved() { bell.ring() }

    /// Starts the thread. It never ends: the kernel counts it, not the process, as the parent of what it starts
    /// (PR_SET_PDEATHSIG of prctl(2)).
    func start() throws(SystemCallError) {
        try startThread { [self] in
            // The listener runs as another user, and is to end with this process.
            addEffectiveCapabilities([.kill])
            var work = Work()
            while true {
                let now = monotonicNanoseconds()
                let wanted = wanted.withLock { $0 }
                work.follow(wanted.address, at: now)
                work.child?.tell(gate.word(at: now, lease: wanted.lease))
                let problem = work.problem
                trouble.withLock { $0 = problem }
                _ = try? waitUntilReadable([bell.rawValue], milliseconds: wanted.address == nil ? nil : Self.rhythm)
                bell.silence()
            }
        }
    }

    /// How often the listener hears of the gate, in milliseconds.
    private static let rhythm: Int32 = 250
}

/// What belongs to the thread.
private struct Work {
    private(set) var child: StatusListenerChild?
    private(set) var problem: String?
    private var socket: Bound?
    private var address: ListenAddress?
    private var nextAttempt: UInt64 = 0
    private var backOff = shortestBackOff

    /// Between two attempts to bind, and the longest before it is started again, in nanoseconds.
    private static let longestBackOff: UInt64 = 15_000_000_000
    private static let shortestBackOff: UInt64 = 250_000_000

    /// A box, so that it can be there or not.
    private final class Bound {
        let listener: StreamListener
        init(_ listener: consuming StreamListener) { self.listener = listener }
    }

    /// Does what is due.
    mutating func follow(_ wanted: ListenAddress?, at now: UInt64) {
        if wanted != address {
            child = nil
            socket = nil
            problem = nil
            address = wanted
            nextAttempt = 0
            backOff = Self.shortestBackOff
        }
        if let child { look(after: child, at: now) }
        guard let address, child == nil, now >= nextAttempt else { return }
        do throws(SystemCallError) {
            if socket == nil {
                nextAttempt = now + Self.longestBackOff
                socket = Bound(
                    try StreamListener(address: address.address.bytes, port: address.port, named: address.text))
            }
            guard let socket else { return }
            // Clients who ask in between wait in its queue.
            nextAttempt = now + backOff
            backOff = min(backOff * 2, Self.longestBackOff)
            child = try StatusListenerChild(at: socket.listener)
        } catch {
            problem = "the status listener (policy.statusListen) is not there, and is tried again: \(error)"
        }
    }

    private mutating func look(after child: StatusListenerChild, at now: UInt64) {
        if let end = child.end() {
            problem = "the status listener at \(address?.text ?? "") ended, and is started again: \(end)"
            self.child = nil
        } else if child.isServing {
            problem = nil
            // One that lasts is no failure.
            if now - child.began > 2 * Self.longestBackOff { backOff = Self.shortestBackOff }
        }
    }
}

extension GateKeeper {
    /// What there is to say of the gate.
    ///
    /// - Parameter lease: after so long without its loop the kernel has shut the ports, whatever was decided before.
    fileprivate func word(at now: UInt64, lease: Duration) -> StatusWord {
        let view = view
        let silent = Duration.nanoseconds(Int64(clamping: now - min(cameRound, now)))
        if view.mode == .enforce && view.isOpen && silent > lease {
            return StatusWord(moment: now, shutBecause: "the gate's loop does not come round")
        }
        return StatusWord(moment: now, shutBecause: view.isOpen ? nil : view.shutReason)
    }
}

extension GateView {
    /// Why, without what only an administrator shall read: evidence may name files and networks.
    fileprivate var shutReason: String {
        guard isKept else { return "the gate is not held" }
        if case .shutByCheck(let check, let kind) = decision { return "\(check.rawValue) is \(kind.rawValue)" }
        return why
    }
}
