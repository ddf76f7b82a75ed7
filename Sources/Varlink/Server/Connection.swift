internal import LinuxSystem
internal import SystemPackage

/// A client's connection: what came and waits to be looked at, what waits to be sent, and the one call that is being
/// answered. It only ever ends inside of the server's step.
final class Connection {
    let peer: PeerCredentials
    let limits: VarlinkLimits
    private let socket: StreamSocket
    private var input = MessageBuffer()
    private var output: [UInt8] = []
    private var outputStart = 0

    /// A call was taken and its last reply not given yet. Until then the next one waits: replies keep the order of calls.
    private(set) var isBusy = false
    private weak var call: VarlinkCall?

    /// No further call is taken, and the connection ends when what waits has been sent.
    private var isEnding = false
    /// The client has gone, or is to.
    private(set) var isBroken = false
    /// The client says nothing more. It may still read.
    private var inputEnded = false

    /// A moment that has passed: the answer to "when?" where it is at once.
    let began: ContinuousClock.Instant
    private var idleSince: ContinuousClock.Instant
    private var messageSince: ContinuousClock.Instant
    private var sentAt: ContinuousClock.Instant
    /// See ``VarlinkCall/stalled``.
    var stalled: Duration

    init(_ socket: consuming StreamSocket, peer: PeerCredentials, limits: VarlinkLimits) {
        self.socket = socket
        self.peer = peer
        self.limits = limits
        began = .now
        idleSince = began
        messageSince = began
        sentAt = began
        stalled = limits.stalled
    }

    var descriptor: Int32 { socket.rawValue }

    var isOpen: Bool { !isBroken && !isEnding }

    private var hasAsked = false
    /// Whether no whole call has come yet.
    var isSilent: Bool { !hasAsked && !input.hasMessage }

    private var queued: Int { output.count - outputStart }

    /// Whether another reply may wait for the client.
    var hasRoom: Bool { queued < limits.queuedBytes }

    /// Whether a call can be taken now.
    private var canTakeCall: Bool { isOpen && !isBusy && input.hasMessage && hasRoom }

    /// What to wait for.
    var watched: Watched {
        var events: PollEvents = []
        if isOpen && !isBusy && !inputEnded && !input.hasMessage && hasRoom { events.insert(.readable) }
        if queued > 0 { events.insert(.writable) }
        return Watched(socket.rawValue, events)
    }

    /// When the server has to look at this connection though nothing came; nil where it need not.
    var deadline: ContinuousClock.Instant? {
        if isBroken || canTakeCall { return began }
        if queued > 0 { return sentAt.advanced(by: stalled) }
        if isEnding { return began }
        if isBusy { return nil }
        if inputEnded { return began }
        return input.count > 0 ? messageSince.advanced(by: limits.halfMessage) : idleSince.advanced(by: limits.idle)
    }

    // MARK: What the server does in a step

    /// Sends and reads what can be, without waiting.
    func handle(_ events: PollEvents) {
        let peerHasGone = !events.isDisjoint(with: [.hungUp, .failed])
        if queued > 0 && (events.contains(.writable) || peerHasGone) { flush() }
        if watched.events.contains(.readable) {
            if !events.isEmpty { read() }
        } else if isBusy && peerHasGone {
            isBroken = true
        }
    }

    /// The next call, where one can be taken.
    func nextMessage() -> [UInt8]? {
        guard canTakeCall else { return nil }
        hasAsked = true
        messageSince = .now
        let message = input.next()
        guard let message, message.count <= limits.messageSize else {
            refuse()
            return nil
        }
        return message
    }

    /// From now on the connection is busy with this call.
    func begin(_ call: VarlinkCall) {
        isBusy = true
        self.call = call
        stalled = limits.stalled
    }

    /// What came is no call: nobody knows what else is not. The connection ends once what waits has been sent.
    func refuse() {
        isEnding = true
    }

    /// The end of a step: tells the call that there is room again, and says whether the connection is over.
    func isOver(at now: ContinuousClock.Instant) -> Bool {
        if queued == 0, let call, call.hasDropped, isOpen { call.noteRoom() }
        if isBroken { return true }
        return !canTakeCall && deadline.map { $0 <= now } == true
    }

    /// Tells the call that the client has gone.
    func end() {
        isBroken = true
        let call = call
        self.call = nil
        call?.noteGone()
    }

    // MARK: What a call does, at any time

    func send(_ reply: [UInt8]) {
        let wasEmpty = queued == 0
        if wasEmpty {
            // Also gives back the memory of a long reply.
            output = []
            outputStart = 0
            sentAt = .now
        }
        output += reply
        output.append(0)
        if wasEmpty { flush() }
    }

    func finish(_ reply: [UInt8]) {
        endCall()
        if isOpen { send(reply) }
    }

    func callWasForgotten() {
        endCall()
        isEnding = true
    }

    private func endCall() {
        isBusy = false
        call = nil
        idleSince = .now
        messageSince = idleSince
    }

    // MARK: Bytes

    private func flush() {
        do throws(Errno) {
            let sent = try socket.send(output[outputStart...])
            guard sent > 0 else { return }
            sentAt = .now
            outputStart += sent
            if queued == 0 {
                output = []
                outputStart = 0
                // Meanwhile it was perhaps not read from: that is not the client's delay.
                idleSince = sentAt
                messageSince = sentAt
            } else if outputStart > output.count / 2 {
                output.removeFirst(outputStart)
                outputStart = 0
            }
        } catch {
            isBroken = true
        }
    }

    private func read() {
        do throws(Errno) {
            switch try socket.receive(upTo: limits.readPerStep) {
            case .nothingYet: break
            case .closed: inputEnded = true
            case .bytes(let bytes):
                if input.count == 0 { messageSince = .now }
                input.append(bytes)
                idleSince = .now
                if !input.hasMessage && input.count > limits.messageSize { refuse() }
            }
        } catch {
            isBroken = true
        }
    }
}
