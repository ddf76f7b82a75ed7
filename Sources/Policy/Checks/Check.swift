/// The checks of a node's posture, spelled as in metrics, journal and JSON.
public enum CheckName: String, CaseIterable, Codable, Hashable, Sendable {
    /// SELinux enforces a loaded policy, now and after the next boot.
    case selinuxEnforcing = "selinux.enforcing"
    /// A configured tunnel exists and is up.
    case vpnInterface = "vpn.interface"
    /// The kernel sends the validators' IPv4 traffic through the tunnel.
    case vpnRouteIPv4 = "vpn.route.ipv4"
    /// The same for IPv6, or there is none.
    case vpnRouteIPv6 = "vpn.route.ipv6"
    /// The tunnel's other end answers.
    case vpnHandshake = "vpn.handshake"
    /// Nobody but its owner may read a validator's key files.
    case keysPermissions = "keys.permissions"
    /// The signature databases are recent.
    case signaturesAge = "signatures.age"
    /// Every target was scanned within its schedule.
    case scanAge = "scan.age"
    /// No finding is open.
    case findingsOpen = "findings.open"
}

/// What a check found. Whatever is not a pass says what to do about it.
public enum Verdict: Equatable, Sendable {
    /// Proven good.
    case pass
    /// Proven bad.
    case fail(remedy: String)
    /// Could not be proven either way. For the gate that is as good as bad.
    case unknown(remedy: String)

    /// What a person can do about it, nil for a pass.
    public var remedy: String? {
        switch self {
        case .pass: nil
        case .fail(let remedy), .unknown(let remedy): remedy
        }
    }

    /// The verdict without its remedy.
    public var kind: Kind {
        switch self {
        case .pass: .pass
        case .fail: .fail
        case .unknown: .unknown
        }
    }

    /// The three verdicts, spelled as in JSON.
    public enum Kind: String, CaseIterable, Codable, Sendable {
        case pass, fail, unknown

        /// The verdict over several checks: a fail wins over an unknown, an unknown over a pass.
        /// Without any check nothing is proven.
        public static func overall(_ kinds: some Sequence<Kind>) -> Kind {
            let seen = Set(kinds)
            if seen.contains(.fail) { return .fail }
            return seen == [.pass] ? .pass : .unknown
        }
    }
}

/// One check's answer, with the evidence it rests on.
public struct CheckResult: Equatable, Sendable {
    /// Which check.
    public let check: CheckName
    /// Its verdict, with the remedy where it is not a pass.
    public let verdict: Verdict
    /// What was seen, as a sentence or two for a person, safe to print on a terminal.
    public let evidence: String
    /// WireGuard only: seconds since the last handshake, by interface name, for metrics.
    public let handshakeAges: [String: Double]

    /// An answer with its evidence.
    public init(
        _ check: CheckName, _ verdict: Verdict, evidence: String, handshakeAges: [String: Double] = [:]
    ) {
        self.check = check
        self.verdict = verdict
        self.evidence = evidence
        self.handshakeAges = handshakeAges
    }
}

/// Something about this host that is proven good, proven bad, or not proven.
///
/// A check never throws: what keeps it from knowing is its answer `unknown`. It ends before `deadline`, with
/// `unknown` where that is too short.
public protocol PostureCheck {
    /// Which check it is.
    var name: CheckName { get }
    /// Looks now.
    func evaluate(deadline: ContinuousClock.Instant) -> CheckResult
}
