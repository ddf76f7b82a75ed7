internal import Glibc
internal import LinuxSystem

/// The sessions of `scan-now --plan`. They open no file, load no engine and only read the ledger: each runs beside whatever
/// else runs, and interrupts nothing.
final class PlanSessions {
    private var running: [Running] = []

    private struct Running {
        let number: Int64
        let session: RunningSession
        let listener: any ScanListener
        let notes: [String]
        /// Who asked for it has asked for its end, or has gone.
        var isEnding = false
    }

    /// Whether there are none.
    var isEmpty: Bool { running.isEmpty }
    /// How many there are.
    var count: Int { running.count }
    /// What to wait for.
    var descriptors: [Int32] { running.flatMap(\.session.descriptors) }

    /// Takes a session that was started.
    func begin(_ number: Int64, _ session: RunningSession, _ listener: any ScanListener, notes: [String]) {
        running.append(Running(number: number, session: session, listener: listener, notes: notes))
    }

    /// Asks the session of this number to end; false where there is none.
    func end(_ number: Int64) -> Bool {
        guard let place = running.firstIndex(where: { $0.number == number }) else { return false }
        end(at: place)
        return true
    }

    private func end(at place: Int) {
        if !running[place].isEnding { running[place].session.end() }
        running[place].isEnding = true
    }

    /// Passes on what they tell. Waits for nothing.
    func step() {
        for place in running.indices.reversed() {
            let one = running[place]
            if one.listener.isGone { end(at: place) }
            one.session.isHeldBack = !one.listener.hasRoom && !one.listener.isGone
            var ending: SessionProcess.Ending?
            do {
                ending = try one.session.advance { one.listener.hear($0) }
            } catch {
                ending = .failed("the scan session does not talk as it should: \(error)", nil)
            }
            guard let ending else { continue }
            let isInterrupted = running.remove(at: place).isEnding
            one.listener.ended(
                isInterrupted ? .interrupted(signal: SIGTERM, ending.summary) : ending, notes: one.notes)
        }
    }

    /// Ends them all at once: nothing is lost with a plan.
    func stop() {
        for one in running {
            one.session.end()
            one.session.end()
            one.listener.ended(.failed("nodeguard stops", nil), notes: one.notes)
            // One that hangs in a disk would be waited for together with the last reference.
            _ = unsafe Unmanaged.passRetained(one.session)
        }
        running = []
    }
}
