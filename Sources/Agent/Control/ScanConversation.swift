internal import Journal
internal import Varlink

/// A scan that a client asked for: hands its events on as fast as the client reads them, and loses none.
final class ScanConversation: ScanListener {
    private let call: VarlinkCall
    /// What did not fit any more; the session waits meanwhile.
    private var waiting: [Event] = []
    private var ending: (how: SessionProcess.Ending, notes: [String])?
    private(set) var isGone = false

    /// How long a client may take nothing: as long as a person may leave `scan-now | less` alone. The schedule's scans wait
    /// meanwhile.
    static let patience = Duration.seconds(15 * 60)

    init(_ call: VarlinkCall) {
        self.call = call
        call.stalled = Self.patience
        // Until the last reply the call keeps these, and they keep the conversation.
        call.onGone = { self.isGone = true }
        call.onRoom = { self.catchUp() }
    }

    var hasRoom: Bool { waiting.isEmpty }

    func hear(_ event: Event) {
        waiting.append(event)
        if waiting.count == 1 { catchUp() }
    }

    func ended(_ ending: SessionProcess.Ending, notes: [String]) {
        self.ending = (ending, notes)
        if waiting.isEmpty { finish() }
    }

    private func catchUp() {
        while let event = waiting.first {
            if call.send(ScanReply(event: event)) == .dropped { return }
            waiting.removeFirst()
        }
        finish()
    }

    private func finish() {
        guard let ending else { return }
        var reply = ScanReply(notes: ending.notes.isEmpty ? nil : ending.notes)
        switch ending.how {
        case .finished: reply.ended = "finished"
        case .interrupted: reply.ended = "interrupted"
        case .failed(let why, _): (reply.ended, reply.why) = ("failed", why)
        }
        call.reply(reply)
    }
}

/// A reply to `io.nodeguard.Scan`: the scan's number, an event, or how the scan ended.
struct ScanReply: Codable {
    var scan: Int64?
    var event: Event?
    var ended: String?
    var why: String?
    var notes: [String]?
}
