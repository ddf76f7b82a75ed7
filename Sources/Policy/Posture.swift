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

    /// The checks that look at the system itself, and those of the node's state where its facts are given.
    public static func checks(
        _ policy: PosturePolicy, history: HandshakeHistory? = nil, state: StateFacts? = nil
    ) -> [any PostureCheck] {
        let system: [any PostureCheck] = [
            SELinuxCheck(policy.selinux), VPNInterfaceCheck(policy), VPNRouteCheck(.ipv4, policy),
            VPNRouteCheck(.ipv6, policy), VPNHandshakeCheck(policy, history: history),
        ]
        return system + (state?.checks ?? [])
    }

    /// Looks at the system now, each check with a deadline of its own. Changes nothing.
    ///
    /// - Parameters:
    ///   - state: what is known of scans, findings, keys and signatures; nil: nothing is said about them.
    ///   - hear: hears each answer as soon as it is there.
    public static func evaluate(
        _ policy: PosturePolicy, history: HandshakeHistory? = nil, state: StateFacts? = nil,
        hear: (CheckResult) -> Void = { _ in }
    ) -> Posture {
        evaluate(checks(policy, history: history, state: state), hear: hear)
    }

    /// The same, with a boot configuration that another thread has read.
    static func evaluate(
        _ policy: PosturePolicy, history: HandshakeHistory? = nil, boot: SELinuxReading.Found<SELinuxReading.BootMode>,
        hear: (CheckResult) -> Void = { _ in }
    ) -> Posture {
        let checks = checks(policy, history: history).map { check in
            check is SELinuxCheck ? SELinuxCheck(policy.selinux, boot: boot) : check
        }
        return evaluate(checks, hear: hear)
    }

    static func evaluate(_ checks: [any PostureCheck], hear: (CheckResult) -> Void) -> Posture {
        Posture(
            checks.map { check in
                let result = check.evaluate(deadline: .now.advanced(by: checkTime))
                hear(result)
                return result
            })
    }
}
