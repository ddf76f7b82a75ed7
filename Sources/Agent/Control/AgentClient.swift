public import Config
internal import Glibc
public import Journal
internal import LinuxSystem
internal import SystemPackage
internal import Varlink

/// A running agent, as the command line talks to it.
public final class AgentClient {
    private let socket: FilePath
    private var client: VarlinkClient

    /// What kept a command from the agent.
    public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// One sentence.
        public let description: String
    }

    private init(_ socket: FilePath) throws(VarlinkClientError) {
        self.socket = socket
        client = try VarlinkClient(connectedTo: socket)
    }

    /// The agent of this configuration; nil where none runs, or this user may not talk to it.
    ///
    /// - Throws: where one runs that does not take the connection.
    public static func connect(_ settings: Configuration) throws(Failure) -> AgentClient? {
        do throws(VarlinkClientError) {
            return try AgentClient(settings.paths.runtime.path.appending("control.sock"))
        } catch {
            switch error {
            case .noSocket, .nobodyListens, .notPermitted: return nil
            default: throw Failure(description: "the agent does not answer: \(error)")
            }
        }
    }

    /// Everything that the agent knows.
    ///
    /// Where many connect at once the agent takes only so many, and ends who has not asked yet: it is asked again.
    public func status() throws(Failure) -> AgentStatus {
        let end = ContinuousClock.now.advanced(by: .seconds(10))
        while true {
            do throws(VarlinkClientError) {
                return try client.call(
                    "io.nodeguard.GetStatus", returning: StatusReply.self, within: .seconds(10)
                ).status
            } catch {
                guard error.mayBeACrowd, .now < end, let another = try? VarlinkClient(connectedTo: socket) else {
                    throw Failure(description: "the agent does not answer: \(error)")
                }
                client = another
            }
        }
    }

    private struct StatusReply: Decodable {
        let status: AgentStatus
    }

    /// Has the agent scan, and hands over every event until the end. SIGINT, SIGTERM and SIGHUP of this process end the
    /// scan; it goes on being told until its end then, and a second signal does not wait for that.
    ///
    /// - Parameter handle: is given every event, as it comes; where it throws, the scan is given up.
    public func scan(_ request: ScanRequest, handle: (Event) throws -> Void) throws -> SessionProcess.Ending {
        let signals = try SignalDescriptor([SIGINT, SIGTERM, SIGHUP])
        try begin(request)
        var summary: ScanSummary?
        while true {
            do throws(VarlinkClientError) {
                while let reply = try client.nextReply() {
                    let scan = try reply.parameters(as: ScanReply.self)
                    if case .summary(let last) = scan.event { summary = last }
                    if let event = scan.event { try tell(event, handle) }
                    guard !reply.continues else { continue }
                    switch scan.ended {
                    case "finished": return summary.map { .finished($0) } ?? .failed("the agent told no summary", nil)
                    case "interrupted": return .interrupted(signal: SIGTERM, summary)
                    default: return .failed(scan.why ?? "the agent did not say why", summary)
                    }
                }
            } catch {
                if case .refused(let refusal) = error {
                    let isBusy = refusal.name == "io.nodeguard.TooManyScans"
                    throw Failure(
                        description: isBusy ? "many scans wait already: try again later" : "the agent refuses: \(error)"
                    )
                }
                if let stopped { throw stopped }
                return .failed("the agent is gone: \(error)", summary)
            }
            if let stopped { throw stopped }
            let ready = try waitForEvents([Watched(signals.rawValue), client.watched])
            // Whoever goes away ends the scan: the agent sees it at once.
            if ready.contains(where: { $0.descriptor == signals.rawValue }), let signal = signals.next() {
                return .interrupted(signal: signal, summary)
            }
        }
    }

    private var stopped: (any Error)?

    private func tell(_ event: Event, _ handle: (Event) throws -> Void) throws(VarlinkClientError) {
        do {
            try handle(event)
        } catch {
            stopped = error
            throw .broken("nobody listens any more")
        }
    }

    private func begin(_ request: ScanRequest) throws(Failure) {
        do throws(VarlinkClientError) {
            try client.begin("io.nodeguard.Scan", ScanParameters(request), more: true)
        } catch {
            throw Failure(description: "the agent does not answer: \(error)")
        }
    }
}

extension VarlinkClientError {
    /// Whether it can be that only too many others ask at the same time.
    fileprivate var mayBeACrowd: Bool {
        switch self {
        case .broken, .refused(.tooManyConnections): true
        default: false
        }
    }
}
