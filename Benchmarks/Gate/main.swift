// How fast the gate shuts, and what its loop costs while nothing happens. Needs root; makes network namespaces of its own.
//
//     swift run -c release gate-benchmark [TRIALS]
//
// Fault to shut: from the kernel's word that the default route is gone, as a socket beside the agent's hears it, to the
// return of the transaction that flushed the leases.
import CTestSupport
import Glibc
import Journal
import LinuxSystem
import Policy
import Synchronization
import SystemPackage
import TestSupport

let trials = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1])! : 200

/// When the fault was heard of and when the gate was shut, in nanoseconds; 0 is not yet.
final class Moments: Sendable {
    let heard = Atomic<UInt64>(0)
    let shut = Atomic<UInt64>(0)
}

let node = try NetworkNamespace()
let peer = try NetworkNamespace()
let folder = try TemporaryFolder()
let tunnel = try Pump.tunnel(node, peer, interface: "tun0")
try node.shell("ip link set tun0 up; ip address add 10.8.0.2/24 dev tun0; ip route add default dev tun0")

let moments = Moments()
let plan = GatePlan(
    posture: PosturePolicy(selinux: .ignore, vpnInterfaces: [InterfacePattern("tun0")]),
    settings: GateSettings(mode: .enforce, settle: .milliseconds(1)),
    rules: GateRules(mode: .enforce, ports: [Port(.udp, 9000)]))
let loop = try GateLoop(plan, store: OverrideStore(state: folder.path, runtime: folder.path)) { event in
    if case .gateClosed = event { moments.shut.store(packetClock(), ordering: .releasing) }
}
let guarding = try BackgroundThread {
    do { try node.run { try loop.run() } } catch { print("the gate ended: \(error)") }
}
let listener = try node.run { nodeguard_route_listener() }
let listening = try BackgroundThread {
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        var watched = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&watched, 1, -1)
        let now = packetClock()
        while unsafe buffer.withUnsafeMutableBytes({ unsafe recv(listener, $0.baseAddress, $0.count, 0) }) > 0 {}
        _ = moments.heard.compareExchange(expected: 0, desired: now, ordering: .acquiringAndReleasing)
    }
}

func waitUntil(isOpen: Bool) {
    while loop.status.decision.isOpen != isOpen { poll(nil, 0, 1) }
}

func measure(_ name: String, trials: Int) throws {
    var times: [Double] = []
    for _ in 0..<trials {
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
        times.append(shut > heard ? Double(shut - heard) / 1e6 : 0)
        try node.shell("ip route add default dev tun0")
    }
    times.sort()
    let at = { (part: Double) in times[min(times.count - 1, Int(Double(times.count) * part))] }
    func rounded(_ value: Double) -> String { "\((value * 100).rounded() / 100) ms" }
    print("\(name): p50 \(rounded(at(0.5))), p99 \(rounded(at(0.99))), max \(rounded(times.last!)) of \(trials)")
}

try measure("fault to shut, idle", trials: trials)

var load = try (0..<2).map { _ in try RunningProgram(["sh", "-c", "while :; do :; done"]) }
try measure("fault to shut, every processor busy", trials: trials)
load = []

let many =
    "add table ip other\nadd chain ip other many\n"
    + (0..<10_000).map { "add rule ip other many ip daddr 10.43.\($0 >> 8).\($0 & 255) counter\n" }.joined()
    + "flush chain ip other many\n"
let rules = try folder.write("rules", many)
let commits = try RunningProgram([
    "ip", "netns", "exec", node.name, "sh", "-c", "while :; do nft -f '\(rules)'; done",
])
try measure("fault to shut, beside commits of 10,000 rules", trials: trials / 4)
commits.signal(SIGKILL)

loop.stop()
guarding.join()

// The same loop in a process of its own, with its packaged rhythm, while nothing happens.
let holder = try RunningProgram([
    "ip", "netns", "exec", node.name, try builtProgram("gate-holder"), folder.path.string, "0", "5000",
])
try holder.waitForOutput("open")
func processorTime(_ pid: Int32) throws -> Double {
    let fields = try runProgram(["cat", "/proc/\(pid)/stat"]).output.split(separator: " ")
    return (Double(fields[13]) ?? 0) + (Double(fields[14]) ?? 0)
}
let before = try processorTime(holder.pid)
let seconds = 60.0
let began = packetClock()
while Double(packetClock() - began) / 1e9 < seconds { poll(nil, 0, 1000) }
// In hundredths of a second (USER_HZ).
let percent = (try processorTime(holder.pid) - before) / seconds
print("idle: \((percent * 100).rounded() / 100) % of a processor over \(Int(seconds)) s")
holder.signal(SIGKILL)
exit(0)
