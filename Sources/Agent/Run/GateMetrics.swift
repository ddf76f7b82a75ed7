internal import Journal
internal import LinuxSystem
internal import Policy

extension MetricsSnapshot {
    /// Takes over what is known of the gate and the posture.
    mutating func take(_ view: GateView) {
        checks = [:]
        vpnRouteOK = [:]
        vpnHandshakeAgeSeconds = [:]
        for result in view.posture?.results ?? [] {
            if let label = MetricLabel(result.check.rawValue) {
                checks[label] = CheckChanged.Status(result.verdict.kind)
            }
            let isOK: Bool? =
                switch result.verdict.kind {
                case .pass: true
                case .fail: false
                case .unknown: nil
                }
            switch result.check {
            case .vpnRouteIPv4: vpnRouteOK[.ipv4] = isOK
            case .vpnRouteIPv6: vpnRouteOK[.ipv6] = isOK
            default: break
            }
            for (interface, seconds) in result.handshakeAges {
                guard let label = MetricLabel(interface), seconds >= 0 else { continue }
                vpnHandshakeAgeSeconds[label] = UInt64(seconds)
            }
        }
        selinuxEnforcing = SELinuxMode.isEnforcing
        gate.mode = view.mode
        gate.isOpen = view.isKept ? view.letsThrough : nil
        gate.isOverridden = view.isOverridden
        for direction in Gate.Direction.allCases {
            gate.droppedPackets[direction] = view.counters.packets(direction: direction.rawValue)
            gate.droppedByReason[direction] = [:]
        }
        for reason in DropReason.allCases {
            guard let direction = Gate.Direction(rawValue: reason.direction), let label = MetricLabel(reason.rawValue)
            else {
                continue
            }
            gate.droppedByReason[direction, default: [:]][label] = view.counters.packets[reason] ?? 0
        }
    }
}

extension MetricsSnapshot {
    /// Forgets what was true only while the agent saw it: a file that nobody writes any more would tell it for ever. That
    /// no agent runs is told by its heartbeat.
    mutating func endOfWatch() {
        checks = [:]
        vpnRouteOK = [:]
        vpnHandshakeAgeSeconds = [:]
        selinuxEnforcing = nil
        gate.isOpen = nil
        gate.mode = nil
        gate.isOverridden = nil
    }
}

extension CheckChanged.Status {
    /// A verdict as it is told.
    init(_ kind: Verdict.Kind) {
        self =
            switch kind {
            case .pass: .pass
            case .fail: .fail
            case .unknown: .unknown
            }
    }
}

extension GateView {
    /// Whether something moved that somebody should hear of at once.
    func differsInMoreThanCounts(from other: GateView?) -> Bool {
        guard let other else { return true }
        func verdicts(_ view: GateView) -> [Verdict.Kind] { view.posture?.results.map(\.verdict.kind) ?? [] }
        return letsThrough != other.letsThrough || isOverridden != other.isOverridden
            || verdicts(self) != verdicts(other) || trouble != other.trouble
            || isKept != other.isKept || mode != other.mode
    }

    /// One line for a person: whether it is open, and why.
    var inWords: String {
        guard isKept else { return "the gate is not held: \(trouble ?? "it has not begun yet")" }
        let only = mode == .observe ? " (it only observes)" : ""
        return "the gate is \(letsThrough ? "open" : "shut")\(only): \(why)"
    }

    /// Why it is as it is.
    var why: String {
        switch decision {
        case .openByPosture: return "every required check passes"
        case .openByOverride(_, let reason): return "opened by hand: \(printable(reason.utf8))"
        case .noGate: return "there is no gate (policy.gate.mode is disabled)"
        case .forcedShut(let reason): return "forced shut by hand: \(printable(reason.utf8))"
        case .shutByCheck(let check, let kind):
            return "\(check.rawValue) is \(kind.rawValue): \(posture?[check]?.evidence ?? "not looked at yet")"
        case .shutWithoutProof: return "nothing was proven lately"
        case .settling: return "every required check passes, but not yet for long enough\(byLease)"
        case .awaitingWill:
            return "every required check passes, but whether a person has forced it shut is not known yet: the disk of "
                + "paths.state does not answer\(byLease)"
        }
    }

    private var byLease: String { isOpenByLease ? "; a lease of before still runs" : "" }

    /// What a person can do about a gate that is shut; nil where nothing.
    var remedy: String? {
        switch decision {
        case .shutByCheck(let check, _): posture?[check]?.verdict.remedy
        case .forcedShut: "nodeguard gate resume, if that reason no longer holds"
        default: nil
        }
    }
}
