/// The answers of all checks at one time.
public struct Posture: Equatable, Sendable {
    /// One result a check, in the order of ``CheckName``.
    public let results: [CheckResult]

    /// The answers of some checks.
    public init(_ results: [CheckResult]) {
        let order = CheckName.allCases
        self.results = results.sorted { order.firstIndex(of: $0.check)! < order.firstIndex(of: $1.check)! }
    }

    /// Over all checks: a fail wins over an unknown.
    public var verdict: Verdict.Kind { .overall(results.map(\.verdict.kind)) }

    /// The answer of one check, nil where it was not asked.
    public subscript(name: CheckName) -> CheckResult? { results.first { $0.check == name } }

    /// How long one check may take before its answer is `unknown`.
    public static let checkTime = Duration.seconds(2)

    /// The checks that look at the system itself.
    public static func checks(_ policy: PosturePolicy, history: HandshakeHistory? = nil) -> [any PostureCheck] {
        [
            SELinuxCheck(policy.selinux), VPNInterfaceCheck(policy), VPNRouteCheck(.ipv4, policy),
            VPNRouteCheck(.ipv6, policy), VPNHandshakeCheck(policy, history: history),
        ]
    }

    /// Looks at the system now, each check with a deadline of its own. Changes nothing.
    ///
    /// - Parameter hear: hears each answer as soon as it is there.
    public static func evaluate(
        _ policy: PosturePolicy, history: HandshakeHistory? = nil, hear: (CheckResult) -> Void = { _ in }
    ) -> Posture {
        Posture(
            checks(policy, history: history).map { check in
                let result = check.evaluate(deadline: .now.advanced(by: checkTime))
                hear(result)
                return result
            })
    }
}
