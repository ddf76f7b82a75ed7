public import Journal

/// What is remembered of one target's scans, so that each time of its schedule is kept exactly once.
public struct ScanRecord: Codable, Equatable, Sendable {
    /// The schedule that ``settled`` is about, as it is written.
    public internal(set) var schedule: String
    /// Every time of the schedule up to this moment is settled: kept, or not to be kept.
    public internal(set) var settled: UnixTime
    /// Since when the target is known, for who asks whether a scan that never was is late.
    public internal(set) var knownSince: UnixTime
    /// When the scan began that has not come to its end yet; nil where none is left over.
    public internal(set) var unfinished: UnixTime?
    /// Whether a session of it runs now, as far as was told.
    public internal(set) var isRunning = false
    /// Sessions that failed or were lost, one after the other.
    public internal(set) var failures = 0
    /// Not before this an unfinished scan is tried again.
    public internal(set) var retryAt: UnixTime?

    init(schedule: String, now: UnixTime) {
        self.schedule = schedule
        settled = now
        knownSince = now
    }
}

/// How a session of a target ended.
public enum SessionEnding: Sendable {
    /// It came to its end, with everything met.
    case completed
    /// It was stopped in order: the window closed, the agent stops, the machine goes down. It goes on as soon as it may.
    case interrupted
    /// It failed. It is tried again, later each time.
    case failed
    /// A person does not want it any more: it waits for the next time of its schedule.
    case cancelled
}
