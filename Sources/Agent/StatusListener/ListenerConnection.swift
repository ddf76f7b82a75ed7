internal import LinuxSystem
internal import SystemPackage

/// A client's connection: one head in, one answer out. Nothing that the client does or does not do makes it wait.
final class ListenerConnection {
    /// Bytes of a head, its end included.
    static let longestHead = 4096
    /// How long a client has for its head, and then again for taking the answer.
    static let patience = Duration.seconds(5)
    /// Bytes that a client may still send while it is answered.
    private static let mostIgnored = 65_536

    private let socket: StreamSocket
    private var phase: Phase = .reading([])
    /// When it began.
    let began: ContinuousClock.Instant
    /// When it ends, if nothing comes before.
    private(set) var deadline: ContinuousClock.Instant

    private enum Phase {
        case reading([UInt8])
        case writing(ArraySlice<UInt8>)
        /// Closing now, with something unread, would have the kernel take the answer back from the client (RFC 9112, 9.6).
        case lingering(left: Int)
        case over
    }

    init(_ socket: consuming StreamSocket, at now: ContinuousClock.Instant) {
        self.socket = socket
        began = now
        deadline = now.advanced(by: Self.patience)
    }

    /// What to wait for.
    var watched: Watched {
        if case .writing = phase { Watched(socket.rawValue, .writable) } else { Watched(socket.rawValue) }
    }

    /// Does what can be done without waiting.
    ///
    /// - Parameter shutBecause: why the gate is shut; nil where it is open.
    /// - Returns: whether it is over.
    func advance(at now: ContinuousClock.Instant, shutBecause: () -> String?) -> Bool {
        do throws(Errno) {
            if now >= deadline { try expire(at: now) }
            if case .reading(let head) = phase { try read(head, at: now, shutBecause) }
            if case .writing(let rest) = phase { try write(rest) }
            if case .lingering(let left) = phase { try linger(left) }
        } catch {
            phase = .over
        }
        if case .over = phase { return true }
        return false
    }

    private func expire(at now: ContinuousClock.Instant) throws(Errno) {
        if case .reading(let head) = phase, !head.isEmpty {
            begin(.tooSlow, at: now)
        } else {
            phase = .over
        }
    }

    private func read(
        _ before: [UInt8], at now: ContinuousClock.Instant, _ shutBecause: () -> String?
    ) throws(Errno) {
        var head = before
        switch try socket.receive(upTo: Self.longestHead - head.count) {
        case .nothingYet: return
        case .closed:
            // Who sent half a head may still listen.
            if head.isEmpty { phase = .over } else { begin(HTTPAnswer(to: .malformed, shutBecause: nil), at: now) }
            return
        // Empty lines in front of a request are passed over (RFC 9112, 2.2).
        case .bytes(let bytes):
            head += before.isEmpty ? bytes.drop { $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") } : bytes[...]
        }
        if let end = HTTPRequest.headEnd(in: head, from: before.count) {
            begin(HTTPAnswer(to: HTTPRequest(head: head[..<end]), shutBecause: shutBecause()), at: now)
        } else if head.count >= Self.longestHead {
            begin(.tooLong, at: now)
        } else {
            phase = .reading(head)
        }
    }

    private func begin(_ answer: HTTPAnswer, at now: ContinuousClock.Instant) {
        phase = .writing(answer.bytes[...])
        deadline = now.advanced(by: Self.patience)
    }

    private func write(_ bytes: ArraySlice<UInt8>) throws(Errno) {
        let rest = bytes.dropFirst(try socket.send(bytes))
        guard rest.isEmpty else {
            phase = .writing(rest)
            return
        }
        socket.finishSending()
        phase = .lingering(left: Self.mostIgnored)
    }

    private func linger(_ left: Int) throws(Errno) {
        switch try socket.receive(upTo: 4096) {
        case .nothingYet: break
        case .closed: phase = .over
        case .bytes(let bytes): phase = bytes.count < left ? .lingering(left: left - bytes.count) : .over
        }
    }
}
