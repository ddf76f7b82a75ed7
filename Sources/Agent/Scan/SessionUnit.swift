internal import Glibc
internal import LinuxSystem
public import SystemPackage

/// A session in a unit of its own: what it may do, the agent's unit need not be allowed, and its weight of processor and
/// disk is its own.
///
/// systemd listens at a socket (`nodeguard-scan.socket`) and starts a service for each connection. The agent's child is
/// then not the session but a relay, which hands the session's three descriptors over, passes signals on, and ends as the
/// session did. When either side dies, so does the other: the connection tells.
///
///     agent ── relay ──socket── acceptor ── session ── engine
///     └ nodeguard.service ┘      └ nodeguard-scan@N.service ┘
public enum SessionUnit {
    /// What the agent's unit sets: where systemd listens. Without it a session is simply a child.
    private static let variable = "NODEGUARD_SCAN_SOCKET"

    /// What `nodeguard scan-session` is told, so that it becomes the relay where there is such a unit.
    static var arguments: [String] {
        guard let socket = unsafe getenv(variable) else { return [] }
        return unsafe ["--relay", String(cString: socket)]
    }

    private static let end: [UInt8] = Array("end".utf8)

    /// The relay. Returns the status to exit with, unless it ends by the signal that ended the session.
    public static func relay(to path: FilePath) -> Int32 {
        dieWithParent()
        do {
            let signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP])
            let unit = try MessageSocket(connectedTo: path)
            for number in Int32(0)...2 { try unit.send(Array("\(number)".utf8), descriptor: number) }
            while true {
                let ready = try waitUntilReadable([signals.rawValue, unit.rawValue])
                if ready.contains(0), signals.next() != nil { try? unit.send(end) }
                guard ready.contains(1) else { continue }
                switch try unit.receive(waiting: false) {
                case .nothingYet: continue
                case .closed:
                    return failed("the scan's unit ended without a word: journalctl -u 'nodeguard-scan@*' tells why")
                case .message(let message):
                    return ended(String(decoding: message.bytes, as: UTF8.self))
                }
            }
        } catch {
            return failed(
                "a scan has a unit of its own, and it cannot be had: \(error); fix: systemctl start nodeguard-scan.socket"
            )
        }
    }

    /// Ends as the session did, told as `exited STATUS` or `killed SIGNAL`.
    private static func ended(_ how: String) -> Int32 {
        let words = how.split(separator: " ")
        guard words.count == 2, let number = Int32(words[1]) else {
            return failed("the scan's unit told its end in words that are not known: \(printable(how.utf8))")
        }
        if words[0] == "exited" { return number }
        signal(number, SIG_DFL)
        raise(number)
        return failed("the scan session was killed by signal \(number)")
    }

    /// The acceptor, started by systemd with the connection as its standard input. Returns the status to exit with.
    public static func serve() -> Int32 {
        do {
            let signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP, SIGCHLD])
            let relay = MessageSocket(owning: try FileDescriptor.standardInput.duplicate())
            let descriptors = try handedOver(relay)
            let process = try ChildProcess(
                program: Executables.nodeguard(), arguments: ["scan-session"],
                environment: ChildProcess.bareEnvironment, descriptors: descriptors)
            // Only the session has them now: that they are closed tells the agent of its end.
            for descriptor in descriptors { try? descriptor.close() }
            while true {
                let ready = try waitUntilReadable([signals.rawValue, relay.rawValue])
                while let signal = signals.next() { if signal != SIGCHLD { process.signal(SIGTERM) } }
                if process.ends(withinMilliseconds: 0) { break }
                guard ready.contains(1) else { continue }
                switch try relay.receive(waiting: false) {
                case .nothingYet: continue
                case .message: process.signal(SIGTERM)
                case .closed:
                    // Nobody is there any more for whom it scans. It is killed with this process.
                    return 0
                }
            }
            let end =
                switch process.wait() {
                case .exited(let status): "exited \(status)"
                case .killed(let signal): "killed \(signal)"
                }
            try? relay.send(Array(end.utf8))
            return 0
        } catch {
            return failed("a scan session could not be started in its unit: \(error)")
        }
    }

    /// The three descriptors that the session gets, in the order of their numbers.
    private static func handedOver(_ relay: borrowing MessageSocket) throws -> [FileDescriptor] {
        var descriptors: [FileDescriptor] = []
        while descriptors.count < 3 {
            guard case .message(var message) = try relay.receive(), let descriptor = message.descriptor.take() else {
                throw Errno.connectionReset
            }
            descriptors.append(descriptor.release())
        }
        return descriptors
    }

    private static func failed(_ message: String) -> Int32 {
        _ = try? FileDescriptor.standardError.writeAll("\(message)\n".utf8)
        return SessionProcess.failureStatus
    }
}
