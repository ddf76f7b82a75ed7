import LinuxSystem
import SystemPackage

/// `vpn.route.ipv4` and `vpn.route.ipv6`: what the kernel itself would do with the validators' packets.
public struct VPNRouteCheck: PostureCheck {
    /// Which of the two.
    public let family: AddressFamily
    /// What the owner requires.
    public let policy: PosturePolicy

    /// A check of the current network namespace.
    public init(_ family: AddressFamily, _ policy: PosturePolicy) {
        self.family = family
        self.policy = policy
    }

    /// ``CheckName/vpnRouteIPv4`` or ``CheckName/vpnRouteIPv6``.
    public var name: CheckName { family == .ipv4 ? .vpnRouteIPv4 : .vpnRouteIPv6 }

    private var requirement: RouteRequirement { family == .ipv4 ? policy.ipv4 : policy.ipv6 }

    /// Looks now.
    public func evaluate(deadline: ContinuousClock.Instant) -> CheckResult {
        if let result = judgeWithoutLooking() { return result }
        do {
            let kernel = try KernelRouting()
            let tables = try kernel.tables(deadline: deadline)
            let endpoints = WireGuard.endpoints(of: tables.links, deadline: deadline)
            return try judge(tables, endpoints: endpoints) { flow, destination throws(NetlinkError) in
                try kernel.decision(flow, to: destination, deadline: deadline)
            }
        } catch {
            return CheckResult(name, .unknown(remedy: remedyForSilentKernel), evidence: "\(error)")
        }
    }

    /// The answer where the routes do not matter.
    func judgeWithoutLooking() -> CheckResult? {
        if requirement == .ignore {
            let key = family == .ipv4 ? "ipv4" : "ipv6"
            return CheckResult(name, .pass, evidence: "not looked at: policy.vpn.\(key) is ignore")
        }
        if requirement == .required && policy.vpnInterfaces.isEmpty {
            return CheckResult(
                name, .fail(remedy: remedyForNoVPNAgain),
                evidence: "no VPN interface is configured, so no route can lead through one")
        }
        if let workload = policy.workloads.first(where: \.isUnresolved) {
            return CheckResult(
                name, .unknown(remedy: "start its pod, or correct validators[].pod (namespace and name)"),
                evidence: "the addresses of the pod of \(printable(workload.name.utf8)) are not known")
        }
        return nil
    }

    /// More questions than this are not asked: it would take longer than a check may.
    static let mostQuestions = 20_000

    /// Judges what the kernel answers to `decide`.
    ///
    /// - Parameters:
    ///   - tables: interfaces, rules and routes at the time.
    ///   - endpoints: the outer addresses of the tunnels, which must be reached around them.
    ///   - decide: the kernel's decision for one packet.
    func judge(
        _ tables: RoutingTables, endpoints: [IPAddress],
        _ decide: (Flow, IPAddress) throws(NetlinkError) -> RouteDecision
    ) throws(NetlinkError) -> CheckResult {
        let tunnels = TunnelSelection(policy.vpnInterfaces, among: tables.links).indexes
        let exempt = policy.local + endpoints.compactMap { IPPrefix($0, length: $0.family.bits) }
        let ranges = RouteProbes.ranges(family, tables: tables, exempt: exempt)
        let workloads =
            policy.workloads.isEmpty ? [Workload(name: "this node")] : policy.workloads
        let flows = workloads.map { ($0, RouteProbes.flows(family, $0, tables: tables)) }
        let questions = flows.reduce(0) { $0 + $1.1.count } * (ranges.count + RouteProbes.internet(family).count)
        guard questions <= Self.mostQuestions else {
            return CheckResult(
                name, .unknown(remedy: "add the ranges that need no tunnel to policy.vpn.local"),
                evidence: "\(ranges.count) ranges of routes would take \(questions) questions to the kernel, "
                    + "more than the \(Self.mostQuestions) a check may ask")
        }
        var findings = Findings()
        for (workload, flows) in flows {
            for flow in flows {
                for destination in RouteProbes.internet(family) {
                    let decision = explained(try decide(flow, destination), destination, tables)
                    findings.note(decision, to: destination, tunnels)
                }
                for range in ranges {
                    let destination = IPAddress(family, range.first)
                    let decision = explained(try decide(flow, destination), destination, tables)
                    findings.check(decision, destination, flow, workload, tunnels, tables)
                }
            }
        }
        if (tables.rules[family] ?? []).contains(where: \.hasUnknownSelector) {
            findings.doubts.append("a routing rule selects packets by something that nodeguard cannot ask about")
        }
        return verdict(findings, tables)
    }

    /// EINVAL is what a blackhole answers with; without one it means that the question was not understood.
    private func explained(
        _ decision: RouteDecision, _ destination: IPAddress, _ tables: RoutingTables
    ) -> RouteDecision {
        guard decision == .refusedAsInvalid else { return decision }
        let dropsRoute = (tables.routes[family] ?? []).contains {
            $0.kind == .unreachable && $0.destination.contains(destination)
        }
        let dropsRule = (tables.rules[family] ?? []).contains(where: \.isBlackhole)
        return dropsRoute || dropsRule
            ? .unreachable : .unknown("the kernel did not understand the question for the route to \(destination)")
    }

    private func verdict(_ findings: Findings, _ tables: RoutingTables) -> CheckResult {
        func result(_ verdict: Verdict, _ evidence: String) -> CheckResult {
            CheckResult(name, verdict, evidence: evidence)
        }
        if !findings.leaks.isEmpty {
            let remedy =
                if policy.vpnInterfaces.isEmpty {
                    remedyForNoVPNAgain
                } else if TunnelSelection(policy.vpnInterfaces, among: tables.links).usable.isEmpty {
                    "connect the VPN, and let it route \(family.rawValue)"
                } else {
                    "route it through the VPN; if it is the VPN's own server or a network that needs no tunnel, add it "
                        + "to policy.vpn.local"
                }
            return result(.fail(remedy: remedy), findings.sentence())
        }
        if requirement == .required, !findings.unreached.isEmpty {
            return result(
                .fail(remedy: "connect the VPN, and let it route \(family.rawValue)"),
                findings.carried.isEmpty
                    ? "there is no route to the internet over \(family.rawValue)"
                    : "there is no route to \(listed(findings.unreached.map(\.description)))")
        }
        if let doubt = findings.doubts.first {
            return result(.unknown(remedy: remedyForSilentKernel), doubt)
        }
        if findings.carried.isEmpty {
            return result(.pass, "the internet is not reached over \(family.rawValue) at all")
        }
        let ways = findings.carried.sorted { $0.name(tables) < $1.name(tables) }.map { way in
            "\(way.name(tables)) (\(way.route), \(tableName(way.table)))"
        }
        return result(.pass, "the internet is reached through \(listed(ways))")
    }
}

/// The name `ip route` gives a table (rt_tables of iproute2).
private func tableName(_ number: UInt32) -> String {
    switch number {
    case 253: "table default"
    case 254: "table main"
    case 255: "table local"
    default: "table \(number)"
    }
}

/// What the kernel's answers add up to.
private struct Findings {
    struct Way: Hashable {
        let interface: UInt32
        let route: IPPrefix
        let table: UInt32

        func name(_ tables: RoutingTables) -> String { printable(tables.name(interface).utf8) }
    }

    /// Ways through the tunnel that were seen for the internet.
    var carried: Set<Way> = []
    /// Destinations of the internet without a route.
    var unreached: [IPAddress] = []
    /// Ways around the tunnel: the route, and whose packets take it.
    var leaks: [(route: String, whose: String)] = []
    /// Answers that could not be understood.
    var doubts: [String] = []

    /// Notes how the internet is reached. Whether that is a leak is decided by the ranges.
    mutating func note(_ decision: RouteDecision, to destination: IPAddress, _ tunnels: Set<UInt32>) {
        switch decision {
        case .leaves(let interfaces, let route, let table, _):
            for interface in interfaces where tunnels.contains(interface) {
                carried.insert(Way(interface: interface, route: route, table: table))
            }
        case .unreachable, .stays:
            if !unreached.contains(destination) { unreached.append(destination) }
        case .refusedAsInvalid: doubts.append("the kernel refused to find the route to \(destination)")
        case .unknown(let reason): doubts.append(reason)
        }
    }

    /// Checks one range that must not be reached around the tunnel.
    mutating func check(
        _ decision: RouteDecision, _ destination: IPAddress, _ flow: Flow, _ workload: Workload,
        _ tunnels: Set<UInt32>, _ tables: RoutingTables
    ) {
        switch decision {
        case .stays, .unreachable: return
        case .refusedAsInvalid: doubts.append("the kernel refused to find the route to \(destination)")
        case .unknown(let reason): doubts.append(reason)
        case .leaves(let interfaces, let route, let table, let attached):
            let wrong = interfaces.filter { !tunnels.contains($0) && tables.link($0)?.hardwareType != 772 }
            guard let out = wrong.first else { return }
            // The network a card is plugged into is reached without a router: that is the neighbourhood, not the
            // internet. Only up to a size that a network of neighbours has, so that nobody can announce the
            // internet as one.
            if attached && route.length >= (route.family == .ipv4 ? 16 : 64) { return }
            let way = "\(route) leaves by \(printable(tables.name(out).utf8)) (\(tableName(table)))"
            let whose = flow.whose(workload)
            if !leaks.contains(where: { $0.route == way }) { leaks.append((way, whose)) }
        }
    }

    func sentence() -> String {
        let whose = leaks.first?.whose ?? ""
        return listed(leaks.map(\.route)) + " instead of the VPN, \(whose)"
    }
}

extension Flow {
    /// Whose packets these are, for a sentence.
    fileprivate func whose(_ workload: Workload) -> String {
        var properties: [String] = []
        if mark != 0 { properties.append("mark 0x" + String(mark, radix: 16)) }
        if uid != 0 { properties.append("uid \(uid)") }
        if let sourcePort { properties.append("from port \(sourcePort)") }
        if let destinationPort { properties.append("to port \(destinationPort)") }
        if let source { properties.append("from \(source)") }
        let details = properties.isEmpty ? "" : " (\(properties.joined(separator: ", ")))"
        return "for packets of \(printable(workload.name.utf8))\(details)"
    }
}
