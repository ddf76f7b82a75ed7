internal import CSystemd
internal import Glibc
public import LinuxSystem
public import SystemPackage

/// Why the journal did not take an event.
public enum JournaldError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Nobody listens for entries on this host.
    case absent(SystemCallError)
    /// journald listens but does not read: its queue is full.
    case busy
    /// journald's library could not hand the entry over.
    case refused(SystemCallError)

    /// What happened, and what to do.
    public var description: String {
        switch self {
        case .absent(let error):
            "no journal takes entries here: \(error); start systemd-journald, mount the folder /run/systemd/journal "
                + "into the container, or set journal.enabled: false"
        case .busy: "systemd-journald does not read its entries; look at: systemctl status systemd-journald"
        case .refused(let error): "the journal did not take an entry: \(error)"
        }
    }
}

/// Sends events to systemd-journald.
public struct JournaldSink: Sendable {
    /// Where journald takes entries, systemd's JOURNAL_NATIVE_PROTOCOL. libsystemd knows no other place.
    public static let socket: FilePath = "/run/systemd/journal/socket"

    /// How long an event may wait for journald to read the ones before it.
    public let patience: Duration

    /// A sink. Nothing is opened before the first event.
    ///
    /// - Parameter patience: how long an event may wait. The queue is short (`net.unix.max_dgram_qlen`, 10 where systemd
    ///   has not made it longer), so a burst fills it although all is well; where nothing may wait, pass zero and expect
    ///   ``JournaldError/busy``.
    public init(patience: Duration = .seconds(2)) {
        self.patience = patience
    }

    /// Asks whether an entry would be taken now, or within ``patience``.
    ///
    /// sd_journal_sendv(3) says yes with nobody listening, and waits for ever for a journald that does not read. So this
    /// is asked before every entry; only one that is sent in the very moment in which journald dies is lost without a
    /// word.
    ///
    /// - Throws: ``JournaldError/absent(_:)`` or ``JournaldError/busy``.
    public func check() throws(JournaldError) {
        let hasRoom: Bool
        do throws(SystemCallError) {
            hasRoom = try DatagramSocket(connectedTo: Self.socket).waitForRoom(patience)
        } catch {
            throw .absent(error)
        }
        guard hasRoom else { throw .busy }
    }

    /// Sends one event; an event that is told as JSON only (see ``Event/journalEntry``) is not sent.
    ///
    /// - Throws: ``JournaldError``. What was thrown for was not journaled.
    public func send(_ event: Event) throws(JournaldError) {
        guard let entry = event.journalEntry else { return }
        try check()
        let result = sendToJournal(entry.map { Array("\($0.name.rawValue)=".utf8) + $0.value })
        guard result >= 0 else {
            throw .refused(
                SystemCallError("sd_journal_sendv", "write to", "the journal", errno: Errno(rawValue: -result)))
        }
    }
}

/// sd_journal_sendv(3): 0, or a negative error number.
private func sendToJournal(_ fields: [[UInt8]]) -> Int32 {
    var bytes = Array(fields.joined())
    return unsafe bytes.withUnsafeMutableBytes { buffer in
        var offset = 0
        let vector = unsafe fields.map { field in
            defer { offset += field.count }
            return unsafe iovec(iov_base: buffer.baseAddress! + offset, iov_len: field.count)
        }
        return unsafe sd_journal_sendv(vector, Int32(vector.count))
    }
}
