import Glibc
import SystemPackage
import TestSupport

/// The loop in a process of its own, with its packaged rhythm, while nothing happens.
func measureIdle(seconds: Int) throws {
    let node = try NetworkNamespace()
    let peer = try NetworkNamespace()
    let folder = try TemporaryFolder()
    let tunnel = try Pump.tunnel(node, peer, interface: "tun0")
    try node.shell("ip link set tun0 up; ip address add 10.8.0.2/24 dev tun0; ip route add default dev tun0")
    let holder = try RunningProgram([
        "ip", "netns", "exec", node.name, try builtProgram("gate-holder"), folder.path.string, "0", "5000",
    ])
    try holder.waitForOutput("open")
    /// Seconds of processor time, to the nanosecond (schedstat of each thread).
    func processorTime() throws -> Double {
        let lines = try runProgram(["sh", "-c", "cat /proc/\(holder.pid)/task/*/schedstat"]).output.split(
            separator: "\n")
        return lines.reduce(0) { $0 + (Double($1.split(separator: " ")[0]) ?? 0) / 1e9 }
    }
    let before = try processorTime()
    let began = packetClock()
    while packetClock() - began < UInt64(seconds) * 1_000_000_000 { poll(nil, 0, 1000) }
    let share = try (processorTime() - before) / (Double(packetClock() - began) / 1e9)
    print("\nThe loop, open and idle for \(seconds) s\n")
    print("| % of a processor | of the goal, 0.1 % |")
    print("|---|---|")
    print("| \(shown(share * 100)) | \(shown(share / 0.001)) |")
    holder.signal(SIGKILL)
    tunnel.stop()
}
