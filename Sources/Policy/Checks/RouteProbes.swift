/// Finds out where a validator's packets would go, for every destination there is, by asking the kernel about one
/// address of each range in which its answer cannot change.
///
/// The prefixes of all routes and rules cut the address space into such ranges, so nothing of the kernel's own
/// rules about priorities, longest prefixes, suppression and marks needs to be written a second time here.
enum RouteProbes {
    /// Destinations that stand for the internet. They must be reachable where the VPN is required.
    /// No packet is ever sent to them. Both halves of each space are there, as OpenVPN and wg-quick route by halves;
    /// of IPv6 both halves of 2000::/3, which is all that is in use (IANA IPv6 Global Unicast Allocations).
    static func internet(_ family: AddressFamily) -> [IPAddress] {
        let texts =
            family == .ipv4
            ? ["5.0.0.1", "77.0.0.1", "151.0.0.1", "212.0.0.1"] : ["2400::1", "2a00::1", "3000::1", "3ffe::1"]
        return texts.compactMap { IPAddress($0) }
    }

    /// Ranges that no packet to the internet has as its destination (RFC 6890).
    static func special(_ family: AddressFamily) -> [IPPrefix] {
        let texts =
            family == .ipv4
            ? ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"]
            : ["::/128", "::1/128", "::ffff:0:0/96", "fe80::/10", "ff00::/8"]
        return texts.compactMap { IPPrefix($0) }
    }

    /// A range of destinations and the address that stands for it.
    struct Range: Equatable {
        let first: UInt128
        let last: UInt128
    }

    /// The ranges to ask about: everything but what is exempt.
    static func ranges(
        _ family: AddressFamily, tables: RoutingTables, exempt: [IPPrefix]
    ) -> [Range] {
        let end: UInt128 = family == .ipv4 ? 1 << 32 - 1 : .max
        let exempt = (exempt + special(family)).filter { $0.family == family }
        let prefixes =
            exempt + (tables.routes[family] ?? []).map(\.destination)
            + (tables.rules[family] ?? []).compactMap(\.destination)
        var starts: Set<UInt128> = [0]
        for prefix in prefixes {
            starts.insert(prefix.first)
            if prefix.last < end { starts.insert(prefix.last + 1) }
        }
        let sorted = starts.sorted()
        // Exempt ranges are starts too, so a range is exempt as a whole or not at all.
        let covered = merged(exempt)
        var place = 0
        var found: [Range] = []
        for (index, first) in sorted.enumerated() {
            while place < covered.count && covered[place].last < first { place += 1 }
            if place < covered.count && covered[place].first <= first { continue }
            found.append(Range(first: first, last: index + 1 < sorted.count ? sorted[index + 1] - 1 : end))
        }
        return found
    }

    private static func merged(_ prefixes: [IPPrefix]) -> [Range] {
        var merged: [Range] = []
        for prefix in prefixes.sorted(by: { ($0.first, $1.last) < ($1.first, $0.last) }) {
            if let last = merged.last, prefix.last <= last.last { continue }
            merged.append(Range(first: prefix.first, last: prefix.last))
        }
        return merged
    }

    /// The packets that stand for all of a workload's: one plain one, and one for each rule that would treat some of
    /// its packets differently.
    static func flows(_ family: AddressFamily, _ workload: Workload, tables: RoutingTables) -> [Flow] {
        var flows: [Flow] = []
        let pods = workload.podAddresses.filter { $0.family == family }
        var plain = Flow(mark: workload.mark, uid: workload.uid ?? 0)
        if workload.podAddresses.isEmpty {
            flows.append(plain)
        } else {
            // What a pod sends is forwarded: it comes in by the interface that leads to the pod.
            for pod in pods {
                plain.source = pod
                plain.inputInterface = interface(towards: pod, tables)
                flows.append(plain)
            }
        }
        for rule in tables.rules[family] ?? [] {
            guard let input = admits(rule, workload, tables) else { continue }
            var special: [Flow] = flows.filter { $0.transport == nil && $0.destinationPort == nil }
            if let input { special = special.filter { $0.inputInterface == input } }
            if let uids = rule.uids, workload.podAddresses.isEmpty {
                if let uid = workload.uid {
                    guard uids.contains(uid) != rule.isInverted else { continue }
                } else if let uid = rule.isInverted ? outside(uids) : uids.lowerBound {
                    special = special.map { flow in with(flow) { $0.uid = uid } }
                }
            }
            if let source = rule.source, workload.podAddresses.isEmpty {
                let own = tables.addresses.filter { $0.family == family && source.contains($0) != rule.isInverted }
                special = own.flatMap { address in special.map { flow in with(flow) { $0.source = address } } }
            }
            if rule.serviceType != 0 && !rule.isInverted {
                special = special.map { flow in with(flow) { $0.serviceType = rule.serviceType } }
            }
            if rule.transport != nil || rule.sourcePorts != nil || rule.destinationPorts != nil {
                special = special.flatMap { transportFlows($0, rule, workload) }
            }
            flows += special
        }
        // Routes may depend on the sender's address too (IPv6, source-specific routing).
        for source in Set((tables.routes[family] ?? []).compactMap(\.source)) where workload.podAddresses.isEmpty {
            for address in tables.addresses where source.contains(address) {
                flows.append(with(plain) { $0.source = address })
            }
        }
        var seen: Set<Flow> = []
        return flows.filter { seen.insert($0).inserted }
    }

    private static func with(_ flow: Flow, _ change: (inout Flow) -> Void) -> Flow {
        var flow = flow
        change(&flow)
        return flow
    }

    /// Whether a rule may select this workload's packets, by mark and input interface; the interface it wants.
    private static func admits(_ rule: RoutingRule, _ workload: Workload, _ tables: RoutingTables) -> UInt32?? {
        if !rule.selects(mark: workload.mark) && !rule.isInverted { return .none }
        // A rule for what came in by lo is one for what this node sends.
        guard let name = rule.inputInterface, name != "lo", !rule.isInverted else { return .some(nil) }
        guard !workload.podAddresses.isEmpty, let link = tables.links.first(where: { $0.name == name }) else {
            return .none
        }
        return .some(link.index)
    }

    /// The flow with ports and protocols that the rule selects, as far as the workload may have them.
    private static func transportFlows(_ flow: Flow, _ rule: RoutingRule, _ workload: Workload) -> [Flow] {
        var transports: [UInt8] = Port.Transport.allCases.map(\.number)
        if let only = rule.transport, !rule.isInverted { transports = transports.filter { $0 == only } }
        return transports.flatMap { transport -> [Flow] in
            let ports: [UInt16?]
            if let range = rule.sourcePorts {
                // Answers come from the workload's own ports.
                let own = workload.ports.filter { $0.transport.number == transport }.map(\.number)
                let begun = rule.isInverted ? outside(range) : lowest(in: range, beginning: workload)
                ports = (own + [begun].compactMap { $0 }).filter { range.contains($0) != rule.isInverted }
            } else {
                ports = [nil]
            }
            let destination = rule.destinationPorts.flatMap { rule.isInverted ? outside($0) : $0.lowerBound }
            return ports.map { port in
                with(flow) {
                    $0.transport = transport
                    $0.sourcePort = port
                    $0.destinationPort = destination
                }
            }
        }
    }

    /// A port of the rule's that the workload may begin a connection from: by default Linux takes 32768 to 60999
    /// (ip_local_port_range). A workload whose ports are not known may have any but the privileged ones, which are
    /// other services': a rule for ssh's answers has nothing to do with it.
    private static func lowest(in range: ClosedRange<UInt16>, beginning workload: Workload) -> UInt16? {
        let possible: ClosedRange<UInt16> = workload.ports.isEmpty ? 1024...65535 : 32768...60999
        return range.overlaps(possible) ? max(range.lowerBound, possible.lowerBound) : nil
    }

    private static func outside<Number: FixedWidthInteger>(_ range: ClosedRange<Number>) -> Number? {
        if range.lowerBound > 1 { return range.lowerBound - 1 }
        return range.upperBound < Number.max ? range.upperBound + 1 : nil
    }

    /// The interface that leads to a pod, by the longest prefix.
    private static func interface(towards pod: IPAddress, _ tables: RoutingTables) -> UInt32? {
        (tables.routes[pod.family] ?? []).filter { $0.kind == .unicast && $0.destination.contains(pod) }
            .max { $0.destination.length < $1.destination.length }?.interfaces.first
    }
}
