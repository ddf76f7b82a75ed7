internal import EngineProtocol
internal import LinuxSystem
internal import SystemPackage

/// The session's end of one worker of the engine.
final class Worker {
    /// Its process number, by which the engine names it.
    let id: Int32
    private let socket: MessageSocket
    /// What it was given and has not answered yet, in order. It works on the first.
    private(set) var queue: [(id: UInt64, look: Look)] = []
    /// When it began with the first of the queue, CLOCK_MONOTONIC in nanoseconds.
    private(set) var headSince: UInt64 = 0
    /// Clean files that it answered since its last canary: not reported before the next one was found.
    private(set) var unconfirmed: [Look] = []
    /// When the first of these was answered, CLOCK_MONOTONIC in nanoseconds.
    private(set) var unconfirmedSince: UInt64 = 0
    /// Canaries that it still has to answer; until both are answered it is given no file.
    var canariesDue = 0
    /// Whether it has found its first canaries.
    var isProven = false
    /// The socket's other end is gone; the engine will say how it ended.
    private(set) var isGone = false

    /// So that it never waits for the session, and little is lost when it dies.
    static let queueLength = 3

    init(id: Int32, socket: consuming OwnedDescriptor) {
        self.id = id
        self.socket = MessageSocket(owning: socket.release())
    }

    var descriptor: Int32 { socket.rawValue }

    var isFree: Bool { isProven && !isGone && queue.count < Self.queueLength }

    /// Sends a file. A worker that is gone takes it all the same: what it had is settled when the engine tells its end.
    func send(_ look: Look, id request: UInt64) {
        if queue.isEmpty { headSince = monotonicNanoseconds() }
        queue.append((request, look))
        do {
            try socket.send(ScanRequest(id: request).encoded(), descriptor: look.descriptor)
        } catch {
            isGone = true
        }
    }

    /// The next answer, or nil where there is none yet or none to come.
    ///
    /// - Throws: where the worker says something that it cannot mean. It is as good as dead.
    func receive() throws -> (look: Look, verdict: Verdict)? {
        switch try socket.receive(waiting: false) {
        case .nothingYet: return nil
        case .closed:
            isGone = true
            return nil
        case .message(let message):
            let answer = try ScanAnswer(message.bytes)
            guard let head = queue.first, head.id == answer.id else {
                throw MalformedMessage("an answer to no question")
            }
            queue.removeFirst()
            headSince = monotonicNanoseconds()
            return (head.look, answer.verdict)
        }
    }

    /// Takes a clean answer in that waits for the next canary.
    func addUnconfirmed(_ look: Look) {
        if unconfirmed.isEmpty { unconfirmedSince = headSince }
        unconfirmed.append(look)
    }

    /// Gives back what waits for a canary.
    func takeUnconfirmed() -> [Look] {
        defer { unconfirmed = [] }
        return unconfirmed
    }

    /// Gives back what it had and never answered.
    func takeQueue() -> [Look] {
        defer { queue = [] }
        return queue.map(\.look)
    }
}
