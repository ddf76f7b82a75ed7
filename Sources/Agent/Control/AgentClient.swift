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

    private init(at socket: FilePath) throws(VarlinkClientError) {
        self.socket = socket
        client = try VarlinkClient(connectedTo: socket)
    }

    /// The agent of this configuration; nil where none runs, or this user may not talk to it.
    ///
    /// - Throws: where one runs that does not take the connection.
    public static func connect(_ settings: Configuration) throws(Failure) -> AgentClient? {
        do throws(VarlinkClientError) {
            return try AgentClient(at: settings.paths.runtime.path.appending("control.sock"))
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
        var number: Int64?
        var interruption: Interruption?
        // When all that the agent had told was taken.
        var caughtUp = ContinuousClock.now
        while true {
            do throws(VarlinkClientError) {
                while let reply = try client.nextReply() {
                    let scan = try reply.parameters(as: ScanReply.self)
                    number = scan.scan ?? number
                    if case .summary(let last) = scan.event { summary = last }
                    if let event = scan.event { try tell(event, handle) }
                    if !reply.continues {
                        notes = scan.notes ?? []
                        return ending(scan, interruption, summary)
                    }
                    if let signal = try take(signals, number, &interruption) {
                        return .interrupted(signal: signal, summary)
                    }
                }
                caughtUp = .now
            } catch {
                if case .refused(let refusal) = error {
                    let isBusy = refusal.name == "io.nodeguard.TooManyScans"
                    throw Failure(
                        description: isBusy ? "many scans wait already: try again later" : "the agent refuses: \(error)"
                    )
                }
                if let stopped { throw stopped }
                if let interruption { return .interrupted(signal: interruption.signal, summary) }
                return .failed(Self.reason(for: error, unread: caughtUp.duration(to: .now)), summary)
            }
            _ = try waitForEvents([Watched(signals.rawValue), client.watched])
            if let signal = try take(signals, number, &interruption) { return .interrupted(signal: signal, summary) }
        }
    }

    /// What journal, metrics or findings did not take of the last scan, a sentence each.
    public private(set) var notes: [String] = []

    /// A signal of this process that ends the scan.
    private struct Interruption {
        let signal: Int32
        /// The connection at which the agent was asked to end it; nil as long as its number is not known.
        var asked: VarlinkClient?
    }

    /// Asks the agent to end the scan where a signal came.
    ///
    /// - Returns: the signal, where nothing more is to be waited for: the agent ends the scan of a client that goes away.
    private func take(
        _ signals: borrowing SignalDescriptor, _ number: Int64?, _ interruption: inout Interruption?
    ) throws(VarlinkClientError) -> Int32? {
        if let signal = signals.next() {
            if interruption != nil { return signal }
            interruption = Interruption(signal: signal)
        }
        guard let signal = interruption?.signal, interruption?.asked == nil, let number else { return nil }
        do throws(VarlinkClientError) {
            let other = try VarlinkClient(connectedTo: socket, within: .seconds(1))
            // Its answer is not waited for: that the scan ends is told by the scan.
            try other.begin("io.nodeguard.EndScan", EndScanParameters(scan: number))
            interruption?.asked = other
            return nil
        } catch {
            return signal
        }
    }

    private func ending(
        _ last: ScanReply, _ interruption: Interruption?, _ summary: ScanSummary?
    ) -> SessionProcess.Ending {
        if let interruption { return .interrupted(signal: interruption.signal, summary) }
        switch last.ended {
        case "finished": return summary.map { .finished($0) } ?? .failed("the agent told no summary", nil)
        case "interrupted": return .interrupted(signal: SIGTERM, summary)
        default: return .failed(last.why ?? "the agent did not say why", summary)
        }
    }

    /// Why there is no more to come, for a person.
    ///
    /// - Parameter unread: how long ago everything was taken that the agent had told until then.
    static func reason(for error: VarlinkClientError, unread: Duration) -> String {
        guard unread >= ScanConversation.patience else { return "the agent is gone: \(error)" }
        let minutes = ScanConversation.patience.components.seconds / 60
        return "the agent ended the scan, since nobody took for \(minutes) minutes what this command prints"
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
