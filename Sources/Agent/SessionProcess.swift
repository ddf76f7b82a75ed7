internal import FoundationEssentials
internal import Glibc
public import Journal
internal import LinuxSystem
public import Scanner
internal import SystemPackage

/// A scan session as a child process: takes the order, tells the events.
///
/// The session parses nothing that it finds and loads no libclamav; still it is a process of its own, so that a
/// mistake in it takes nothing else along.
public enum SessionProcess {
    /// How a session ended.
    public enum Ending: Equatable, Sendable {
        /// It told its summary.
        case finished(ScanSummary)
        /// Somebody interrupted this process by this signal; the summary is of what was done until then.
        case interrupted(signal: Int32, ScanSummary?)
        /// It could not scan, or died. A sentence for a person.
        case failed(String, ScanSummary?)
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
        var orders = try Pipe()
        var events = try Pipe()
        var failures = try Pipe()
        let process = try ChildProcess(
            program: Executables.nodeguard(), arguments: ["scan-session"] + SessionUnit.arguments,
            environment: ChildProcess.bareEnvironment,
            descriptors: [orders.readEnd, events.writeEnd, failures.writeEnd])
        orders.closeReadEnd()
        events.closeWriteEnd()
        failures.closeWriteEnd()
        try orders.writeEnd.writeAll(JSONEncoder().encode(order))
        orders.closeWriteEnd()

        var reader = EventLineReader()
        var summary: ScanSummary?
        var signal: Int32?
        var refusal: (any Error)?
        var said: [UInt8] = []
        var isOpen = (events: true, failures: true)
        while isOpen.events || isOpen.failures {
            let isOver = process.ends(withinMilliseconds: 0)
            // A negative descriptor is left out by poll(2).
            let ready = try waitUntilReadable(
                [
                    signals.rawValue, isOpen.events ? events.readEnd.rawValue : -1,
                    isOpen.failures ? failures.readEnd.rawValue : -1,
                ], milliseconds: isOver ? 0 : 1000)
            // The session is gone and everything was read: whoever else still holds its pipes has nothing to tell.
            if isOver && ready.isEmpty { break }
            if ready.contains(0), let came = signals.next() {
                // Who asks twice does not want to wait for good order; the next session removes what is left.
                process.signal(signal == nil ? SIGTERM : SIGKILL)
                signal = came
            }
            if ready.contains(1) {
                let bytes = try readSome(events.readEnd)
                isOpen.events = !bytes.isEmpty
                reader.append(bytes)
                while let event = try reader.next() {
                    if case .summary(let last) = event { summary = last }
                    do {
                        try handle(event)
                    } catch  where refusal == nil {
                        refusal = error
                        process.signal(SIGTERM)
                    } catch {}
                }
            }
            if ready.contains(2) {
                let bytes = try readSome(failures.readEnd)
                isOpen.failures = !bytes.isEmpty
                // A torrent must not fill the memory.
                said = Array((said + bytes).prefix(8192))
            }
        }
        let ending = process.wait()
        if let refusal { throw refusal }
        if let signal { return .interrupted(signal: signal, summary) }
        let text = String(decoding: said, as: UTF8.self).split(separator: "\n").joined(separator: "\n")
        switch ending {
        case .exited(0):
            if let summary { return .finished(summary) }
            return .failed("the scan session ended without a summary", nil)
        case .exited(let status):
            return .failed(text.isEmpty ? "the scan session ended with status \(status)" : text, summary)
        case .killed(let signal):
            // The first line says what, if it could say anything; a backtrace is for a debugger.
            let first = text.split(separator: "\n").first.map { ": \($0)" } ?? ""
            return .failed("the scan session was killed by signal \(signal)\(first)", summary)
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
