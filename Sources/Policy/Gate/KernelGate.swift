import Journal
import LinuxSystem
import SystemPackage

/// Why the gate's rules could not be put into the kernel.
public enum KernelGateError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kernel has no nftables, or not all of what the rules need.
    case unsupported(String)
    /// Not allowed: CAP_NET_ADMIN in the network namespace is missing.
    case notPermitted
    /// Another living process owns the table.
    case ownedByAnother
    /// The rules themselves must not be installed.
    case refusedRules(String)
    /// The kernel could not be asked, or refused for another reason.
    case kernel(String)

    /// One sentence, with what to do.
    public var description: String {
        switch self {
        case .unsupported(let what):
            "the kernel's nftables cannot do what the gate needs (\(what)): load the modules nf_tables, nft_fib_inet "
                + "and nft_fib, or use a kernel that has them"
        case .notPermitted: "not allowed to change the firewall: run it as root, or with CAP_NET_ADMIN"
        case .ownedByAnother:
            "another running nodeguard owns the gate: stop it first (systemctl status nodeguard, or a DaemonSet)"
        case .refusedRules(let reason): reason
        case .kernel(let reason): reason
        }
    }
}

/// How the tables are made to outlive the agent and to withstand others.
public enum GateScheme: String, Sendable {
    /// Linux 6.12 and later: one table that only its owner can change, and that outlives it.
    case owned
    /// Before: a plain table that outlives the agent, and one that only its owner can change and that ends with it.
    /// Both say the same, and a packet must get past both.
    case doubled
}

/// The gate's rules in the kernel: installed, opened for a while, shut, read.
///
/// One a network namespace. Not to be shared by threads.
public final class KernelGate {
    let socket: FirewallSocket
    /// The scheme in use; known once the rules were installed.
    public private(set) var scheme: GateScheme?
    /// Whether the rules in place drop packets; those of `observe` only count them.
    private(set) var isEnforced = false
    /// Whether the rules may ask routing; false once the kernel was found to lack nft_fib.
    private var asksRouting = true
    private var next = 0
    private let forced: GateScheme?
    /// Every change waits for nftables' commit lock, which another program's big ruleset can hold.
    static let patience = Duration.seconds(10)

    /// A gate of the calling thread's network namespace. Nothing is changed yet.
    ///
    /// - Parameter scheme: the scheme to use; nil takes the best that the kernel can do.
    public convenience init(scheme: GateScheme? = nil) throws(KernelGateError) {
        try self.init(scheme: scheme, asksRouting: true)
    }

    /// The same; a test may pretend that the kernel lacks nft_fib.
    init(scheme: GateScheme?, asksRouting: Bool) throws(KernelGateError) {
        forced = scheme
        self.asksRouting = asksRouting
        do throws(NetlinkError) {
            socket = try FirewallSocket()
        } catch {
            if case .system(let failure) = error, failure.errno == Errno(rawValue: 93) {
                throw .unsupported("no netfilter sockets")
            }
            throw .kernel("\(error)")
        }
    }

    /// What the rules in place cannot do that they should, for a person; nil where there is nothing.
    public var limitation: String? {
        asksRouting
            ? nil
            : "the kernel lacks the module nft_fib_inet: the validators' ports are shut for other pods' addresses too, "
                + "and answerVia vpn lets nobody in; install the kernel's extra modules"
    }

    /// Puts the rules in place, taking over tables that an earlier agent left. A lease that still runs goes on, and so do
    /// the counts.
    ///
    /// - Parameter counted: what is known to have been counted, for where the tables were deleted since.
    public func install(_ rules: GateRules, counted: GateCounters = GateCounters()) throws(KernelGateError) {
        if let refusal = rules.refusal { throw .refusedRules(refusal) }
        var counted = counted
        if let found = try? counters() { counted.packets.merge(found.packets, uniquingKeysWith: max) }
        isEnforced = rules.mode == .enforce
        do throws(KernelGateError) {
            try installAsPossible(rules, counted)
        } catch {
            // ENOENT for a rule: an expression that the kernel does not know and cannot load.
            guard asksRouting, case .unsupported = error else { throw error }
            asksRouting = false
            do throws(KernelGateError) {
                try installAsPossible(rules, counted)
            } catch {
                asksRouting = true
                throw error
            }
        }
    }

    private func installAsPossible(_ rules: GateRules, _ counted: GateCounters) throws(KernelGateError) {
        if (forced ?? scheme ?? .owned) == .owned {
            do throws(NetlinkError) {
                let flags = GateLayout.TableFlag.owner | GateLayout.TableFlag.persist
                try replace(GateLayout.table, flags: flags, rules, counted)
                scheme = .owned
                return
            } catch {
                // EOPNOTSUPP or EINVAL: PERSIST is not known to this kernel.
                guard case .refused(let errno, _) = error, forced == nil, scheme == nil,
                    errno == Errno(rawValue: 95) || errno == .invalidArgument
                else { throw Self.explained(error) }
            }
        }
        do throws(NetlinkError) {
            // The counts of both are one; from here on the first has them.
            try replace(GateLayout.table, flags: 0, rules, counted)
            try replace(GateLayout.liveTable, flags: GateLayout.TableFlag.owner, rules, GateCounters())
            scheme = .doubled
        } catch {
            throw Self.explained(error)
        }
    }

    /// Installs into one table. One that cannot be taken over (of another version, or without an owner where it
    /// should have one) is made anew in the same transaction, without its lease: shut, never open in between.
    private func replace(
        _ table: String, flags: UInt32, _ rules: GateRules, _ counted: GateCounters
    ) throws(NetlinkError) {
        var batch = FirewallBatch()
        GateLayout.install(rules, counted, routing: asksRouting, table: table, flags: flags, into: &batch)
        let intent = "install the gate's rules"
        do throws(NetlinkError) {
            try commit(batch, intent)
        } catch {
            // EPERM is another's ownership: that table cannot be deleted either.
            guard case .refused(let errno, _) = error, errno != .notPermitted, errno != .permissionDenied,
                try exists(table)
            else { throw error }
            var anew = FirewallBatch()
            anew.deleteTable(table)
            GateLayout.install(rules, counted, routing: asksRouting, table: table, flags: flags, into: &anew)
            try commit(anew, intent)
        }
    }

    var tables: [String] {
        scheme == .doubled ? [GateLayout.table, GateLayout.liveTable] : [GateLayout.table]
    }

    /// Opens the gate for `duration` from now, or keeps it open for that long. Each time another of two sets is
    /// refreshed, so that there is never a moment without a lease.
    public func open(for duration: Duration) throws(KernelGateError) {
        try change("open the gate") { batch, table in
            lease(GateLayout.leases[next], table, duration, &batch)
        }
        next = 1 - next
    }

    /// Sets the end of the lease to `duration` from now, also where it would have run longer.
    public func handOver(for duration: Duration) throws(KernelGateError) {
        try change("hand the gate over") { batch, table in
            for set in GateLayout.leases { lease(set, table, duration, &batch) }
        }
    }

    private func lease(_ set: String, _ table: String, _ duration: Duration, _ batch: inout FirewallBatch) {
        let (seconds, attoseconds) = duration.components
        let milliseconds = UInt64(max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000))
        // Flushing and adding in one transaction is right whether the element is there, expired or absent.
        batch.flush(table, set: set)
        batch.elements(table, set: set, [.init(key: GateLayout.token, timeout: milliseconds)])
    }

    /// Shuts the gate now.
    public func shut() throws(KernelGateError) {
        try change("shut the gate") { batch, table in
            for set in GateLayout.leases { batch.flush(table, set: set) }
        }
    }

    /// Says anew which interfaces are tunnels.
    public func setTunnels(_ tunnels: Set<UInt32>) throws(KernelGateError) {
        try change("name the gate's tunnels") { batch, table in
            GateLayout.replaceTunnels(tunnels, table: table, into: &batch)
        }
    }

    /// Removes the gate: every port is as it would be without nodeguard.
    public func remove() throws(KernelGateError) {
        do throws(NetlinkError) {
            for table in [GateLayout.liveTable, GateLayout.table] where try exists(table) {
                var batch = FirewallBatch()
                batch.deleteTable(table)
                try commit(batch, "remove the gate")
            }
        } catch {
            throw Self.explained(error)
        }
    }

    private func change(
        _ intent: String, _ build: (inout FirewallBatch, String) -> Void
    ) throws(KernelGateError) {
        var batch = FirewallBatch()
        for table in tables { build(&batch, table) }
        do throws(NetlinkError) {
            try commit(batch, intent)
        } catch {
            throw Self.explained(error)
        }
    }

    private func commit(_ batch: FirewallBatch, _ intent: String) throws(NetlinkError) {
        try socket.commit(batch, to: intent, deadline: .now.advanced(by: Self.patience))
    }

    private func exists(_ table: String) throws(NetlinkError) -> Bool {
        try socket.list(
            .getTable, isDump: false, to: "look for table \(table)", deadline: .now.advanced(by: Self.patience)
        ) { $0.attribute(1, string: table) } != nil
    }

    static func explained(_ error: NetlinkError) -> KernelGateError {
        guard case .refused(let errno, let request) = error else { return .kernel("\(error)") }
        switch errno {
        case .notPermitted: return .ownedByAnother
        case .permissionDenied: return .notPermitted
        case .noSuchFileOrDirectory: return .unsupported("\(request): an expression or table is missing")
        // EINVAL is also what netfilter answers with where nf_tables is not loaded and cannot be.
        case .invalidArgument, Errno(rawValue: 93), Errno(rawValue: 95): return .unsupported("\(request): \(errno)")
        default: return .kernel("\(error)")
        }
    }
}
