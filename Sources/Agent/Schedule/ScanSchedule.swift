public import Config
public import Journal

/// Which target is to be scanned when.
///
/// No clock, no file, no process: whoever calls it tells what happened and asks what is to be done, and keeps the value
/// (it is Codable) after every change, before a session begins. The rules:
///
/// - A target is due at the times of its schedule, a little later by its ``delay``. One that was never seen before is due
///   at the next such time, not at once: an installation does not begin with a night's work at noon. The same holds for
///   another schedule: its times count from when it was configured.
/// - Times that were missed, however many, make one scan, as soon as it may run.
/// - No time is kept twice, also where the clock is set back or the agent starts anew. A clock that was wrong by more than
///   a day and one time of the schedule is not believed afterwards: see ``plan(_:)``.
/// - A scan that was stopped goes on as soon as it may; one that failed is tried again after 5 min, 10 min, 20 min and so
///   on up to 6 h. A session that was lost with the agent goes on at once the first time, and waits the next times.
/// - Nothing begins outside of the window, in the first minutes of the agent (``patience``), or on a disk where a session
///   runs already.
public struct ScanSchedule: Codable, Equatable, Sendable {
    /// A configured target.
    public struct Target: Equatable, Sendable {
        /// Its name.
        public var name: String
        /// When it is scanned.
        public var schedule: CronSchedule
        /// The numbers of the devices that its paths lie on; nil where they are not known, and then it shares no time with
        /// any other session.
        public var disks: Set<UInt64>?

        /// A target.
        public init(name: String, schedule: CronSchedule, disks: Set<UInt64>?) {
            self.name = name
            self.schedule = schedule
            self.disks = disks
        }
    }

    /// A session that runs now.
    public struct Running: Equatable, Sendable {
        /// Its target; nil for paths given by hand.
        public var target: String?
        /// The devices it reads from; nil where they are not known.
        public var disks: Set<UInt64>?

        /// A session.
        public init(target: String?, disks: Set<UInt64>?) {
            self.target = target
            self.disks = disks
        }
    }

    /// Everything else that ``plan(_:)`` depends on.
    public struct Circumstances: Sendable {
        /// The time now.
        public var now: UnixTime
        /// How long the agent has been running, by a clock that nobody sets.
        public var agentAge: Duration
        /// `scan.window`; nil: any time.
        public var window: TimeWindow?
        /// The sessions that run now.
        public var running: [Running]
        /// What tells this machine from others: the text of /etc/machine-id.
        public var machineID: String
        /// The local time that schedules and the window are in.
        public var local: LocalTime

        /// The circumstances.
        public init(
            now: UnixTime, agentAge: Duration, window: TimeWindow?, running: [Running], machineID: String,
            local: LocalTime = .current()
        ) {
            self.now = now
            self.agentAge = agentAge
            self.window = window
            self.running = running
            self.machineID = machineID
            self.local = local
        }
    }

    /// Why a scan is due.
    public enum Reason: Equatable, Sendable {
        /// A time of its schedule came; the latest one, where several were missed.
        case scheduled(UnixTime)
        /// One that was stopped before its end goes on.
        case unfinished
        /// One that failed is tried again.
        case retry
    }

    /// Why a scan that is due does not begin.
    public enum Wait: Equatable, Sendable {
        /// The agent has only just started, and perhaps the machine.
        case agentJustStarted
        /// It is outside of the window.
        case windowClosed
        /// A session runs on one of its disks; its target, nil for paths given by hand.
        case diskBusy(with: String?)
        /// It failed, and is tried again later.
        case backOff
    }

    /// What is to be done with a target now.
    public enum Verdict: Equatable, Sendable {
        /// A session is to be started now.
        case start(Reason)
        /// It is due, and waits.
        case wait(Reason, Wait)
        /// A session of it runs.
        case running
        /// It is not due.
        case idle
    }

    /// A target, what is to be done with it, and when it begins next.
    public struct Planned: Equatable, Sendable {
        /// The target's name.
        public var target: String
        /// What is to be done now.
        public var verdict: Verdict
        /// When its next session is due, as far as that can be told: now where it waits for a disk.
        public var next: UnixTime?
    }

    /// The targets by name.
    public private(set) var records: [String: ScanRecord] = [:]
    /// The configured ones, in their order. Not kept: the configuration says them anew.
    private var targets: [Target] = []

    private enum CodingKeys: String, CodingKey { case records }

    /// Nothing known yet.
    public init() {}

    /// Nothing scheduled begins earlier in the life of an agent. After boot the machine's real work comes first: etcd, the
    /// kubelet and a validator that catches up with its chain read the same disk for some minutes.
    public static let patience = Duration.seconds(300)
    /// A target begins at most this long after the time of its schedule, and at most a twentieth of the time to the next
    /// one: what a cluster's nodes share is not burdened by all of them at 03:00:00.
    public static let longestDelay = Duration.seconds(900)
    static let firstRetry = Duration.seconds(300)
    static let longestRetry = Duration.seconds(6 * 3600)

    // MARK: What happened

    /// Takes up the configured targets; call it at the start and after each change of the configuration.
    ///
    /// A target that is not configured any more is forgotten.
    public mutating func configure(_ targets: [Target], at now: UnixTime) {
        self.targets = targets
        let names = Set(targets.map(\.name))
        records = records.filter { names.contains($0.key) }
        for target in targets {
            var record = records[target.name] ?? ScanRecord(schedule: target.schedule.text, now: now)
            if record.schedule != target.schedule.text {
                record.schedule = target.schedule.text
                record.settled = now
            }
            records[target.name] = record
        }
    }

    /// The agent has started: whatever ran before runs no more, and nobody heard of its end.
    public mutating func agentStarted(at now: UnixTime) {
        for name in records.keys where records[name]?.isRunning == true {
            records[name]?.isRunning = false
            records[name]?.failures += 1
            let losses = records[name]?.failures ?? 1
            records[name]?.retryAt = losses > 1 ? now.advanced(by: Self.backOff(losses - 1)) : nil
        }
    }

    /// A session of a target begins, whoever wanted it: whatever was due of it is settled. Keep the value before the
    /// session is started: a power cut must not make it begin twice for one time.
    public mutating func began(_ target: String, at now: UnixTime) {
        guard var record = records[target] else { return }
        record.settled = max(record.settled, now)
        record.unfinished = record.unfinished ?? now
        record.isRunning = true
        record.retryAt = nil
        records[target] = record
    }

    /// A session of a target ended.
    public mutating func ended(_ target: String, _ ending: SessionEnding, at now: UnixTime) {
        guard var record = records[target] else { return }
        record.isRunning = false
        switch ending {
        case .completed, .cancelled:
            record.unfinished = nil
            record.failures = 0
            record.retryAt = nil
        case .interrupted:
            record.failures = 0
            record.retryAt = nil
        case .failed:
            record.failures += 1
            record.retryAt = now.advanced(by: Self.backOff(record.failures))
        }
        records[target] = record
    }

    private static func backOff(_ failures: Int) -> Duration {
        min(longestRetry, firstRetry * (1 << min(max(failures - 1, 0), 10)))
    }

    // MARK: What is to be done

    /// What is to be done with each target now, in the order of the configuration. At most one session a disk is told to
    /// start.
    ///
    /// It changes the value only where the clock turns out to have been wrong: what was settled by a clock that was ahead
    /// by more than a day and one time of the schedule is forgotten, so that a clock that was a year ahead for a minute
    /// does not cost a year of scans. Times of the schedule before now stay settled.
    public mutating func plan(_ circumstances: Circumstances) -> [Planned] {
        // A machine without a clock of its own boots in the past, and learns the time within the first minutes.
        if circumstances.agentAge >= Self.patience {
            for target in targets { distrustWrongClock(target, circumstances) }
        }
        let dues = targets.map { due($0, circumstances) }
        var busy = circumstances.running
        // Who has waited longest goes first.
        let order = targets.indices.sorted { (dues[$0].since, $0) < (dues[$1].since, $1) }
        var planned: [Int: Planned] = [:]
        for index in order {
            let target = targets[index]
            let verdict = verdict(target, dues[index], circumstances, busy)
            if case .start = verdict { busy.append(Running(target: target.name, disks: target.disks)) }
            planned[index] = Planned(
                target: target.name, verdict: verdict, next: next(target, dues[index], verdict, circumstances))
        }
        return targets.indices.compactMap { planned[$0] }
    }

    /// How long after the times of its schedule a target begins: the same each time for a target on a machine, another on
    /// another machine.
    public static func delay(_ target: Target, after occurrence: UnixTime, _ circumstances: Circumstances) -> Duration {
        guard let following = target.schedule.next(after: occurrence, in: circumstances.local) else { return .zero }
        let most = min(longestDelay, occurrence.duration(to: following) / 20)
        let share = hash(circumstances.machineID + "\0" + target.name) % 10_000
        let delay = most * Int(share) / 10_000
        // A time shortly before the window closes must not be delayed into the next night.
        if let window = circumstances.window {
            let isOpen = { window.contains(minuteOfDay: circumstances.local.minuteOfDay($0)) }
            if isOpen(occurrence) && !isOpen(occurrence.advanced(by: delay)) { return .zero }
        }
        return delay
    }

    /// FNV-1a (Fowler, Noll, Vo) with 64 bits, with the last step of SplitMix64: names that differ in one letter are far
    /// apart.
    private static func hash(_ text: String) -> UInt64 {
        var hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
        return hash ^ (hash >> 31)
    }

    /// Whether a target is due, and since or until when.
    private struct Due {
        var reason: Reason?
        var since: UnixTime
        /// It is due because of a failed session alone, and not before this.
        var retryAt: UnixTime?
    }

    private mutating func distrustWrongClock(_ target: Target, _ circumstances: Circumstances) {
        guard var record = records[target.name] else { return }
        let now = circumstances.now
        let following = target.schedule.next(after: now, in: circumstances.local) ?? now
        let believable = following.advanced(by: .seconds(86400))
        if record.settled > believable { record.settled = now }
        if record.knownSince > believable { record.knownSince = now }
        if let retryAt = record.retryAt, now.duration(to: retryAt) > Self.longestRetry {
            record.retryAt = now.advanced(by: Self.backOff(record.failures))
        }
        if record != records[target.name] { records[target.name] = record }
    }

    private func due(_ target: Target, _ circumstances: Circumstances) -> Due {
        guard let record = records[target.name] else { return Due(reason: nil, since: circumstances.now) }
        let now = circumstances.now
        let local = circumstances.local
        if record.isRunning { return Due(reason: nil, since: now) }
        var since = target.schedule.next(after: record.settled, in: local) ?? UnixTime(microseconds: .max)
        var reason: Reason?
        if since <= now {
            // A time that has come wins over a retry: it does not wait for the back-off.
            since = since.advanced(by: Self.delay(target, after: since, circumstances))
            if since <= now {
                reason = .scheduled(
                    target.schedule.last(before: now.advanced(by: .microseconds(1)), in: local) ?? since)
            }
        } else {
            since = since.advanced(by: Self.delay(target, after: since, circumstances))
        }
        if reason == nil, let unfinished = record.unfinished {
            return Due(
                reason: record.failures > 0 ? .retry : .unfinished, since: min(unfinished, now),
                retryAt: record.retryAt.map { min($0, since) })
        }
        return Due(reason: reason, since: since)
    }

    private func verdict(
        _ target: Target, _ due: Due, _ circumstances: Circumstances, _ busy: [Running]
    ) -> Verdict {
        if records[target.name]?.isRunning == true || busy.contains(where: { $0.target == target.name }) {
            return .running
        }
        guard let reason = due.reason else { return .idle }
        if let retryAt = due.retryAt, circumstances.now < retryAt { return .wait(reason, .backOff) }
        if circumstances.agentAge < Self.patience { return .wait(reason, .agentJustStarted) }
        if let window = circumstances.window,
            !window.contains(minuteOfDay: circumstances.local.minuteOfDay(circumstances.now))
        {
            return .wait(reason, .windowClosed)
        }
        let other = busy.first { session in
            guard let mine = target.disks, let theirs = session.disks else { return true }
            return !mine.isDisjoint(with: theirs)
        }
        return other.map { .wait(reason, .diskBusy(with: $0.target)) } ?? .start(reason)
    }

    private func next(_ target: Target, _ due: Due, _ verdict: Verdict, _ circumstances: Circumstances) -> UnixTime? {
        let now = circumstances.now
        switch verdict {
        case .start, .wait(_, .diskBusy): return now
        case .wait(_, .backOff): return opening(circumstances, from: max(now, due.retryAt ?? now))
        case .wait(_, .agentJustStarted):
            return opening(circumstances, from: now.advanced(by: Self.patience - circumstances.agentAge))
        case .wait(_, .windowClosed): return opening(circumstances, from: now)
        case .idle:
            let patience = max(.zero, Self.patience - circumstances.agentAge)
            return opening(circumstances, from: max(due.since, now.advanced(by: patience)))
        case .running:
            guard let following = target.schedule.next(after: now, in: circumstances.local) else { return nil }
            return opening(
                circumstances,
                from: following.advanced(by: Self.delay(target, after: following, circumstances)))
        }
    }

    /// The first moment from here on at which the window is open.
    private func opening(_ circumstances: Circumstances, from moment: UnixTime) -> UnixTime? {
        guard let window = circumstances.window else { return moment }
        let isOpen = { window.contains(minuteOfDay: circumstances.local.minuteOfDay($0)) }
        if isOpen(moment) { return moment }
        let start = "\(window.start % 60) \(window.start / 60) * * *"
        guard let everyDay = try? CronSchedule(parsing: start) else { return nil }
        var opening = moment
        // In spring a short window can be left out for a day.
        for _ in 0..<3 {
            guard let following = everyDay.next(after: opening, in: circumstances.local) else { return nil }
            if isOpen(following) { return following }
            opening = following
        }
        return nil
    }
}
