internal import FoundationEssentials
internal import Glibc
public import Journal
internal import LinuxSystem
public import Scanner
internal import SystemPackage

/// A scan session as a child process, for a program that waits for many things with one poll(2).
///
/// The session parses nothing that it finds and loads no libclamav; still it is a process of its own, so that a mistake
/// in it takes nothing else along. It ends with this process, and with the last reference to this object.
public final class RunningSession {
    private let process: ChildProcess
    private var events: Pipe
    private var failures: Pipe
    private var isOpen = (events: true, failures: true)
    private var reader = EventLineReader()
    private var summary: ScanSummary?
    private var said: [UInt8] = []
    private var isAskedToEnd = false

    /// Whether nothing is taken from the session for now: it waits, once its pipe is full.
    public var isHeldBack = false

    /// Starts a session. Waits for nothing but the start of the process.
    public init(_ order: SessionOrder) throws {
        // A file in memory rather than a pipe: writing it waits for nobody.
        let orders = try memoryFile(named: "order", Array(JSONEncoder().encode(order)))
        try orders.descriptor.seek(offset: 0, from: .start)
        events = try Pipe()
        failures = try Pipe()
        process = try ChildProcess(
            program: Executables.nodeguard(), arguments: ["scan-session"] + SessionUnit.arguments,
            environment: ChildProcess.bareEnvironment,
            descriptors: [orders.descriptor, events.writeEnd, failures.writeEnd])
        events.closeWriteEnd()
        failures.closeWriteEnd()
    }

    /// The session's process, for messages.
    public var processID: Int32 { process.id }

    /// What to wait for with poll(2); a negative number is left out there. Look once a second all the same: who else has
    /// a session's pipe can keep it open beyond the session's end.
    public var descriptors: [Int32] {
        [isOpen.events && !isHeldBack ? events.readEnd.rawValue : -1, isOpen.failures ? failures.readEnd.rawValue : -1]
    }

    /// Asks it to end in good order; who asks twice does not want to wait for that, and the next session removes what is
    /// left.
    public func end() {
        process.signal(isAskedToEnd ? SIGKILL : SIGTERM)
        isAskedToEnd = true
    }

    /// Takes what it has told by now, without waiting, and at most a megabyte at once.
    ///
    /// - Parameter handle: is given every event, as it comes.
    /// - Throws: ``EventLineError`` where it does not talk as a session does: then it is of no use any more.
    /// - Returns: how it ended; nil as long as it runs.
    public func advance(_ handle: (Event) -> Void) throws -> SessionProcess.Ending? {
        for _ in 0..<16 {
            let isOver = process.ends(withinMilliseconds: 0)
            let ready = try waitUntilReadable(descriptors, milliseconds: 0)
            if ready.isEmpty && isOver && !isHeldBack { return ending }
            if ready.contains(0) {
                let bytes = try readSome(events.readEnd)
                isOpen.events = !bytes.isEmpty
                reader.append(bytes)
                while let event = try reader.next() {
                    if case .summary(let last) = event { summary = last }
                    handle(event)
                }
            }
            if ready.contains(1) {
                let bytes = try readSome(failures.readEnd)
                isOpen.failures = !bytes.isEmpty
                // A torrent must not fill the memory.
                said = Array((said + bytes).prefix(8192))
            }
            if !isOpen.events && !isOpen.failures { return ending }
            if ready.isEmpty { return nil }
        }
        return nil
    }

    /// How it ended; waits for the end of a process that has closed its pipes.
    private var ending: SessionProcess.Ending {
        let text = String(decoding: said, as: UTF8.self).split(separator: "\n").joined(separator: "\n")
        switch process.ending(withinMilliseconds: 5000) {
        case .exited(0):
            if let summary { return .finished(summary) }
            return .failed("the scan session ended without a summary", nil)
        case .exited(let status):
            return .failed(text.isEmpty ? "the scan session ended with status \(status)" : text, summary)
        case .killed(let signal):
            // The first line says what, if it could say anything; a backtrace is for a debugger.
            let first = text.split(separator: "\n").first.map { ": \($0)" } ?? ""
            return .failed("the scan session was killed by signal \(signal)\(first)", summary)
        case nil: return .failed("the scan session closed its pipes and did not end", summary)
        }
    }
}
