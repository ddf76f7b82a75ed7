internal import FoundationEssentials
internal import Glibc
public import Journal
internal import LinuxSystem
public import Scanner
internal import SystemPackage

/// A scan session from its beginning to its end, for a program that does nothing else meanwhile; and what the session
/// itself does.
public enum SessionProcess {
    /// How a session ended.
    public enum Ending: Equatable, Sendable {
        /// It told its summary.
        case finished(ScanSummary)
        /// Somebody interrupted this process by this signal; the summary is of what was done until then.
        case interrupted(signal: Int32, ScanSummary?)
        /// It could not scan, or died. A sentence for a person.
        case failed(String, ScanSummary?)

        /// What was done until the end, as far as it was told.
        public var summary: ScanSummary? {
            switch self {
            case .finished(let summary): summary
            case .interrupted(_, let summary), .failed(_, let summary): summary
            }
        }

        /// Why not everything was scanned, in words; empty where everything was.
        public var reason: String {
            switch self {
            case .finished: ""
            case .interrupted(let signal, _): "interrupted by signal \(signal)"
            case .failed(let reason, _): reason
            }
        }
    }

    /// The exit status of a session that failed and said why on its standard error.
    public static let failureStatus: Int32 = 3

    /// Runs a session to its end. Blocks; not to be called on the concurrency pool.
    ///
    /// SIGINT, SIGTERM and SIGHUP of this process end the session in good order; a second one ends it at once.
    ///
    /// - Parameter handle: is given every event, as it comes. Where it throws, the session is ended in good order and what it
    ///   still tells is handed over all the same.
    /// - Throws: where the session could not be started or its events could not be read; the first error of `handle`.
    public static func run(_ order: SessionOrder, handle: (Event) throws -> Void) throws -> Ending {
        let signals = try SignalDescriptor([SIGINT, SIGTERM, SIGHUP])
        let session = try RunningSession(order)
        var signal: Int32?
        var refusal: (any Error)?
        while true {
            let ready = try waitUntilReadable([signals.rawValue] + session.descriptors, milliseconds: 1000)
            if ready.contains(0), let came = signals.next() {
                session.end()
                signal = came
            }
            let ending = try session.advance { event in
                do {
                    try handle(event)
                } catch {
                    if refusal == nil { session.end() }
                    refusal = refusal ?? error
                }
            }
            guard let ending else { continue }
            if let refusal { throw refusal }
            return signal.map { .interrupted(signal: $0, ending.summary) } ?? ending
        }
    }

    /// What a session does, called in the child: reads its order, scans, tells. Returns the exit status.
    public static func serve() -> Int32 {
        dieWithParent()
        do {
            let order = try JSONDecoder().decode(SessionOrder.self, from: Data(readToEnd(.standardInput)))
            // Before the first thread and the engine, which inherit it. For a scan by hand a person waits: on a machine
            // whose processors are never idle it must come to its end all the same.
            let notes = order.trigger == .manual ? IdlePriority.yield() : IdlePriority.take()
            try Session.run(order, engine: Executables.engine(), notes: notes) { event in
                try FileDescriptor.standardOutput.writeAll(event.jsonLine())
            }
            return 0
        } catch {
            _ = try? FileDescriptor.standardError.writeAll("\(error)\n".utf8)
            return failureStatus
        }
    }
}
