import CTestSupport
import Glibc
import Journal
import LinuxSystem
import Policy
import Synchronization
import SystemPackage
import TestSupport

/// When the fault was heard of and when the gate was shut, in nanoseconds; 0 is not yet.
private final class Moments: Sendable {
    let heard = Atomic<UInt64>(0)
    let shut = Atomic<UInt64>(0)
}

/// Fault to shut: from the kernel's word that the default route is gone, as a socket beside the agent's hears it, to the
/// return of the transaction that flushed the leases. Beside it the transaction alone, in the same circumstances.
func measureShutting(trials: Int) throws {
    let node = try NetworkNamespace()
    let other = try NetworkNamespace()
    let peer = try NetworkNamespace()
    let folder = try TemporaryFolder()
    let tunnel = try Pump.tunnel(node, peer, interface: "tun0")
    try node.shell("ip link set tun0 up; ip address add 10.8.0.2/24 dev tun0; ip route add default dev tun0")
    let moments = Moments()
    let plan = GatePlan(
        posture: PosturePolicy(selinux: .ignore, vpnInterfaces: [InterfacePattern("tun0")]),
        settings: GateSettings(mode: .enforce, settle: .milliseconds(1)),
        rules: GateRules(mode: .enforce, ports: [Port(.udp, 9000)]))
    // When the loop has heard of a bad answer the gate is shut.
    let loop = try GateLoop(
        plan, store: OverrideStore(state: folder.path, runtime: folder.path),
        looksAt: { policy, history, hear in
            Posture.evaluate(policy, history: history) { result in
                hear(result)
                guard result.verdict.kind == .fail, GateSettings.usuallyRequired.contains(result.check) else { return }
                _ = moments.shut.compareExchange(
                    expected: 0, desired: packetClock(), ordering: .acquiringAndReleasing)
            }
        }, tell: { _ in })
    let guarding = try BackgroundThread {
        do { try node.run { try loop.run() } } catch { print("the gate ended: \(error)") }
    }
    let listener = try node.run { nodeguard_route_listener() }
    let isOver = Atomic<Bool>(false)
    let listening = try BackgroundThread {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while !isOver.load(ordering: .acquiring) {
            var watched = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&watched, 1, 100) > 0 else { continue }
            let now = packetClock()
            while unsafe buffer.withUnsafeMutableBytes({ unsafe recv(listener, $0.baseAddress, $0.count, 0) }) > 0 {}
            _ = moments.heard.compareExchange(expected: 0, desired: now, ordering: .acquiringAndReleasing)
        }
    }

    func waitUntil(isOpen: Bool) {
        while loop.status.decision.isOpen != isOpen { poll(nil, 0, 1) }
    }

    /// Milliseconds, sorted.
    func faults(_ trials: Int) throws -> [Double] {
        try (0..<trials).map { _ in
            waitUntil(isOpen: true)
            moments.shut.store(0, ordering: .releasing)
            moments.heard.store(0, ordering: .releasing)
            try node.shell("ip route delete default")
            waitUntil(isOpen: false)
            while moments.shut.load(ordering: .acquiring) == 0 || moments.heard.load(ordering: .acquiring) == 0 {
                poll(nil, 0, 1)
            }
            let heard = moments.heard.load(ordering: .acquiring)
            let shut = moments.shut.load(ordering: .acquiring)
            try node.shell("ip route add default dev tun0")
            return shut > heard ? Double(shut - heard) / 1e6 : 0
        }.sorted()
    }

    /// The transaction alone, in a namespace where nothing else happens.
    func transactions(_ trials: Int) throws -> [Double] {
        try other.run {
            let gate = try KernelGate()
            try gate.install(GateRules(mode: .enforce, ports: [Port(.udp, 9000)]))
            return try (0..<trials).map { _ in
                try gate.open(for: .seconds(5))
                let began = packetClock()
                try gate.shut()
                return Double(packetClock() - began) / 1e6
            }.sorted()
        }
    }

    print("\nFault to shut, \(trials) trials each\n")
    print("| | p50 ms | p99 ms | max ms | p50, of the transaction's | p99, of the transaction's | p99, of idle |")
    print("|---|---|---|---|---|---|---|")
    var idle = 1.0
    func row(_ name: String, _ trials: Int) throws {
        let bare = try transactions(trials)
        let times = try faults(trials)
        let (p50, p99) = (quantile(times, 0.5), quantile(times, 0.99))
        if name == "idle" { idle = p99 }
        print(
            "| \(name) | \(shown(p50)) | \(shown(p99)) | \(shown(times.last!)) | \(shown(p50 / quantile(bare, 0.5))) | "
                + "\(shown(p99 / quantile(bare, 0.99))) | \(shown(p99 / idle)) |")
    }
    try row("idle", trials)

    var load = try (0..<2).map { _ in try RunningProgram(["sh", "-c", "while :; do :; done"]) }
    try row("every processor busy", trials)
    load = []

    let many =
        "add table ip other\nadd chain ip other many\n"
        + (0..<10_000).map { "add rule ip other many ip daddr 10.43.\($0 >> 8).\($0 & 255) counter\n" }.joined()
        + "flush chain ip other many\n"
    let rules = try folder.write("rules", many)
    let commits = try RunningProgram([
        "ip", "netns", "exec", node.name, "sh", "-c", "while :; do nft -f '\(rules)'; done",
    ])
    try row("beside commits of 10,000 rules", trials)
    commits.signal(SIGKILL)
    _ = try? commits.finish()

    loop.stop()
    guarding.join()
    isOver.store(true, ordering: .releasing)
    listening.join()
    tunnel.stop()
    _ = load
}
