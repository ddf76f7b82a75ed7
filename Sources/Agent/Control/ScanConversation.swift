internal import Journal
internal import Varlink

/// A scan that a client asked for: hands its events on as fast as the client reads them, and loses none.
final class ScanConversation: ScanListener {
    private let call: VarlinkCall
    /// What did not fit any more; the session waits meanwhile.
    private var waiting: [Event] = []
    private var ending: SessionProcess.Ending?
    private(set) var isGone = false

    init(_ call: VarlinkCall) {
        self.call = call
        // Until the last reply the call keeps these, and they keep the conversation.
        call.onGone = { self.isGone = true }
        call.onRoom = { self.catchUp() }
    }

    var hasRoom: Bool { waiting.isEmpty }

    func hear(_ event: Event) {
        waiting.append(event)
        if waiting.count == 1 { catchUp() }
    }

    func ended(_ ending: SessionProcess.Ending) {
        self.ending = ending
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
        switch ending {
        case .finished: call.reply(ScanReply(ended: "finished"))
        case .interrupted: call.reply(ScanReply(ended: "interrupted"))
        case .failed(let why, _): call.reply(ScanReply(ended: "failed", why: why))
        }
    }
}

/// A reply to `io.nodeguard.Scan`: an event, or how the scan ended.
struct ScanReply: Codable {
    var event: Event?
    var ended: String?
    var why: String?
}
