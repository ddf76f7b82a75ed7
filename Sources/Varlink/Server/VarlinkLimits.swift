/// How much clients may ask of a server. Each number has the value that a control socket of one machine needs; tests take
/// smaller ones.
public struct VarlinkLimits: Sendable {
    /// How many connections there are at once. For one more the longest of the same user is ended that has not sent a whole
    /// call yet; where there is none, the new one is told ``VarlinkError/tooManyConnections`` and closed.
    public var connections = 64
    /// How many of those only root may have, so that no other user who is allowed keeps root out.
    public var connectionsForRoot = 8
    /// The longest call or reply, in bytes. A longer call ends the connection; in place of a longer reply the client gets
    /// ``VarlinkError/cannotReply(_:)``.
    public var messageSize = 1 << 20
    /// How deep objects and arrays are nested in a call. A deeper one ends the connection.
    public var nesting = 32
    /// How many bytes wait for a client that does not read. From then on replies that are not the last are dropped
    /// (``VarlinkCall/send(_:)`` says so), and further calls are not looked at. One reply may reach beyond, and the last.
    public var queuedBytes = 256 << 10
    /// After this time without a byte taken of what waits for it, a client is closed; a call may say otherwise
    /// (``VarlinkCall/stalled``).
    public var stalled = Duration.seconds(60)
    /// How long a call may take to come, from its first byte to its end.
    public var halfMessage = Duration.seconds(10)
    /// How long a connection may have no call.
    public var idle = Duration.seconds(60)
    /// How many calls of a connection, and how many new connections, are looked at in one step.
    public var perStep = 16
    /// The most that is read from a connection in one step, in bytes.
    public var readPerStep = 64 << 10
    /// How long no connection is taken after the kernel had no descriptor or memory for one; they wait meanwhile.
    public var acceptPause = Duration.milliseconds(500)

    /// The limits as above.
    public init() {}
}
