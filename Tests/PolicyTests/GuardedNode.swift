import Glibc
import Journal
import LinuxSystem
import Synchronization
import SystemPackage
import TestSupport

@testable import Policy

/// What a test says about SELinux in place of the real one, and what the gate's loop told.
final class GateWitness: Sendable {
    private let state = Mutex(State())

    private struct State {
        var isSELinuxGood = true
        var events: [Event] = []
        var failure: String?
    }

    var isSELinuxGood: Bool {
        get { state.withLock { $0.isSELinuxGood } }
        set { state.withLock { $0.isSELinuxGood = newValue } }
    }

    var events: [Event] { state.withLock { $0.events } }
    var failure: String? { state.withLock { $0.failure } }

    func hear(_ event: Event) { state.withLock { $0.events.append(event) } }
    func fail(_ reason: String) { state.withLock { $0.failure = reason } }
}

/// The gate did not do in time what it should.
struct GuardFailure: Error, CustomStringConvertible {
    let description: String
}

/// A disk with a person's will that does not answer as long as it hangs.
final class HangingDisk: Sendable {
    private let state: Mutex<(will: GateOverrideState, hangs: Bool, isWaitedFor: Bool)>

    init(_ will: GateOverrideState) { state = Mutex((will, false, false)) }

    var will: GateOverrideState {
        get { state.withLock { $0.will } }
        set { state.withLock { $0.will = newValue } }
    }
    var hangs: Bool {
        get { state.withLock { $0.hangs } }
        set { state.withLock { $0.hangs = newValue } }
    }
    var isWaitedFor: Bool { state.withLock { $0.isWaitedFor } }

    func read() -> GateOverrideState {
        while true {
            let will = state.withLock { state in
                state.isWaitedFor = state.hangs
                return state.hangs ? nil : state.will
            }
            if let will { return will }
            poll(nil, 0, 1)
        }
    }
}

/// A node with a real tunnel, a validator that answers on port 9000, a peer that never stops to send to it through
/// the tunnel, and a sniffer on the uplink that sees every packet of the validator's that should not be there.
final class GuardedNode {
    let node: NetworkNamespace
    let peer: NetworkNamespace
    /// The gate in this process; nil where it is held by another.
    private let ownLoop: GateLoop?
    var loop: GateLoop { ownLoop! }
    /// What its loop began with.
    let plan: GatePlan
    let witness = GateWitness()
    let flood: PacketFlood
    private let folder: TemporaryFolder
    private(set) var tunnel: Pump?
    private let echo: Pump
    private let uplink: Sniffer
    private var exit: Sniffer
    private var thread: BackgroundThread?

    /// The default route by the tunnel, and everything required.
    init(
        routes: String = "ip route add default dev tun0", hasLoop: Bool = true, host: FilePath = "/",
        disk: HangingDisk? = nil,
        _ change: (inout GatePlan) -> Void = { _ in }
    ) throws {
        node = try NetworkNamespace()
        peer = try NetworkNamespace()
        folder = try TemporaryFolder()
        tunnel = try Pump.tunnel(node, peer, interface: "tun0")
        try node.shell(
            """
            ip link add home0 address 02:00:00:00:00:02 type veth peer name isp0 address 02:00:00:00:00:01 \
                netns \(peer.name)
            sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.home0.rp_filter=0 net.ipv4.conf.tun0.rp_filter=0
            ip link set home0 up; ip link set tun0 up txqueuelen 100000
            ip address add 192.0.2.2/24 dev home0; ip address add 10.8.0.2/24 dev tun0
            ip address add 2001:db8::2/64 dev home0 nodad
            ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev home0
            \(routes)
            """)
        try peer.shell(
            """
            sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.isp0.rp_filter=0 net.ipv4.conf.tun0.rp_filter=0
            ip link set isp0 up; ip link set tun0 up txqueuelen 100000
            ip address add 192.0.2.1/24 dev isp0; ip address add 10.8.0.1/24 dev tun0
            ip address add 198.51.100.9/32 dev lo
            ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev isp0
            ip route replace 10.8.0.2/32 dev tun0 src 198.51.100.9
            """)
        echo = try Pump.echo(in: node, port: 9000)
        uplink = try Sniffer(in: peer, interface: "isp0")
        exit = try Sniffer(in: peer, interface: "tun0")

        var plan = GatePlan(
            posture: PosturePolicy(vpnInterfaces: [InterfacePattern("tun0")]),
            settings: GateSettings(mode: .enforce, settle: .milliseconds(100)),
            rules: GateRules(mode: .enforce, ports: [Port(.udp, 9000)], answersByTunnel: true, sendsByTunnel: true),
            lease: .seconds(5), interval: .seconds(2))
        change(&plan)
        self.plan = plan
        let witness = witness
        let store = OverrideStore(state: folder.path, runtime: folder.path)
        let loop = try GateLoop(
            plan, host: host, folders: store.folders, will: { disk?.read() ?? store.current() },
            looksAt: { policy, history, hear in
                let selinux = CheckResult(
                    .selinuxEnforcing, witness.isSELinuxGood ? .pass : .fail(remedy: "test"), evidence: "injected")
                let network = Posture.checks(policy, history: history).dropFirst()
                hear(selinux)
                return Posture(
                    [selinux]
                        + network.map { check in
                            let result = check.evaluate(deadline: .now.advanced(by: .seconds(10)))
                            hear(result)
                            return result
                        })
            },
            tell: { witness.hear($0) })
        ownLoop = hasLoop ? loop : nil
        let node = node
        if hasLoop {
            thread = try BackgroundThread {
                do { try node.run { try loop.run() } } catch { witness.fail("\(error)") }
            }
        }
        flood = try PacketFlood(from: peer, to: "10.8.0.2", port: 9000, gap: 100_000)
    }

    deinit {
        ownLoop?.stop()
        thread?.join()
        _ = flood.stop()
    }

    /// The store that the loop reads.
    var store: OverrideStore { OverrideStore(state: folder.path, runtime: folder.path) }

    /// Waits for the gate, at most half a minute.
    func wait(untilOpen: Bool, _ what: String) throws {
        let deadline = ContinuousClock.now.advanced(by: .seconds(120))
        while loop.status.decision.isOpen != untilOpen {
            if let failure = witness.failure { throw GuardFailure(description: failure) }
            guard .now < deadline else { throw GuardFailure(description: "\(what): \(loop.status)") }
            poll(nil, 0, 1)
        }
    }

    private var byTunnel: [UInt32: Int] = [:]
    private var byUplink: [UInt32: Int] = [:]

    private func collect() {
        for packet in exit.packets() where packet.source == 9000 { byTunnel[packet.phase, default: 0] += 1 }
        for packet in uplink.packets() where packet.source == 9000 { byUplink[packet.phase, default: 0] += 1 }
    }

    /// The validator's answers to packets of this phase that have come out of the tunnel so far. The tunnel and the
    /// validator are programs and may be behind, so this counts by what was answered and not by when.
    func answers(phase: UInt32) -> Int {
        collect()
        return byTunnel[phase] ?? 0
    }

    /// Waits for so many answers to packets of this phase.
    func wait(forAnswers count: Int, phase: UInt32) throws {
        let deadline = ContinuousClock.now.advanced(by: .seconds(120))
        while answers(phase: phase) < count {
            guard .now < deadline else {
                throw GuardFailure(description: "\(answers(phase: phase)) of \(count) answers in phase \(phase)")
            }
            poll(nil, 0, 1)
        }
    }

    /// The validator's packets that have left by the uplink so far: leaks, all of them.
    var leaks: Int {
        collect()
        return byUplink.values.reduce(0, +)
    }

    /// Ends the flood, the validator and the tunnel, so that nothing more can come, and counts what passed in phases in
    /// which nothing should have, and what left by the uplink in any.
    func passed(shutPhases: [UInt32]) -> Int {
        _ = flood.stop()
        echo.stop()
        tunnel?.stop()
        return shutPhases.reduce(0) { $0 + answers(phase: $1) } + leaks
    }

    /// Starts a process that holds the gate; it ends with the last reference to it.
    func startHolder(
        handover: Int, lease: Int = 2000, environment: [String: String]? = nil
    ) throws -> RunningProgram {
        try RunningProgram(
            [
                "ip", "netns", "exec", node.name, try builtProgram("gate-holder"), folder.path.string, "\(handover)",
                "\(lease)",
            ], environment: environment)
    }

    /// Ends the tunnel's program: the interface is gone.
    func cutTunnel() {
        tunnel?.stop()
        tunnel = nil
    }

    /// Makes the tunnel anew, with another index.
    func restoreTunnel() throws {
        tunnel = try Pump.tunnel(node, peer, interface: "tun0")
        try node.shell("ip link set tun0 up; ip address add 10.8.0.2/24 dev tun0; ip route replace default dev tun0")
        try peer.shell(
            "ip link set tun0 up; ip address add 10.8.0.1/24 dev tun0; "
                + "ip route replace 10.8.0.2/32 dev tun0 src 198.51.100.9")
        collect()
        exit = try Sniffer(in: peer, interface: "tun0")
    }
}
