internal import LinuxSystem
internal import SystemPackage
internal import Varlink

/// The control socket: `io.nodeguard` over Varlink, for root alone.
///
/// It is a part of the agent's loop. What a client does or does not do costs that client's connection at most.
final class Control {
    private let server: VarlinkServer
    private let path: FilePath
    private unowned let agent: Agent
    /// Calls that wait for the gate to open.
    private var waiting: [VarlinkCall] = []

    init(_ agent: Agent, at path: FilePath, version: String) throws {
        self.agent = agent
        self.path = path
        var limits = VarlinkLimits()
        // As long as an event's line can be: a path can have millions of bytes.
        limits.messageSize = 16 << 20
        let listener = try StreamListener(at: path)
        let box = Box()
        let methods = ControlMethod.all.map { method in
            VarlinkMethod(method.name) { call throws(VarlinkError) in
                guard let control = box.control else { throw .cannotReply("nodeguard is just starting") }
                try method.answer(call, control)
            }
        }
        server = try VarlinkServer(
            VarlinkService(vendor: "nodeguard", product: "nodeguard", version: version, url: ""),
            interfaces: [try VarlinkInterface(description: ControlMethod.description, methods: methods)], at: listener,
            limits: limits)
        box.control = self
    }

    /// Breaks the circle of the server, its methods and this.
    private final class Box {
        weak var control: Control?
    }

    /// What to wait for, see ``VarlinkServer/watched``.
    var watched: [Watched] { server.watched }
    /// When to look although nothing came.
    var nextDeadline: ContinuousClock.Instant? { server.nextDeadline }

    /// A step of the server; never waits.
    func handle(_ ready: [Watched]) { server.handle(ready) }

    /// Makes the socket anew where it was deleted or replaced.
    func restore() throws(SystemCallError) {
        guard !server.isAtItsPath else { return }
        server.listen(at: try StreamListener(at: path))
    }

    /// The gate opened or shut: whoever waits for that may hear it.
    func gateMoved() {
        guard agent.isGateOpen else { return }
        for call in waiting { call.reply() }
        waiting = []
    }

    /// Answers a call when the gate is open.
    func whenOpen(_ call: VarlinkCall) {
        waiting.removeAll { !$0.isOpen }
        waiting.append(call)
        gateMoved()
    }

    /// What the methods ask.
    var asked: Agent { agent }
}
