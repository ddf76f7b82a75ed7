public import LinuxSystem

/// What became of a reply.
public enum VarlinkSent: Equatable, Sendable {
    /// It is on its way.
    case sent
    /// It was left out, since the client does not read. ``VarlinkCall/onRoom`` is called when it has caught up.
    case dropped
    /// It was left out, since nobody waits for it: the client has gone, has been given the last reply, or never asked for
    /// more than one.
    case over
}

/// A call that is to be answered: at once, later, or many times.
///
/// Whoever keeps it, answers later. Where the last reference goes without a last reply, the connection is closed: a client
/// never waits for what was forgotten. All of it belongs to the thread of the server.
public final class VarlinkCall {
    /// The whole name of the method.
    public let method: String
    /// Who calls.
    public let peer: PeerCredentials
    /// Whether the client takes more than one reply.
    public let wantsMore: Bool

    /// Called once when the client goes before it got the last reply: what is done for it can stop.
    public var onGone: (() -> Void)?
    /// Called when a client that did not read has taken all that waited for it, after replies were dropped.
    public var onRoom: (() -> Void)?

    private let message: [UInt8]
    private var connection: Connection?
    private(set) var hasDropped = false

    init(method: String, message: [UInt8], wantsMore: Bool, peer: PeerCredentials, on connection: Connection?) {
        self.method = method
        self.message = message
        self.wantsMore = wantsMore
        self.peer = peer
        self.connection = connection
    }

    deinit {
        connection?.callWasForgotten()
    }

    /// Whether somebody waits for a reply. Never for a call that was made `oneway`.
    public var isOpen: Bool { connection?.isOpen == true }

    /// How long the client may take nothing of what waits for it before it is closed: ``VarlinkLimits/stalled``, unless
    /// another time is set. It holds until all was taken, beyond the last reply too.
    public var stalled: Duration? {
        get { connection?.stalled }
        set { if let newValue { connection?.stalled = newValue } }
    }

    /// The parameters.
    ///
    /// - Throws: `InvalidParameter` with the place of the first one that does not fit the type.
    public func parameters<Parameters: Decodable>(as type: Parameters.Type) throws(VarlinkError) -> Parameters {
        do {
            return try decode(ParametersOf<Parameters>.self, from: message).parameters
        } catch {
            throw .invalidParameter(placeOf(error))
        }
    }

    /// Sends a reply that is not the last.
    public func send(_ parameters: some Encodable) -> VarlinkSent {
        guard wantsMore, let connection, connection.isOpen else { return .over }
        guard connection.hasRoom else {
            hasDropped = true
            return .dropped
        }
        do {
            let reply = try encode(OutgoingReply(parameters: parameters, continues: true))
            guard reply.count <= connection.limits.messageSize else { throw VarlinkError.cannotReply("it is too long") }
            connection.send(reply)
            return .sent
        } catch {
            fail(error as? VarlinkError ?? .cannotReply("JSON has no form for it"))
            return .over
        }
    }

    /// Sends the last reply, or the only one.
    public func reply(_ parameters: some Encodable = NoParameters()) {
        guard isOpen else { return }
        do {
            finish(try encode(OutgoingReply(parameters: parameters)))
        } catch {
            fail(.cannotReply("JSON has no form for it"))
        }
    }

    /// Answers with an error, which is the last reply.
    public func fail(_ error: VarlinkError) {
        finish(error.message)
    }

    private func finish(_ reply: [UInt8]) {
        guard let connection else { return }
        let fits = reply.count <= connection.limits.messageSize
        connection.finish(fits ? reply : VarlinkError.cannotReply("it is too long").message)
        end()
    }

    /// The client has caught up.
    func noteRoom() {
        hasDropped = false
        onRoom?()
    }

    /// The client has gone.
    func noteGone() {
        let told = onGone
        end()
        told?()
    }

    private func end() {
        connection = nil
        // They often hold the call.
        onGone = nil
        onRoom = nil
    }
}

/// Which parameter an error of decoding is about: `filter.uid`.
private func placeOf(_ error: any Error) -> String {
    let path: [any CodingKey]
    switch error as? DecodingError {
    case .keyNotFound(let key, let context): path = context.codingPath + [key]
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
        path = context.codingPath
    default: path = []
    }
    // The first is `parameters`, but where the call has none.
    let names = path.first?.stringValue == "parameters" && path.count > 1 ? path.dropFirst() : path[...]
    return names.isEmpty ? "parameters" : names.map(\.stringValue).joined(separator: ".")
}
