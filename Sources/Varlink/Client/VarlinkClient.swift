public import LinuxSystem
public import SystemPackage

/// A connection to a Varlink service, for a program that waits for the answers.
///
/// ``call(_:_:returning:within:)`` and ``stream(_:_:within:each:)`` wait, until a deadline. A program that waits for other
/// things as well uses ``begin(_:_:more:within:)``, ``watched`` and ``nextReply()``.
public final class VarlinkClient {
    /// The longest reply that is taken, in bytes.
    public static let maximumReplySize = 16 << 20

    private let socket: StreamSocket
    private let path: String
    private var input = MessageBuffer()
    private var inputEnded = false
    private var isUsable = true

    /// Connects to the service at this path.
    public init(connectedTo path: FilePath, within time: Duration = .seconds(5)) throws(VarlinkClientError) {
        self.path = printable(path)
        do throws(SystemCallError) {
            socket = try StreamSocket(connectedTo: path, within: time)
        } catch {
            throw VarlinkClientError(connecting: error, to: printable(path))
        }
    }

    // MARK: Waiting

    /// Calls a method and waits for its reply.
    public func call(
        _ method: String, _ parameters: some Encodable = NoParameters(), within time: Duration
    ) throws(VarlinkClientError) -> VarlinkReply {
        let end = ContinuousClock.now.advanced(by: time)
        try begin(method, parameters, until: end)
        let reply = try waitForReply(method, until: end)
        guard !reply.continues else { throw giveUp("\(method): \(path) sent more replies than were asked for") }
        return reply
    }

    /// Calls a method, waits for its reply, and gives back its parameters.
    public func call<Result: Decodable>(
        _ method: String, _ parameters: some Encodable = NoParameters(), returning: Result.Type, within time: Duration
    ) throws(VarlinkClientError) -> Result {
        try call(method, parameters, within: time).parameters(as: Result.self)
    }

    /// Calls a method with `more`, and hands over each of its replies.
    ///
    /// - Parameters:
    ///   - time: how long each reply may take; nil waits for ever.
    ///   - each: gives back whether it wants another. Where it does not though the service has more to say, the connection
    ///     is of no further use: to close it is the only way to end a call.
    public func stream(
        _ method: String, _ parameters: some Encodable = NoParameters(), within time: Duration?,
        each: (VarlinkReply) throws(VarlinkClientError) -> Bool
    ) throws(VarlinkClientError) {
        try begin(method, parameters, more: true, until: time.map { .now.advanced(by: $0) })
        while true {
            let reply = try waitForReply(method, until: time.map { .now.advanced(by: $0) })
            guard try each(reply) else {
                isUsable = !reply.continues
                return
            }
            if !reply.continues { return }
        }
    }

    // MARK: For a program that waits for other things as well

    /// Sends a call, and does not wait for its reply.
    ///
    /// - Parameter time: how long sending may take, where the service does not read.
    public func begin(
        _ method: String, _ parameters: some Encodable = NoParameters(), more: Bool = false,
        within time: Duration = .seconds(5)
    ) throws(VarlinkClientError) {
        try begin(method, parameters, more: more, until: .now.advanced(by: time))
    }

    /// What to wait for until ``nextReply()`` may have another answer.
    public var watched: Watched { Watched(socket.rawValue) }

    /// The next reply, if it is there; never waits. To be asked until it gives back nil, before waiting.
    ///
    /// - Throws: ``VarlinkClientError/refused(_:)`` where the reply is an error, ``VarlinkClientError/broken(_:)`` where no
    ///   other can come.
    public func nextReply() throws(VarlinkClientError) -> VarlinkReply? {
        while !input.hasMessage {
            guard isUsable else { throw .broken("the connection to \(path) is not usable any more") }
            guard !inputEnded else { throw giveUp("\(path) closed the connection") }
            guard input.count <= Self.maximumReplySize else {
                throw giveUp("\(path) sent a reply of more than \(Self.maximumReplySize) bytes")
            }
            do throws(Errno) {
                switch try socket.receive(upTo: 65536) {
                case .nothingYet: return nil
                case .closed: inputEnded = true
                case .bytes(let bytes): input.append(bytes)
                }
            } catch {
                throw giveUp("reading from \(path): \(error)")
            }
        }
        guard let message = input.next() else { return nil }
        guard nesting(of: message) <= 64, let head = try? decode(ReplyHead.self, from: message) else {
            throw giveUp("\(path) sent what is no reply of Varlink")
        }
        if let name = head.error { throw .refused(VarlinkError(name: name, message: message)) }
        return VarlinkReply(continues: head.continues ?? false, message: message)
    }

    private func begin(
        _ method: String, _ parameters: some Encodable, more: Bool = false, until end: ContinuousClock.Instant?
    ) throws(VarlinkClientError) {
        guard isUsable else { throw .broken("the connection to \(path) is not usable any more") }
        let call = OutgoingCall(method: method, parameters: parameters, more: more ? true : nil, oneway: nil)
        guard let message = try? encode(call) else {
            throw .broken("\(method): JSON has no form for the parameters")
        }
        var rest = (message + [0])[...]
        while !rest.isEmpty {
            let sent: Int
            do throws(Errno) {
                sent = try socket.send(rest)
            } catch .brokenPipe {
                // A service that refuses a connection says why before it closes: that is there to be read.
                return
            } catch {
                throw giveUp("sending to \(path): \(error)")
            }
            rest = rest.dropFirst(sent)
            if sent == 0 { try wait(.writable, method, until: end) }
        }
    }

    private func waitForReply(
        _ method: String, until end: ContinuousClock.Instant?
    ) throws(VarlinkClientError) -> VarlinkReply {
        while true {
            if let reply = try nextReply() { return reply }
            try wait(.readable, method, until: end)
        }
    }

    private func wait(
        _ events: PollEvents, _ method: String, until end: ContinuousClock.Instant?
    ) throws(VarlinkClientError) {
        do throws(SystemCallError) {
            let ready = try waitForEvents([Watched(socket.rawValue, events)], until: end)
            guard ready.isEmpty, let end, .now >= end else { return }
        } catch {
            throw .system(error)
        }
        // Its answer would be taken for that of the next call.
        isUsable = false
        throw .timedOut(method)
    }

    private func giveUp(_ what: String) -> VarlinkClientError {
        isUsable = false
        return .broken(what)
    }
}
