import LinuxSystem

/// `vpn.interface`: one of the configured interfaces exists, is a VPN's, and is up.
public struct VPNInterfaceCheck: PostureCheck {
    /// What the owner requires.
    public let policy: PosturePolicy

    /// A check of the current network namespace.
    public init(_ policy: PosturePolicy) {
        self.policy = policy
    }

    /// ``CheckName/vpnInterface``.
    public var name: CheckName { .vpnInterface }

    /// Looks now.
    public func evaluate(deadline: ContinuousClock.Instant) -> CheckResult {
        do {
            return Self.judge(policy, links: try KernelRouting().links(deadline: deadline))
        } catch {
            return CheckResult(name, .unknown(remedy: remedyForSilentKernel), evidence: "\(error)")
        }
    }

    static func judge(_ policy: PosturePolicy, links: [Link]) -> CheckResult {
        func result(_ verdict: Verdict, _ evidence: String) -> CheckResult {
            CheckResult(.vpnInterface, verdict, evidence: evidence)
        }
        if policy.ipv4 == .ignore && policy.ipv6 == .ignore {
            return result(.pass, "no VPN is asked for (policy.vpn.ipv4 and ipv6 are both ignore)")
        }
        guard !policy.vpnInterfaces.isEmpty else {
            let candidates = links.filter { $0.tunnel == .encrypting }.map { printable($0.name.utf8) }
            return result(
                .fail(remedy: remedyForNoVPN),
                "no VPN interface is configured; "
                    + (candidates.isEmpty
                        ? "this host has no interface that looks like a VPN's"
                        : "this host has \(listed(candidates)), which could be one"))
        }
        let names = listed(policy.vpnInterfaces.map { printable($0.description.utf8) })
        let selection = TunnelSelection(policy.vpnInterfaces, among: links)
        if !selection.usable.isEmpty {
            let seen = selection.usable.map { "\(printable($0.name.utf8)) (\($0.kind), index \($0.index))" }
            return result(.pass, "\(listed(seen)) is up")
        }
        if let doubtful = selection.doubtful.first {
            return result(
                .unknown(
                    remedy: "name the VPN's own interface in policy.vpn.interfaces, "
                        + "or set policy.vpn to ignore if IPsec protects this one"),
                "\(printable(doubtful.name.utf8)) is a tunnel of kind \(doubtful.kind), which does not encrypt by itself"
            )
        }
        if !selection.unusable.isEmpty {
            let seen = selection.unusable.map { "\(printable($0.link.name.utf8)) \($0.reason)" }
            return result(.fail(remedy: "connect the VPN; it must bring one of \(names) up"), listed(seen))
        }
        return result(
            .fail(remedy: "connect the VPN, or correct policy.vpn.interfaces"),
            "no interface is named \(names)")
    }
}

let remedyForNoVPN =
    "name the VPN's interface in policy.vpn.interfaces of /etc/nodeguard/nodeguard.yaml, for example [wg0]; "
    + "to run without a VPN set policy.vpn.ipv4 and ipv6 to ignore"

let remedyForSilentKernel =
    "run it as root in the host's network namespace; if this goes on, the kernel lacks what the check needs"

/// For the checks that come after `vpn.interface`, which has said it at length.
let remedyForNoVPNAgain = "name the VPN's interface in policy.vpn.interfaces first: see vpn.interface"
