import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite("nodeguard run, in a network namespace of its own (needs root)")
struct RunCommandTests {
    @Test func `the gate opens behind a tunnel, shuts without it, and status and metrics say so`() throws {
        let house = try AgentHouse()
        let open = try house.waitForStatus("OPEN")
        // The signatures of a test are not ClamAV's: that needs attention, and keeps nothing shut.
        #expect(open.status == 1)
        #expect(
            open.output.contains("- signatures.age is fail") || open.output.contains("why    signatures.age is fail"))
        #expect(try house.nodeguard("wait-open", "--timeout", "20s").status == 0)
        try waitFor("the metrics to follow") { try house.metric("nodeguard_gate_open") == 1 ? true : nil }
        #expect(try house.metric(#"nodeguard_check_status{check="vpn.route.ipv4"}"#) == 1)

        try house.setTunnel(up: false)
        let shut = try house.waitForStatus("SHUT: the validators are kept off the network")
        #expect(shut.status == 1)
        let lines = shut.output.split(separator: "\n")
        #expect(lines.count > 2 && lines[1].hasPrefix("why") && lines[1].contains("vpn.interface is fail"))
        #expect(lines.count > 2 && lines[2].hasPrefix("next") && lines[2].contains("VPN"))
        try waitFor("the metrics to follow") { try house.metric("nodeguard_gate_open") == 0 ? true : nil }
        #expect(try house.metric(#"nodeguard_gate_transitions_total{to="closed"}"#) == 1)
        #expect(try house.nodeguard("wait-open", "--timeout", "500ms").status == 1)

        try house.setTunnel(up: true)
        try house.waitForStatus("OPEN")
        #expect(try house.stop().end == .exited(0))
    }

    @Test func `an orderly stop leaves the handover, a kill no more than the lease`() throws {
        let house = try AgentHouse()
        try house.waitForGate("OPEN")
        #expect(try house.stop().end == .exited(0))
        let handedOver = try house.nodeguard("gate", "status")
        #expect(handedOver.output.hasPrefix("OPEN"))
        // More than the lease of 2 s: it is the handover's.
        let left = handedOver.output.split(separator: "lease ").last.flatMap { Int($0.prefix { $0.isNumber }) }
        #expect((left ?? 0) > 2000, "\(handedOver.output)")

        try house.start()
        try house.notify.wait(for: "READY=1")
        // The new agent has taken the lease over: it is its own, short one again.
        try house.waitForStatus("OPEN")
        try house.stop(SIGKILL)
        try house.waitForGate("CLOSED")
    }

    @Test func `an upgrade is open all along, for status and metrics too, and what stopped tells nothing of the gate`()
        throws
    {
        func policy(settle: String) -> String {
            """
              selinux: { require: ignore }
              vpn: { interfaces: [tun0], ipv4: required, ipv6: ignore }
              gate: { mode: enforce, settle: \(settle), lease: 2s, handover: 5m }
            """
        }
        let house = try AgentHouse(policy: policy(settle: "100ms"))
        let opened = #"nodeguard_gate_transitions_total{to="open"}"#
        try house.waitForStatus("OPEN")
        try waitFor("the metrics to follow") { try house.metric(opened) == 1 ? true : nil }
        #expect(try house.stop().end == .exited(0))
        #expect(try house.metric("nodeguard_gate_open") == nil)
        #expect(try house.metric(#"nodeguard_check_status{check="vpn.route.ipv4"}"#) == nil)
        #expect(try house.metric(opened) == 1)

        try house.configure(policy: policy(settle: "5m"))
        try house.start()
        try house.notify.wait(
            for:
                "STATUS=the gate is open: every required check passes, but not yet for long enough; a lease of before still "
                + "runs")
        try house.waitForStatus("OPEN")
        #expect(try house.nodeguard("wait-open", "--timeout", "20s").status == 0)
        try waitFor("the metrics to follow") { try house.metric("nodeguard_gate_open") == 1 ? true : nil }

        try house.configure(policy: policy(settle: "100ms"))
        house.agent.signal(SIGHUP)
        // From here on the lease is this agent's.
        try house.notify.wait(for: "STATUS=the gate is open: every required check passes")
        try house.setTunnel(up: false)
        try waitFor("the metrics to follow") {
            try house.metric(#"nodeguard_gate_transitions_total{to="closed"}"#) == 1 ? true : nil
        }
        #expect(try house.metric(opened) == 1)
    }

    @Test func `a control socket that somebody deletes is made again`() throws {
        let house = try AgentHouse()
        try house.waitForStatus("OPEN")
        _ = try runProgram(["rm", house.controlSocket.string])
        try house.waitForStatus("OPEN,")
        #expect(exists(house.controlSocket))
    }

    @Test func `a second agent says who is there, and leaves the first alone`() throws {
        let house = try AgentHouse()
        try house.waitForGate("OPEN")
        let second = try house.nodeguard("run")
        #expect(second.status == 2)
        #expect(second.errors.contains("another nodeguard runs on this host"))
        #expect(second.errors.contains("systemctl stop nodeguard"))
        try house.waitForStatus("OPEN")
    }

    @Test func `a good configuration is taken up, a bad one refused by name and line, and the old one stays`() throws {
        let house = try AgentHouse()
        try house.waitForStatus("OPEN")
        try house.configure(more: "journl: { enabled: false }")
        house.agent.signal(SIGHUP)
        #expect(try house.notify.wait(for: "RELOADING=1").contains("MONOTONIC_USEC="))
        try house.notify.wait(for: "READY=1")
        let refused = try house.call("GetStatus", "{}")
        // The gate is kept all the same.
        #expect(refused.contains("nodeguard.yaml:") && refused.contains("journl"), "\(refused)")
        #expect(refused.contains(#""state":"open""#))

        try house.configure(
            policy: """
                  selinux: { require: ignore }
                  vpn: { interfaces: [wg0], ipv4: required, ipv6: ignore }
                  gate: { mode: enforce, settle: 100ms, lease: 2s }
                """)
        house.agent.signal(SIGHUP)
        try house.waitForStatus("SHUT")
        try house.configure()
        house.agent.signal(SIGHUP)
        try house.waitForStatus("OPEN")
    }

    @Test func `the findings of a target that is configured no more stay open, without a gap`() throws {
        let house = try AgentHouse()
        try house.folder.write("sample/bad", AgentHouse.bad)
        #expect(try house.nodeguard("scan-now").status == 1)
        let open = #"nodeguard_findings{target="sample",state="open"}"#
        let completion = #"nodeguard_scan_last_completion_timestamp_seconds{target="sample"}"#
        #expect(try house.metric(open) == 1)
        #expect(try house.metric(completion) != nil)
        try house.configure(target: "other")
        #expect(try house.call("Reload", "{}") == "{}")
        // What the agent does at once; what it does each time it looks at the disk must not take it away again.
        #expect(try house.metric(completion) == nil)
        #expect(try house.metric(open) == 1)
        #expect(try house.call("GetStatus", "{}").contains(#""openFindings":1"#))
        #expect(try house.nodeguard("scan-now", paths: [try house.folder.write("fine", "fine")]).status == 0)
        #expect(try house.metric(open) == 1)
        #expect(try house.call("GetStatus", "{}").contains(#""openFindings":1"#))
        // A scan of the other target proves it gone: nothing is left to be told.
        _ = try runProgram(["rm", house.sample.appending("bad").string])
        #expect(try house.nodeguard("scan-now").status == 0)
        try waitFor("it to be gone") { try house.metric(open) == nil ? true : nil }
        #expect(try house.call("GetStatus", "{}").contains(#""openFindings":0"#))
    }

    @Test
    func `a wrong configuration begins with the last good one of its own state, and its commands find that agent`()
        throws
    {
        let house = try AgentHouse()
        try house.waitForStatus("OPEN")
        #expect(try house.stop().end == .exited(0))
        // Not even YAML any more.
        try house.configure(more: "\tjournl: [")
        try house.start()
        try house.notify.wait(for: "READY=1")
        let status = try house.waitForStatus("OPEN")
        #expect(status.errors.contains("nodeguard.yaml:"), "\(status.errors)")
        #expect(try house.nodeguard("wait-open", "--timeout", "20s").status == 0)
        #expect(try house.nodeguard("gate", "close", "--reason", "keys moved").status == 0)
        try house.waitForGate("CLOSED")
        #expect(try house.nodeguard("gate", "resume").status == 0)
        try house.waitForGate("OPEN")
        #expect(try house.stop().end == .exited(0))

        // Where its state is cannot be told: another agent's last good configuration is not taken for its own.
        try house.folder.write("nodeguard.yaml", "scan: [")
        let refused = try house.nodeguard("run")
        #expect(refused.status == 2)
        #expect(refused.errors.contains("nodeguard.yaml:1") && refused.errors.contains("paths.state"))
        let unknown = try house.nodeguard("status")
        #expect(unknown.status == 2)
        #expect(unknown.errors.contains("which agent that is cannot be told"), "\(unknown.errors)")
    }

    @Test func `with --watch-configuration a changed file is taken up by itself`() throws {
        let house = try AgentHouse(options: ["--watch-configuration"])
        try house.waitForStatus("OPEN")
        try house.configure(
            policy: """
                  selinux: { require: ignore }
                  vpn: { interfaces: [wg0], ipv4: required, ipv6: ignore }
                  gate: { mode: enforce, settle: 100ms, lease: 2s }
                """)
        try house.waitForStatus("SHUT")
    }

    @Test func `a killed session moves nothing, and the night's scan makes room for one by hand and goes on`() throws {
        // Slow enough to be met in the middle: 64 KiB a second.
        let slow = "  throttle: { bytesPerSecond: 64KiB }\n  schedule: \"* * * * *\""
        let house = try AgentHouse(scan: slow, options: ["--scan-patience", "0s"])
        for number in 0..<40 {
            try house.folder.write("sample/\(number)", "\(number) " + String(repeating: "x", count: 65536))
        }
        try house.folder.write("sample/zz-bad", AgentHouse.bad)
        let session = try waitFor("the scheduled scan to begin", deadline: 150) {
            try house.nodeguard("status").output.contains("sample: runs, ")
                ? Processes.children(of: house.agentProcess).first : nil
        }
        // What only plans is not in its way.
        #expect(try house.nodeguard("scan-now", "--plan").status == 0)
        #expect(Processes.isAlive(session))
        // By hand one is done at once: nothing in its way but the other.
        let other = try house.folder.write("other", AgentHouse.bad)
        let byHand = try house.nodeguard("scan-now", paths: [other])
        #expect(byHand.status == 1, "\(byHand.errors)")
        #expect(byHand.output.contains("Test.Bad.UNOFFICIAL"))
        #expect(!Processes.isAlive(session))

        let again = try waitFor("the scan to go on") {
            try house.nodeguard("status").output.contains("sample: runs, ")
                ? Processes.children(of: house.agentProcess).first : nil
        }
        kill(again, SIGKILL)
        let status = try waitFor("the agent to notice") {
            let status = try house.nodeguard("status")
            return status.output.contains("killed by signal 9") ? status : nil
        }
        #expect(status.output.hasPrefix("OPEN"), "the gate does not care: \(status.output)")
        #expect(status.output.contains("to go on where it stopped"))
        #expect(try house.metric(#"nodeguard_gate_transitions_total{to="closed"}"#) == 0)
        #expect(try house.metric(#"nodeguard_scan_running{target="sample"}"#) == 0)
    }

    @Test func `SIGTERM in the middle of a scan ends everything in good order`() throws {
        let house = try AgentHouse(scan: "  throttle: { bytesPerSecond: 64KiB }")
        for number in 0..<40 {
            try house.folder.write("sample/\(number)", "\(number) " + String(repeating: "x", count: 65536))
        }
        let scan = try house.startNodeguard("scan-now", "--json", "--target", "sample")
        try scan.waitForOutput("scan.started")
        let session = try #require(Processes.children(of: house.agentProcess).first)
        #expect(try house.stop().end == .exited(0))
        #expect(!Processes.isAlive(session))
        let ended = try scan.finish()
        #expect(ended.output.contains(#""reason":"shutdown""#))
        // Nobody interrupted the command: what it was asked for could not be done.
        #expect(ended.status == 2)
    }
}

extension AgentHouse {
    /// The agent's own process: `ip netns exec` replaces itself by it.
    var agentProcess: Int32 { agent.pid }
}
