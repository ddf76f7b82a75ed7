internal import ContentHash
internal import Journal

/// What this session knows of contents, so that identical ones are looked at once: those that are being looked at, and
/// those of which something else came out than "clean". Clean ones are the ledger's.
struct SameContent {
    /// Said with the outcome of a file that was not looked at for this reason.
    static let detail = "the same bytes were looked at in another file"

    private struct Judged {
        let outcome: Outcome
        let detail: String?
    }

    private struct Running {
        let look: Look
        var waiting: [Look] = []
    }

    private var judged: [Digest: Judged] = [:]
    private var running: [Digest: Running] = [:]
    private var waitingCount = 0

    /// Files held open because another one with their content is being looked at.
    private static let mostWaiting = 64
    /// About 20 MB.
    private static let mostJudged = 100_000

    /// Whether a file would have to wait for this content, and no more can.
    func mustWaitOutside(for digest: Digest) -> Bool { waitingCount >= Self.mostWaiting && running[digest] != nil }

    /// Whether this content was looked at by this session, or is being looked at.
    func knows(_ digest: Digest) -> Bool { running[digest] != nil || judged[digest] != nil }

    /// What became of this content before.
    func outcome(of digest: Digest) -> (Outcome, detail: String?)? {
        judged[digest].map { ($0.outcome, $0.detail) }
    }

    /// Has a file wait where its content is being looked at; else this one is the one that is looked at.
    ///
    /// - Returns: whether it waits.
    mutating func wait(_ look: Look, for digest: Digest) -> Bool {
        guard running[digest] != nil else {
            running[digest] = Running(look: look)
            return false
        }
        running[digest]?.waiting.append(look)
        waitingCount += 1
        return true
    }

    /// Keeps what became of a content.
    ///
    /// - Returns: whether it holds for every file with this content: a read error or a broken worker does not.
    mutating func keep(_ outcome: Outcome, detail: String?, of digest: Digest, lookedAtBy look: Look) -> Bool {
        switch outcome {
        case .clean where look.subject != nil: return true
        case .clean, .infected, .incomplete(.limit), .incomplete(.encrypted), .incomplete(.timeout),
            .incomplete(.engineCrash):
            if judged.count < Self.mostJudged { judged[digest] = Judged(outcome: outcome, detail: detail) }
            return true
        case .unchanged: return true
        case .incomplete, .skipped: return false
        }
    }

    /// Everything that has waited for this look; nothing where another one is the one that is looked at.
    mutating func takeWaiting(for look: Look, _ digest: Digest) -> [Look] {
        guard let run = running[digest], run.look === look else { return [] }
        running[digest] = nil
        waitingCount -= run.waiting.count
        return run.waiting
    }
}
