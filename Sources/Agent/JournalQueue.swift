public import Journal

/// Sends events to the journal, and keeps those that it does not take for a while: journald may be starting again.
public final class JournalQueue {
    private var sink: JournaldSink?
    private let longest: Int
    private var waiting: [Event] = []
    /// Nothing is tried again before this: each attempt may wait, and a journald that hangs must not hold up its sender by
    /// that much for every event.
    private var nextAttempt: ContinuousClock.Instant = .now
    private static let pause = Duration.seconds(1)
    /// Events that were given up.
    public private(set) var untold = 0
    /// Why the journal did not take the last event that it did not take; nil when it took one since.
    public private(set) var problem: String?

    /// A queue to the journal.
    ///
    /// - Parameters:
    ///   - isWanted: `journal.enabled`; without it nothing is sent and nothing is a problem.
    ///   - longest: how many events wait for another attempt; beyond it the oldest is given up. 0: none waits.
    public init(isWanted: Bool, longest: Int = 0) {
        self.longest = longest
        adopt(isWanted: isWanted)
    }

    /// Takes up another `journal.enabled`.
    public func adopt(isWanted: Bool) {
        sink = isWanted ? JournaldSink(patience: longest > 0 ? .milliseconds(200) : .seconds(2)) : nil
        if !isWanted { waiting = [] }
    }

    /// Sends one event, after those that wait.
    public func send(_ event: Event) {
        guard sink != nil, event.journalEntry != nil else { return }
        waiting.append(event)
        if longest == 0 || .now >= nextAttempt { retry() }
        while waiting.count > longest {
            waiting.removeFirst()
            untold += 1
        }
    }

    /// Whether some events wait for another attempt.
    public var isWaiting: Bool { !waiting.isEmpty }

    /// Tries again to send what waits.
    public func retry() {
        guard let sink else { return }
        var sent = 0
        for event in waiting {
            do throws(JournaldError) {
                try sink.send(event)
                problem = nil
                sent += 1
            } catch {
                problem = error.description
                nextAttempt = .now.advanced(by: Self.pause)
                break
            }
        }
        waiting.removeFirst(sent)
    }

    /// What a person should know; nil where everything was told.
    public var complaint: String? {
        guard untold + waiting.count > 0, let problem else { return nil }
        return "\(untold + waiting.count) events did not reach the journal: \(problem)"
    }
}
