public import Journal

/// When the gate may be open: `policy.gate` without what the kernel's rules need.
public struct GateSettings: Equatable, Sendable {
    /// `mode`.
    public var mode: GateMode
    /// `settle`: how long the posture must have held.
    public var settle: Duration
    /// The checks that must pass.
    public var required: Set<CheckName>
    /// A posture older than this proves nothing any more.
    public var freshness: Duration

    /// The checks that the gate requires unless it is told otherwise.
    public static let usuallyRequired: Set<CheckName> = [
        .selinuxEnforcing, .vpnInterface, .vpnRouteIPv4, .vpnRouteIPv6,
    ]

    /// Settings, by default those of the packaged configuration.
    public init(
        mode: GateMode = .observe, settle: Duration = .seconds(3), required: Set<CheckName> = usuallyRequired,
        freshness: Duration = .seconds(15)
    ) {
        self.mode = mode
        self.settle = settle
        self.required = required
        self.freshness = freshness
    }
}

/// A person's will, above the posture.
public enum GateOverrideState: Equatable, Sendable {
    /// None: the posture decides.
    case automatic
    /// Shut until it is taken back, whatever else.
    case forcedShut(reason: String)
    /// Open until then, whatever the posture.
    case breakGlass(until: ContinuousClock.Instant, reason: String)
    /// Not read yet: nothing opens, and what is open by a lease of before runs on.
    case unknown

    /// Whether it is the same will, read twice: the end of a break glass is kept on another clock, and never read as the
    /// same moment again.
    func isSame(as other: GateOverrideState) -> Bool {
        guard case .breakGlass(let end, let reason) = self, case .breakGlass(let otherEnd, let otherReason) = other
        else {
            return self == other
        }
        let apart = end.duration(to: otherEnd)
        return reason == otherReason && apart < .seconds(1) && apart > .seconds(-1)
    }
}

/// Whether the gate is open, and why.
public enum GateDecision: Equatable, Sendable {
    /// The posture has held for long enough.
    case openByPosture
    /// A person opened it, until then.
    case openByOverride(until: ContinuousClock.Instant, reason: String)
    /// There is no gate: every port is as it would be without nodeguard.
    case noGate
    /// A person shut it.
    case forcedShut(reason: String)
    /// A required check did not pass.
    case shutByCheck(CheckName, Verdict.Kind)
    /// Nothing was checked yet, or not lately.
    case shutWithoutProof
    /// The posture is good, but not yet for long enough.
    case settling
    /// The posture is good, but whether a person has forced it shut is not known yet.
    case awaitingWill

    /// Whether it is shut for want of time alone: a lease that runs, handed over by the agent before or from another plan,
    /// is not taken back for that.
    public var letsLeaseRun: Bool { self == .settling || self == .awaitingWill }

    /// Whether packets may pass.
    public var isOpen: Bool {
        switch self {
        case .openByPosture, .openByOverride, .noGate: true
        case .forcedShut, .shutByCheck, .shutWithoutProof, .settling, .awaitingWill: false
        }
    }
}

/// What the decision remembers, and the decision itself. No clock, no file, no kernel: what goes in is all there is.
public struct GateJudge: Sendable {
    /// What may be open when.
    public let settings: GateSettings
    private var last: (verdicts: [CheckName: Verdict.Kind], at: ContinuousClock.Instant)?
    /// Since when every posture noted was good, without a gap longer than ``GateSettings/freshness``.
    private var goodSince: ContinuousClock.Instant?

    /// A judge that has seen nothing yet.
    public init(_ settings: GateSettings) {
        self.settings = settings
    }

    /// Hears a posture.
    ///
    /// - Parameter began: when the first of its checks began to look: what is older than the look is not proven by it.
    public mutating func note(_ verdicts: [CheckName: Verdict.Kind], at began: ContinuousClock.Instant) {
        let isGap = last.map { $0.at.duration(to: began) > settings.freshness || began < $0.at } ?? true
        last = (verdicts, began)
        guard firstNotPassing(verdicts) == nil else {
            goodSince = nil
            return
        }
        if isGap || goodSince == nil { goodSince = began }
    }

    /// Forgets that the posture held, for a change that has not been looked at yet.
    public mutating func distrust() {
        goodSince = nil
    }

    /// The decision at a time, under a person's will.
    public func decide(_ override: GateOverrideState, at now: ContinuousClock.Instant) -> GateDecision {
        if settings.mode == .disabled { return .noGate }
        switch override {
        case .forcedShut(let reason): return .forcedShut(reason: reason)
        case .breakGlass(let until, let reason) where now < until: return .openByOverride(until: until, reason: reason)
        case .breakGlass, .automatic, .unknown: break
        }
        guard let last, now >= last.at, last.at.duration(to: now) <= settings.freshness else {
            return .shutWithoutProof
        }
        if let (check, kind) = firstNotPassing(last.verdicts) { return .shutByCheck(check, kind) }
        if override == .unknown { return .awaitingWill }
        guard let goodSince, goodSince.duration(to: now) >= settings.settle else { return .settling }
        return .openByPosture
    }

    /// A required check that was not asked counts as unknown.
    private func firstNotPassing(_ verdicts: [CheckName: Verdict.Kind]) -> (CheckName, Verdict.Kind)? {
        for check in CheckName.allCases where settings.required.contains(check) {
            let kind = verdicts[check] ?? .unknown
            if kind != .pass { return (check, kind) }
        }
        return nil
    }
}
