internal import Glibc
public import LinuxSystem
internal import SystemPackage

/// A Varlink service (https://varlink.org) for a program that is one thread around poll(2) and never waits for a client.
///
/// The program waits for what ``watched`` says, until ``nextDeadline`` at most, and then calls ``handle(_:)``, which does a
/// bounded amount of work and calls the handlers of methods. Handlers and the closures of a ``VarlinkCall`` are only ever
/// called there. What a client does, sends or fails to read ends at worst its own connection: see ``VarlinkLimits``.
///
/// Only the users allowed get anything; others are told ``VarlinkError/permissionDenied`` and closed.
public final class VarlinkServer {
    private var listener: StreamListener
    private let interfaces: [String: VarlinkInterface]
    private let allowed: Set<UInt32>
    private let limits: VarlinkLimits
    private var connections: [Int32: Connection] = [:]
    /// No connection is taken before: the kernel had no descriptor for one.
    private var acceptsFrom: ContinuousClock.Instant?

    /// How many connections there are.
    public var connectionCount: Int { connections.count }
    /// How often the kernel had no descriptor or memory for a connection that waits.
    public private(set) var acceptFailures = 0

    /// A service with these interfaces, and with `org.varlink.service`.
    ///
    /// - Parameters:
    ///   - listener: where clients connect: `try StreamListener(at: path)`.
    ///   - allowed: the users who may call; root and this process's own by default.
    /// - Throws: ``VarlinkDescriptionError`` where two interfaces have the same name.
    public init(
        _ service: VarlinkService, interfaces: [VarlinkInterface], at listener: consuming StreamListener,
        allowed: Set<UInt32>? = nil, limits: VarlinkLimits = VarlinkLimits()
    ) throws(VarlinkDescriptionError) {
        self.listener = listener
        self.allowed = allowed ?? [0, geteuid()]
        self.limits = limits
        var all: [String: VarlinkInterface] = [:]
        for interface in [try service.interface(beside: interfaces)] + interfaces {
            guard all.updateValue(interface, forKey: interface.name) == nil else {
                throw VarlinkDescriptionError(description: "there are two interfaces \(interface.name)")
            }
        }
        self.interfaces = all
    }

    /// Whether the socket is still where clients look for it.
    public var isAtItsPath: Bool { listener.isAtItsPath }

    /// Takes new connections there from now on. Those that there are go on.
    public func listen(at other: consuming StreamListener) {
        listener = other
        acceptsFrom = nil
    }

    /// The descriptors to wait at, and for what. To be asked anew before each wait.
    public var watched: [Watched] {
        var all = connections.values.map(\.watched)
        if acceptsFrom == nil { all.append(Watched(listener.rawValue)) }
        return all
    }

    /// When ``handle(_:)`` is to be called though nothing came; nil where there is no such moment. To be asked anew before
    /// each wait.
    public var nextDeadline: ContinuousClock.Instant? {
        (connections.values.compactMap(\.deadline) + [acceptsFrom].compactMap { $0 }).min()
    }

    /// Does what can be done without waiting: takes connections, reads, calls handlers, sends, and closes.
    ///
    /// - Parameter ready: what came, as ``waitForEvents(_:until:)`` gives it. Descriptors of others are passed over.
    public func handle(_ ready: [Watched]) {
        let came = Dictionary(ready.map { ($0.descriptor, $0.events) }) { $0.union($1) }
        // New connections come last: one that gets the number of a connection that ended is not taken for it.
        for connection in connections.values {
            connection.handle(came[connection.descriptor] ?? [])
            for _ in 0..<limits.perStep {
                guard let message = connection.nextMessage() else { break }
                answer(message, on: connection)
            }
        }
        let now = ContinuousClock.now
        for (descriptor, connection) in connections where connection.isOver(at: now) {
            connections[descriptor] = nil
            connection.end()
        }
        if let from = acceptsFrom, from <= now { acceptsFrom = nil }
        if came[listener.rawValue] != nil && acceptsFrom == nil { accept() }
    }

    // MARK: Connections

    private func accept() {
        for _ in 0..<limits.perStep {
            do throws(Errno) {
                guard let socket = try listener.accept() else { return }
                take(socket)
            } catch {
                // The connection stays where it is, and the listener readable: asking again at once would be all that the
                // program does from now on.
                acceptFailures += 1
                acceptsFrom = .now.advanced(by: limits.acceptPause)
                return
            }
        }
    }

    private func take(_ socket: consuming StreamSocket) {
        // Whoever cannot be seen is nobody.
        guard let peer = try? socket.peer(), allowed.contains(peer.uid) else {
            refuse(socket, .permissionDenied)
            return
        }
        let room = limits.connections - (peer.uid == 0 ? 0 : limits.connectionsForRoot)
        guard connections.count < room || endLongestSilent(for: peer) else {
            refuse(socket, .tooManyConnections)
            return
        }
        let descriptor = socket.rawValue
        connections[descriptor] = Connection(socket, peer: peer, limits: limits)
    }

    /// Whoever comes with a question comes before who has said nothing yet, or only a part of something: makes room for
    /// this client by ending the connection of its user that is so for the longest.
    private func endLongestSilent(for peer: PeerCredentials) -> Bool {
        let silent = connections.values.filter { $0.peer.uid == peer.uid && $0.isSilent }
        for connection in silent.sorted(by: { $0.began < $1.began }) {
            // Perhaps it has spoken by now.
            connection.handle(.readable)
            guard connection.isSilent else { continue }
            connections[connection.descriptor] = nil
            connection.end()
            return true
        }
        return false
    }

    /// The queue of a new connection has room for so little.
    private func refuse(_ socket: borrowing StreamSocket, _ error: VarlinkError) {
        _ = try? socket.send((error.message + [0])[...])
    }

    // MARK: Calls

    private func answer(_ message: [UInt8], on connection: Connection) {
        guard nesting(of: message) <= limits.nesting, let head = try? decode(CallHead.self, from: message) else {
            connection.refuse()
            return
        }
        // Nobody waits for the answer of a oneway call: it has no connection.
        let call = VarlinkCall(
            method: head.method, message: message, wantsMore: head.more && !head.oneway, peer: connection.peer,
            on: head.oneway ? nil : connection)
        if !head.oneway { connection.begin(call) }
        do throws(VarlinkError) {
            try handler(of: head)(call)
        } catch {
            call.fail(error)
        }
    }

    private func handler(of head: CallHead) throws(VarlinkError) -> (VarlinkCall) throws(VarlinkError) -> Void {
        let parts = head.method.utf8.lastIndex(of: UInt8(ascii: ".")).map {
            (interface: String(head.method[..<$0]), method: String(head.method[head.method.index(after: $0)...]))
        }
        guard let parts else { throw .methodNotFound(head.method) }
        guard let interface = interfaces[parts.interface] else { throw .interfaceNotFound(parts.interface) }
        guard let method = interface.methods[parts.method] else { throw .methodNotFound(parts.method) }
        guard !head.upgrade else { throw .invalidParameter("upgrade") }
        guard let names = head.parameterNames else { throw .invalidParameter("parameters") }
        if let unknown = names.filter({ !method.parameters.contains($0) }).min() { throw .invalidParameter(unknown) }
        return method.handler
    }
}
