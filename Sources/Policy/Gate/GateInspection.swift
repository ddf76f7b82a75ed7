/// What the kernel has of the gate's tables, without what changes by itself: counters and leases.
struct GateFingerprint: Equatable {
    /// One line of bytes for each table, chain, rule and element, in the kernel's order.
    fileprivate var parts: [[UInt8]] = []
}

/// Packets that the gate dropped, or in `observe` would have dropped.
public struct GateCounters: Equatable, Sendable {
    /// Packets by reason.
    public var packets: [DropReason: UInt64] = [:]

    /// Nothing dropped.
    public init() {}

    /// Packets of one direction, `inbound` or `outbound`.
    public func packets(direction: String) -> UInt64 {
        packets.reduce(0) { $1.key.direction == direction ? $0 &+ $1.value : $0 }
    }
}

/// What the kernel does with the validators' ports now, whoever told it to.
public enum KernelGateReading: Equatable, Sendable {
    /// There are no rules of the gate: every port is as it would be without nodeguard.
    case absent
    /// The rules only count.
    case observing
    /// Packets are dropped.
    case shut
    /// Packets pass, for so long unless the lease is renewed.
    case open(Duration)
}

extension KernelGate {
    /// Reads the gate of the calling thread's network namespace. Needs CAP_NET_ADMIN.
    public func read() throws(KernelGateError) -> KernelGateReading {
        var shortest: Duration?
        for table in [GateLayout.table, GateLayout.liveTable] {
            guard try !list(.getTable, isDump: false, table, nameAttribute: 1).isEmpty else { continue }
            let rules = try list(.getRule, table, nameAttribute: 1).compactMap(\.attributesByType)
            let last = rules.last { $0[1]?.string == table && $0[2]?.string == "judge" }
            // The last rule of the chain drops, or only counts.
            guard let last else { return .observing }
            guard (last[4]?.attributes?.count ?? 0) > 1 else { return .observing }
            let left =
                try GateLayout.leases.map { set throws(KernelGateError) in
                    try list(.getElement, table, nameAttribute: 1, set: set).flatMap { message in
                        message.attributesByType?[3]?.attributes?.map(\.value) ?? []
                    }.compactMap { $0.attributesByType?[5]?.networkNumber(at: 0, as: UInt64.self) }.max() ?? 0
                }.max() ?? 0
            shortest = min(shortest ?? .milliseconds(left), .milliseconds(left))
        }
        guard let shortest else { return .absent }
        return shortest > .zero ? .open(shortest) : .shut
    }

    /// Flowtables of anybody's, as `table/name`: what they carry does not pass the gate's rules.
    public func flowtables() throws(KernelGateError) -> [String] {
        do throws(NetlinkError) {
            let found = try socket.list(
                .getFlowtable, to: "look for flowtables", deadline: .now.advanced(by: Self.patience), anyFamily: true
            ) { _ in }
            // NFTA_FLOWTABLE_TABLE (1), NFTA_FLOWTABLE_NAME (2).
            return (found ?? []).compactMap(\.attributesByType).map {
                "\($0[1]?.string ?? "?")/\($0[2]?.string ?? "?")"
            }
        } catch {
            throw Self.explained(error)
        }
    }

    /// What is in the kernel now; nil where a table is missing.
    func fingerprint() throws(KernelGateError) -> GateFingerprint? {
        var print = GateFingerprint()
        for table in tables {
            guard let all = try list(.getTable, isDump: false, table, nameAttribute: 1).first,
                let flags = all.attributesByType?[2]
            else { return nil }
            print.parts.append(Array(table.utf8) + flags.array)
            for chain in try list(.getChain, table, nameAttribute: 1) {
                guard let attributes = chain.attributesByType, attributes[1]?.string == table else { continue }
                // Name, hook and priority, policy, type.
                print.parts.append([3, 4, 5, 7].flatMap { attributes[$0]?.array ?? [] })
            }
            for rule in try list(.getRule, table, nameAttribute: 1) {
                guard let attributes = rule.attributesByType, attributes[1]?.string == table else { continue }
                let steps = attributes[4]?.attributes?.flatMap { Self.withoutCounts($0.value) } ?? []
                print.parts.append((attributes[2]?.array ?? []) + steps)
            }
            for set in GateLayout.staticSets {
                let elements = try list(.getElement, table, nameAttribute: 1, set: set)
                let keys = elements.flatMap { message in
                    message.attributesByType?[3]?.attributes?.map(\.value.array) ?? []
                }
                print.parts.append(Array(set.utf8))
                print.parts += keys.sorted { $0.lexicographicallyPrecedes($1) }
            }
        }
        return print
    }

    /// What was dropped since the rules were installed. Of two tables a packet is counted by the one that dropped it;
    /// where nothing is dropped both count it.
    public func counters() throws(KernelGateError) -> GateCounters {
        var sums: [GateCounters] = []
        for table in tables {
            var counters = GateCounters()
            for rule in try list(.getRule, table, nameAttribute: 1) {
                guard let attributes = rule.attributesByType, attributes[1]?.string == table,
                    let comment = attributes[7]?.slice(2, (attributes[7]?.count ?? 2) - 2)?.string,
                    let reason = DropReason.allCases.first(where: { comment == "\($0.direction) \($0.rawValue)" })
                else { continue }
                for (_, step) in attributes[4]?.attributes ?? [] {
                    guard let expression = step.attributesByType, expression[1]?.string == "counter",
                        let count = expression[2]?.attributesByType?[2]?.networkNumber(at: 0, as: UInt64.self)
                    else { continue }
                    counters.packets[reason, default: 0] &+= count
                }
            }
            sums.append(counters)
        }
        return sums.reduce(GateCounters()) { total, one in
            var total = total
            total.packets.merge(one.packets) { isEnforced ? $0 &+ $1 : max($0, $1) }
            return total
        }
    }

    private static func withoutCounts(_ step: NetlinkReader) -> [UInt8] {
        let name = step.attributesByType?[1]?.string
        return name == "counter" ? Array("counter".utf8) : step.array
    }

    private func list(
        _ message: FirewallBatch.Message, isDump: Bool = true, _ table: String, nameAttribute: UInt16,
        set: String? = nil
    ) throws(KernelGateError) -> [NetlinkReader] {
        do throws(NetlinkError) {
            return try socket.list(
                message, isDump: isDump, to: "read the gate's rules", deadline: .now.advanced(by: Self.patience)
            ) {
                $0.attribute(nameAttribute, string: table)
                if let set { $0.attribute(2, string: set) }
            } ?? []
        } catch {
            throw Self.explained(error)
        }
    }
}
