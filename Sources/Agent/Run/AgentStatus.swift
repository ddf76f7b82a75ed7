internal import Config
public import Journal
internal import LinuxSystem
internal import Policy
internal import Scanner

/// Everything that there is to know of a running agent: what `nodeguard status` shows, and as JSON `status --json`.
public struct AgentStatus: Codable, Equatable, Sendable {
    /// The version of this form.
    public var schema = 1
    /// nodeguard's version.
    public var version: String
    /// When the agent started, as RFC 3339 has it.
    public var since: String
    /// The gate.
    public var gate: Gate
    /// Every check of the posture; empty before the first look.
    public var checks: [Check]
    /// The configured targets, in their order.
    public var targets: [Target]
    /// The scan that runs now; nil where none does.
    public var scan: Scan?
    /// Findings that nobody has accepted, over all targets.
    public var openFindings: UInt64
    /// The signatures that the engine loaded last.
    public var signatures: Signatures
    /// The files that the configuration in force comes from, printed.
    public var configuration: [String]
    /// What needs a person, a sentence each; empty where nothing does.
    public var attention: [String]
    /// What to do about the first of these; nil where that is nothing, or it says so itself.
    public var next: String?

    /// The gate.
    public struct Gate: Codable, Equatable, Sendable {
        /// `open`, `closed`, or `unknown` where the agent does not hold it.
        public var state: String
        /// `observe`, `enforce` or `disabled`.
        public var mode: String
        /// Why it is as it is.
        public var reason: String
        /// What a person can do about it.
        public var remedy: String?
        /// `forced_shut`, `open_by_hand` or nil.
        public var override: String?
        /// Packets dropped, or in mode observe those that would have been, by reason.
        public var dropped: [String: UInt64]
    }

    /// A check of the posture.
    public struct Check: Codable, Equatable, Sendable {
        /// Its name.
        public var check: String
        /// `pass`, `fail` or `unknown`.
        public var verdict: String
        /// What was seen.
        public var evidence: String
        /// What to do about it; nil for a pass.
        public var remedy: String?
        /// Whether the gate requires it.
        public var isRequired: Bool
    }

    /// A target and its scans.
    public struct Target: Codable, Equatable, Sendable {
        /// Its name.
        public var name: String
        /// When a scan of it last came to its end; nil: none has.
        public var lastCompletion: String?
        /// How that scan's files ended.
        public var lastCounts: OutcomeCounts?
        /// When its next scan is due.
        public var next: String?
        /// Why a scan that is due has not begun; nil where none is due.
        public var waits: String?
        /// Whether a scan of it was stopped before its end and is to go on.
        public var isUnfinished: Bool
    }

    /// A scan that runs.
    public struct Scan: Codable, Equatable, Sendable {
        /// Its target; nil for paths given by hand.
        public var target: String?
        /// `manual`, `schedule` or `missed_schedule`.
        public var trigger: String
        /// Files met so far.
        public var files: UInt64
        /// Bytes looked at so far.
        public var bytes: UInt64
    }

    /// The signatures.
    public struct Signatures: Codable, Equatable, Sendable {
        /// How many the engine loaded last; nil: none yet.
        public var loaded: UInt64?
        /// When each database was made, by its name.
        public var databases: [String: String]
    }
}

extension AgentStatus {
    init(
        version: String, began: UnixTime, gate view: GateView, configuration: AgentConfiguration, scans: ScanKeeper,
        snapshot: MetricsSnapshot, problems: [String]
    ) {
        self.version = version
        since = began.description
        gate = Gate(view)
        let required = configuration.required
        checks = (view.posture?.results ?? []).map { result in
            Check(
                check: result.check.rawValue, verdict: result.verdict.kind.rawValue, evidence: result.evidence,
                remedy: result.verdict.remedy, isRequired: required.contains(result.check))
        }
        targets = configuration.loaded.settings.scan.targets.map { Target($0.name.text, scans, snapshot) }
        scan = scans.running.map {
            Scan(
                target: $0.target, trigger: $0.trigger.rawValue, files: $0.progress?.files ?? 0,
                bytes: $0.progress?.bytes ?? 0)
        }
        openFindings = snapshot.targets.values.reduce(0) { $0 + ($1.findings[.open] ?? 0) }
        signatures = Signatures(
            loaded: snapshot.signaturesLoaded,
            databases: Dictionary(
                snapshot.signatureDatabases.map { ($0.key.description, $0.value.description) },
                uniquingKeysWith: { first, _ in first }))
        self.configuration = configuration.loaded.files.map { printable($0) }
        attention = []
        let found = findAttention(view, configuration, scans, problems)
        attention = found.map(\.what)
        next = found.first?.remedy
    }

    /// In the order of what it means for the validator.
    private func findAttention(
        _ view: GateView, _ configuration: AgentConfiguration, _ scans: ScanKeeper,
        _ problems: [String]
    ) -> [(what: String, remedy: String?)] {
        var found: [(what: String, remedy: String?)] = []
        func need(_ what: String, _ remedy: String? = nil) { found.append((what, remedy)) }
        if !view.isKept {
            need("the gate is not held: \(view.trouble ?? "it has not begun yet")")
        } else if let trouble = view.trouble {
            need("the gate's rules are not as they should be: \(trouble)")
        }
        if view.isKept && !view.letsThrough { need("the gate is shut: \(view.why)", view.remedy) }
        if case .openByOverride = view.decision {
            need(
                "the gate is open by hand, whatever the posture: \(view.why)",
                "nodeguard gate resume, if that reason no longer holds")
        }
        if view.mode == .disabled, case .forcedShut(let reason) = view.will {
            need(
                "the gate was forced shut by hand (\(printable(reason.utf8))), and policy.gate.mode: disabled leaves it open",
                "set policy.gate.mode to observe or enforce, or run nodeguard gate resume")
        }
        let isScanned = targets.contains { $0.lastCompletion != nil }
        for check in checks where check.verdict != "pass" {
            // Before a first scan nothing is known of what scans tell, and that is no news; it is late by `scan.age`.
            let awaitsScan: Set = ["keys.permissions", "scan.age", "findings.open"]
            if !isScanned && check.verdict == "unknown" && !check.isRequired && awaitsScan.contains(check.check) {
                continue
            }
            if case .shutByCheck(let name, _) = view.decision, name.rawValue == check.check { continue }
            need("\(check.check) is \(check.verdict): \(check.evidence)", check.remedy)
        }
        if let refusal = configuration.refusal {
            let which = configuration.isLastGood ? "an earlier one is in force" : "the one of before stays in force"
            need("the configuration is wrong, \(which): \(refusal.problems[0])", "nodeguard config check")
        }
        for target in targets {
            let unseen = target.lastCounts.map { $0[.incomplete] } ?? 0
            if unseen > 0 {
                need(
                    "\(unseen) files of target \(target.name) could not be looked at in full: nodeguard history")
            }
        }
        for problem in scans.problems + problems { need(problem) }
        return found
    }
}

extension AgentStatus.Gate {
    init(_ view: GateView) {
        state = view.isKept ? (view.letsThrough ? "open" : "closed") : "unknown"
        mode = view.mode.rawValue
        reason = view.isKept ? view.why : view.trouble ?? "it has not begun yet"
        remedy = view.isKept ? view.remedy : nil
        switch view.will {
        case .automatic, .unknown: override = nil
        case .forcedShut: override = "forced_shut"
        case .breakGlass: override = "open_by_hand"
        }
        dropped = Dictionary(
            view.counters.packets.map { ("\($0.key.direction) \($0.key.rawValue)", $0.value) },
            uniquingKeysWith: { first, _ in first })
    }
}

extension AgentStatus.Target {
    init(_ name: String, _ scans: ScanKeeper, _ snapshot: MetricsSnapshot) {
        self.name = name
        let known = MetricLabel(name).flatMap { snapshot.targets[$0] }
        lastCompletion = known?.lastCompletion?.description
        lastCounts = known?.lastCounts
        let planned = scans.planned.first { $0.target == name }
        next = planned?.next?.description
        if case .wait(_, let why) = planned?.verdict { waits = why.inWords } else { waits = nil }
        isUnfinished = scans.record(of: name)?.unfinished != nil && scans.running?.target != name
    }
}

extension ScanSchedule.Wait {
    /// Why it waits, for a person.
    var inWords: String {
        switch self {
        case .agentJustStarted: "the agent has just started"
        case .windowClosed: "scan.window is closed"
        case .diskBusy(let target): "another scan runs (\(target ?? "paths given by hand"))"
        case .backOff: "it failed, and is tried again later"
        }
    }
}

extension AgentConfiguration {
    /// The checks that the gate requires.
    var required: Set<CheckName> { GatePlan(loaded).settings.required }
}
