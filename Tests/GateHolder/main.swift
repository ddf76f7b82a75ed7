// A gate's loop in a process of its own, for tests that kill, stop and replace it. It guards udp/9000 of the network
// namespace it is started in, with the tunnel tun0; SELinux is not looked at.
// Arguments: a folder for its state, the handover and the lease in milliseconds.
import Glibc
import Journal
import LinuxSystem
import Policy
import SystemPackage

let folder = FilePath(CommandLine.arguments[1])
let handover = Duration.milliseconds(Int(CommandLine.arguments[2])!)
let plan = GatePlan(
    posture: PosturePolicy(selinux: .ignore, vpnInterfaces: [InterfacePattern("tun0")]),
    settings: GateSettings(mode: .enforce, settle: .milliseconds(100)),
    rules: GateRules(mode: .enforce, ports: [Port(.udp, 9000)], answersByTunnel: true, sendsByTunnel: true),
    lease: .milliseconds(Int(CommandLine.arguments[3])!), handover: handover)

func say(_ line: String) {
    _ = try? FileDescriptor.standardOutput.writeAll((line + "\n").utf8)
}

let signals = try SignalDescriptor([SIGTERM])
let loop = try GateLoop(plan, store: OverrideStore(state: folder, runtime: folder)) { event in
    switch event {
    case .gateOpened: say("open")
    case .gateClosed: say("closed")
    default: break
    }
}
try startThread {
    do {
        try loop.run()
        say("ended")
    } catch {
        say("failed: \(error)")
    }
    exit(0)
}
_ = try waitUntilReadable([signals.rawValue])
loop.stop()
while true { pause() }
